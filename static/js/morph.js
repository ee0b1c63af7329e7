// What only this reader knows outlives the answers to polls: the folds they opened, and what the server has told them alone.
(() => {
  const { callbacks } = window.Idiomorph.defaults;
  callbacks.beforeAttributeUpdated = (name, element) => !(name === "open" && element.matches("details"));
  // Something to say takes the place of what was said; nothing to say does not.
  callbacks.beforeNodeMorphed = (element, fresh) => !(element.matches?.("[data-keep]") && !fresh.childElementCount);
})();
