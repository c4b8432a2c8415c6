// Keeps the rows of a list up to date; what is new waits behind a button, so that nothing moves.
import { announce, markEmptyCells } from "../integrations/portal.js";

const REFRESH_MS = 5000;
const LONGEST_PAUSE_MS = 60000;

const body = document.querySelector("[data-list] tbody");
const news = document.querySelector("[data-news]");
const asked = new URLSearchParams(location.search);

/** Rows by what their link leads to. */
function rowsOf(root) {
  const links = [...root.querySelectorAll("[data-list] [data-row]")];
  return new Map(links.map((link) => [link.getAttribute("href"), link.closest("tr")]));
}

/** Says how many rows are new, and takes up what has changed in those that nobody uses. */
function take(fresh) {
  const shown = rowsOf(document);
  let count = 0;
  for (const [href, row] of rowsOf(fresh)) {
    const old = shown.get(href);
    if (!old) count += 1;
    else if (!isUsed(old) && old.textContent !== row.textContent) old.replaceWith(row);
  }
  markEmptyCells();
  news.hidden = count === 0;
  const text = `${count} new`;
  if (news.hidden || news.textContent === text) return;
  news.textContent = text;
  announce(text);
}

function isUsed(row) {
  return row.contains(document.activeElement) || row.querySelector("input:checked") !== null;
}

/** Asks again as long as the page is looked at; the pause grows with the answer's time. */
async function keepFresh() {
  let wait = LONGEST_PAUSE_MS;
  if (document.visibilityState === "visible") {
    const started = performance.now();
    const answer = await fetch(location.href).catch(() => null);
    if (answer?.status === 401 || answer?.redirected) return;
    if (answer?.ok) {
      take(new DOMParser().parseFromString(await answer.text(), "text/html"));
      wait = REFRESH_MS + 5 * (performance.now() - started);
    }
  } else wait = REFRESH_MS;
  setTimeout(keepFresh, Math.min(wait, LONGEST_PAUSE_MS));
}

// Pages further back stand still, and a search is asked once.
if (body && !asked.get("page") && !asked.get("q")) {
  news.addEventListener("click", () => location.reload());
  setTimeout(keepFresh, REFRESH_MS);
}
