// The keyboard of a list: / goes to the search, j and k from row to row, Enter opens.

const list = document.querySelector("[data-list]");
const search = document.querySelector("[data-search]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
  if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (list && (event.key === "j" || event.key === "k")) {
    step(event.key === "j" ? 1 : -1);
  }
});

function isWriting(element) {
  return element.matches("input, textarea, select, [contenteditable]");
}

/** Moves the focus to the link of the row below or above; Enter then opens it as any link. */
function step(by) {
  const links = [...list.querySelectorAll("[data-row]")];
  const at = links.indexOf(document.activeElement);
  const next = links[at < 0 ? 0 : Math.min(Math.max(at + by, 0), links.length - 1)];
  next?.focus();
}
