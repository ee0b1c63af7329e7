// Says changes of rows to a screen reader. The words come from the server, in `data-says` and `data-gone`.
(() => {
  const announcer = document.getElementById("announcer");
  const read = () => new Map([...document.querySelectorAll("[data-says]")].map((row) => [row.id, { ...row.dataset }]));
  let before = read();
  document.addEventListener("htmx:afterSettle", () => {
    const after = read();
    const said = [];
    after.forEach((words, id) => {
      if (before.get(id)?.says !== words.says) said.push(words.says);
    });
    before.forEach((words, id) => {
      if (!after.has(id) && words.gone) said.push(words.gone);
    });
    before = after;
    if (said.length) announcer.textContent = said.slice(0, 5).join(". ");
  });
})();
