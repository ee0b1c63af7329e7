// Closes an open menu by Escape or a click beside it, and switches the theme without a reload.
(() => {
  const open = () => document.querySelector("details[data-menu][open]");
  document.addEventListener("click", (event) => {
    const menu = open();
    if (menu && !menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const menu = open();
    if (event.key !== "Escape" || !menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("[data-themes]");
    const chosen = event.submitter?.value;
    if (!form || !chosen) return;
    event.preventDefault();
    document.cookie = `tapedeck_theme=${chosen}; path=/; max-age=34560000; samesite=lax`;
    document.documentElement.dataset.theme = chosen;
    document.querySelectorAll("[data-themes] button").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.value === chosen));
    });
  });
})();
