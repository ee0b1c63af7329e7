// Keys of the list: j and k move, Enter opens, / goes to the filters. New rows push neither the chosen row nor the pointer's away.
(() => {
  const rows = () => [...document.querySelectorAll("[data-keys] tbody tr")];
  const typing = (event) => event.target.closest("input, select, textarea, button, a, summary");
  let current = "";
  let last = -1;
  let held = null;
  const mark = () => rows().forEach((row) => row.classList.toggle("is-current", row.id === current));
  const choose = (row) => {
    current = row.id;
    last = rows().indexOf(row);
  };
  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.id === current);
    choose(all[Math.max(0, Math.min(all.length - 1, (at < 0 ? last : at) + step))]);
    mark();
    const row = document.getElementById(current);
    row.querySelector("a").focus();
    row.scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("[data-keys] tbody tr");
    if (row) choose(row);
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
  document.addEventListener("htmx:beforeSwap", () => {
    const row = document.querySelector("[data-keys] tbody tr:hover");
    held = row && { id: row.id, top: row.getBoundingClientRect().top };
  });
  document.addEventListener("htmx:afterSwap", () => {
    mark();
    const row = held && document.getElementById(held.id);
    // Anywhere but at the top of a page the browser itself keeps what is looked at in its place.
    if (row && !window.scrollY) window.scrollBy(0, row.getBoundingClientRect().top - held.top);
  });
})();
