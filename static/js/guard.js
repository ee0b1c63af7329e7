// A button that came under a resting pointer ignores its clicks for a moment: the hand was on its way to what stood there before.
(() => {
  const MOMENT_MS = 800;
  let pointer = null;
  let under = null;
  let arrived = { button: null, at: -Infinity };

  const buttonOf = (element) => {
    const button = element?.closest?.("button");
    return button ? button.id || button : null;
  };
  const beneath = () => (pointer ? buttonOf(document.elementFromPoint(...pointer)) : null);
  const follow = (event) => {
    pointer = [event.clientX, event.clientY];
    // Whoever leaves it and comes back means it.
    if (event.type === "pointermove" && buttonOf(event.target) !== arrived.button) arrived.button = null;
  };
  const notice = () => {
    const now = beneath();
    if (now && now !== under) arrived = { button: now, at: performance.now() };
    under = now;
  };

  document.addEventListener("pointermove", follow, { passive: true });
  document.addEventListener("pointerdown", follow, { passive: true });
  document.addEventListener("htmx:beforeSwap", () => {
    under = beneath();
  });
  document.addEventListener("htmx:afterSwap", notice);
  document.addEventListener("htmx:afterSettle", notice);
  document.addEventListener(
    "click",
    (event) => {
      const byKeyboard = event.detail === 0;
      if (byKeyboard || !arrived.button || buttonOf(event.target) !== arrived.button) return;
      if (performance.now() - arrived.at > MOMENT_MS) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    true,
  );
})();
