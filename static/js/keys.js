// Keys of the list: j and k move, Enter opens, / goes to the filters.
(() => {
  const rows = () => [...document.querySelectorAll("[data-keys] tbody tr")];
  const typing = (event) => event.target.closest("input, select, textarea, button, a, summary");
  let current = -1;
  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    current = Math.max(0, Math.min(all.length - 1, current + step));
    all.forEach((row, index) => row.classList.toggle("is-current", index === current));
    all[current].querySelector("a").focus();
    all[current].scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("[data-keys] tbody tr");
    if (row) current = rows().indexOf(row);
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const inRow = event.target.closest("[data-keys] tbody tr");
    if (typing(event) && !inRow) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "/") {
      event.preventDefault();
      document.querySelector("[name=participant]").focus();
    }
  });
})();
