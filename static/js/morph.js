// What only this reader knows outlives the answers to polls: folds they opened, what they chose, what they alone were told.
(() => {
  const { callbacks } = window.Idiomorph.defaults;
  callbacks.beforeAttributeUpdated = (name, element) => !(name === "selected" || (name === "open" && element.matches("details")));
  // Something new to say takes the place of what was said; nothing, or the same again, does not. A player keeps its place so.
  const isSame = (element, fresh) => element.dataset.keep && element.dataset.keep === fresh.dataset?.keep;
  callbacks.beforeNodeMorphed = (element, fresh) =>
    !(element.matches?.("[data-keep]") && (!fresh.childElementCount || isSame(element, fresh)));
})();
