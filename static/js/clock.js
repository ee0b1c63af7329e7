// Keeps countdowns and running times going without asking the server. The server's clock is the only wall clock in use: its reading
// comes with the page and with every answer, and a monotonic timer carries it on, so a wrong client clock changes nothing.
(() => {
  const AMBER_BELOW = 0.25; // as dashboard/urgency.py
  const URGENT_BELOW = 0.1;
  const SLEPT_MS = 2000;
  const KINDS = ["calm", "amber", "urgent", "over"];
  let offset = -Infinity;

  const synchronise = (reading) => {
    const heard = Number(reading) - performance.now();
    if (!Number(reading)) return;
    // An answer is always a little old when it arrives: the freshest gives the largest offset. A jump means the machine slept.
    if (heard > offset || offset - heard > SLEPT_MS) offset = heard;
  };
  const now = () => performance.now() + offset;

  const two = (number) => String(number).padStart(2, "0");
  const clockTime = (ms) => {
    const whole = Math.max(0, Math.floor(ms / 1000));
    const hours = Math.floor(whole / 3600);
    const minutes = Math.floor((whole % 3600) / 60);
    return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  };
  const span = (ms) => {
    const whole = Math.max(0, Math.floor(ms / 1000));
    if (whole < 120) return `${whole} s`;
    if (whole < 7200) return `${Math.floor(whole / 60)} min`;
    if (whole < 172800) return `${Math.floor(whole / 3600)} h`;
    return `${Math.floor(whole / 86400)} d`;
  };
  const write = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };

  const urgency = (left, window) => {
    const share = window ? left / window : 0;
    if (share <= 0) return "over";
    if (share < URGENT_BELOW) return "urgent";
    return share < AMBER_BELOW ? "amber" : "calm";
  };
  const countDown = (element) => {
    const left = Number(element.dataset.at) - now();
    const window = Number(element.dataset.window);
    const kind = urgency(left, window);
    write(element.querySelector("[data-left]"), clockTime(left));
    if (!element.classList.contains(`is-${kind}`)) {
      element.classList.remove(...KINDS.map((each) => `is-${each}`));
      element.classList.add(`is-${kind}`);
    }
    const word = element.querySelector("[data-word]");
    write(word, kind === "over" ? word.dataset.whenOver : word.dataset.whenLeft);
    const share = Math.max(0, Math.min(100, (100 * left) / window)).toFixed(1);
    element.querySelector("rect").setAttribute("width", `${share}%`);
  };
  const tick = (element) => {
    const at = Number(element.dataset.at);
    if (element.dataset.clock === "countdown") countDown(element);
    else if (element.dataset.clock === "elapsed") write(element, clockTime(now() - at + Number(element.dataset.plus || 0)));
    else if (element.dataset.clock === "span") write(element, span(now() - at));
    else if (element.dataset.clock === "ago") write(element, element.dataset.words.replace("{}", span(now() - at)));
  };
  const tickAll = () => document.querySelectorAll("[data-clock]").forEach(tick);

  synchronise(document.documentElement.dataset.now);
  document.addEventListener("htmx:beforeOnLoad", (event) => synchronise(event.detail.xhr.getResponseHeader("Tapedeck-Now")));
  document.addEventListener("htmx:afterSettle", tickAll);
  setInterval(tickAll, 250);
  tickAll();
  window.tapedeck = Object.assign(window.tapedeck || {}, { now, clockTime });
})();
