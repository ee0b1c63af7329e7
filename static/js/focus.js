// Keeps the keyboard where it was: when the focused button leaves its row, the row's next best thing is focused, not the page's top.
(() => {
  const FOCUSABLE = "button:not([disabled]), a[href]";
  let home = null;
  document.addEventListener("focusin", (event) => {
    home = event.target.closest("tr[id], li[id], [data-says]")?.id ?? null;
  });
  document.addEventListener("htmx:afterSettle", () => {
    const lost = !document.activeElement || document.activeElement === document.body;
    if (lost && home) document.getElementById(home)?.querySelector(FOCUSABLE)?.focus();
  });
})();
