// Asks for the changing part of a page while somebody looks at it: never in a hidden tab, at once when it is shown again.
(() => {
  const offline = document.getElementById("offline");
  let failures = 0;
  const ask = () => {
    if (document.hidden) return;
    document.querySelectorAll("[data-poll]").forEach((element) => window.htmx.trigger(element, "poll"));
  };
  const lost = () => {
    failures += 1;
    if (failures > 1) offline.hidden = false; // one lost answer is no lost connection
  };
  const found = () => {
    failures = 0;
    offline.hidden = true;
  };
  document.addEventListener("htmx:sendError", lost);
  document.addEventListener("htmx:timeout", lost);
  document.addEventListener("htmx:responseError", (event) => (event.detail.xhr.status >= 500 ? lost() : found()));
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.status < 500) found();
  });
  document.addEventListener("visibilitychange", ask);
  const first = document.querySelector("[data-poll]");
  if (first) setInterval(ask, Number(first.dataset.poll));
})();
