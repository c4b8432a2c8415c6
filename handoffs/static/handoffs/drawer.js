// Opens a conversation beside the live console, and keeps what is said in it up to date.
import { announce, enableToasts } from "../integrations/portal.js";
import { actsFollow } from "./acts.js";

const REFRESH_MS = 2000;
const SLOW_REFRESH_MS = 15000;
// Where the next note, or tag, is written.
const FIELDS = { notes: "#note", tags: "#tag" };
// Narrower than this, a table and a conversation have no room side by side.
const narrow = matchMedia("(max-width: 75rem)");

const rows = document.querySelector("[data-rows]");
const region = document.querySelector("[data-drawer]");
const dialog = document.querySelector("[data-drawer-dialog]");
// What is open: the address of its contents, the row it belongs to, and where it is shown.
let shown = null;

/** Shows the conversation of a row's link; where it cannot be had, its own page says why. */
async function open(link) {
  const markup = await read(link.dataset.watch).catch(() => null);
  if (markup === null) return location.assign(link.href);
  close();
  const place = narrow.matches ? dialog : region;
  shown = { url: link.dataset.watch, row: link.closest("tr").id, place };
  fill(markup);
  if (place === dialog) dialog.showModal();
  else region.hidden = false;
  toNewest();
  place.querySelector("h2").focus();
  setTimeout(keepFresh, REFRESH_MS, shown);
}

async function read(url) {
  const answer = await fetch(url, { headers: { "X-Requested-With": "fetch" } });
  if (answer.redirected || !answer.ok) throw new Error(String(answer.status));
  return answer.text();
}

function parsed(markup) {
  const template = document.createElement("template");
  template.innerHTML = markup;
  return template.content;
}

function fill(markup) {
  shown.place.replaceChildren(parsed(markup));
}

function lines() {
  return shown.place.querySelector("[data-drawer-lines]");
}

function toNewest() {
  lines().scrollTop = lines().scrollHeight;
}

/** Gives the focus back to the row, if it is still there. */
function close() {
  if (!shown) return;
  const link = document.getElementById(shown.row)?.querySelector("[data-watch]");
  const hadFocus = shown.place.contains(document.activeElement);
  if (dialog.open) dialog.close();
  region.hidden = true;
  shown.place.replaceChildren();
  shown = null;
  if (hadFocus) link?.focus();
}

/** Asks again as long as it is open, here and at the vendor, and the page is looked at. */
async function keepFresh(mine) {
  if (shown !== mine) return;
  let wait = REFRESH_MS;
  try {
    const markup = document.visibilityState === "visible" && (await read(mine.url));
    if (markup && shown === mine) refresh(markup);
  } catch {
    wait = SLOW_REFRESH_MS;
  }
  if (shown !== mine) return;
  const { dataset } = mine.place.querySelector("[data-live-part]");
  if (dataset.open === "true") setTimeout(keepFresh, wait, mine);
}

/** Puts what is new in place; who reads further up stays there. */
function refresh(markup) {
  const old = shown.place.querySelector("[data-live-part]");
  const part = parsed(markup).querySelector("[data-live-part]");
  if (old.textContent === part.textContent) return;
  const { scrollTop, scrollHeight, clientHeight } = lines();
  const isAtEnd = scrollHeight - scrollTop - clientHeight < 40;
  const isFocused = lines().contains(document.activeElement);
  const unfolded = [...old.querySelectorAll("details[open]")].map((one) => one.dataset.body);
  for (const one of part.querySelectorAll("details")) one.open = unfolded.includes(one.dataset.body);
  old.replaceWith(part);
  if (isAtEnd) toNewest();
  else lines().scrollTop = scrollTop;
  if (isFocused) lines().focus({ preventScroll: true });
  if (old.dataset.state !== part.dataset.state) announce(part.dataset.state);
  actsFollow(shown.place, part);
}

/** Sends a note or a tag without leaving the console, and shows what came of it. */
async function send(form, submitter) {
  const mine = shown;
  const body = new FormData(form, submitter);
  const answer = await fetch(form.action, { method: "POST", body }).catch(() => null);
  if (!answer?.ok) return announce("Not saved: the portal does not answer");
  const page = parsed(await answer.text());
  const toasts = document.querySelector("[data-toasts]");
  toasts.replaceChildren(...page.querySelectorAll("[data-toast]"));
  enableToasts();
  const markup = await read(mine.url).catch(() => null);
  if (markup === null || shown !== mine) return;
  const { scrollTop } = mine.place;
  const field = FIELDS[form.closest("section").id];
  fill(markup);
  toNewest();
  mine.place.scrollTop = scrollTop;
  mine.place.querySelector(field).focus();
}

rows.addEventListener("click", (event) => {
  const link = event.target.closest("[data-watch]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  open(link);
});

rows.addEventListener("keydown", (event) => {
  if (event.key !== "d" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.getElementById("keys-dialog")?.dataset.keys !== "on") return;
  if (event.target.closest("input")) return;
  open(event.target.closest("tr").querySelector("[data-watch]"));
});

for (const place of [region, dialog]) {
  place.addEventListener("click", (event) => {
    if (event.target.closest("[data-drawer-close]")) close();
  });
  place.addEventListener("submit", (event) => {
    if (!event.target.closest("#notes, #tags")) return;
    event.preventDefault();
    send(event.target, event.submitter);
  });
}

region.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !region.querySelector("dialog[open]")) close();
});

dialog.addEventListener("cancel", (event) => {
  if (event.target !== dialog) return;
  event.preventDefault();
  close();
});
