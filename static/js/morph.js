// What only this reader knows outlives the answers to polls: folds they opened, what they chose, what they alone were told.
(() => {
  const { callbacks } = window.Idiomorph.defaults;
  callbacks.beforeAttributeUpdated = (name, element) => !(name === "selected" || (name === "open" && element.matches("details")));
  // Something to say takes the place of what was said; nothing to say does not.
  callbacks.beforeNodeMorphed = (element, fresh) => !(element.matches?.("[data-keep]") && !fresh.childElementCount);
})();
