// Keeps an open handoff's page fresh, filters as boxes are ticked, copies the timeline as text.
import { announce } from "../integrations/portal.js";
import { actsFollow } from "./acts.js";

const REFRESH_MS = 2000;
const SLOW_REFRESH_MS = 15000;
const SILENT = "Not up to date: the portal does not answer";

const frame = document.querySelector("[data-live]");
let asked = 0;

/** Lets the filters act at once; without this script their button does it. */
function enableFilters() {
  const button = frame.querySelector("[data-filter-button]");
  if (button) button.hidden = true;
}

frame.addEventListener("change", (event) => {
  const form = event.target.closest("[data-filters]");
  if (!form) return;
  const query = new URLSearchParams(new FormData(form)).toString();
  history.replaceState(null, "", `?${query}${location.hash}`);
  frame.dataset.live = `${frame.dataset.live.split("?")[0]}?${query}`;
  refresh().catch(() => mark(SILENT));
});

/** Lets a box that was ticked before this script came count as one that is ticked now. */
function takeEarlyTicks() {
  const boxes = [...frame.querySelectorAll("[data-filters] input")];
  const early = boxes.find((box) => box.checked !== box.defaultChecked);
  early?.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Puts a fresh copy of the changing part in place; what was unfolded or focused stays so. Answers
 * may overtake each other: only the one to the newest question is shown. */
async function refresh() {
  const number = ++asked;
  const answer = await fetch(frame.dataset.live, { headers: { "X-Requested-With": "fetch" } });
  if (answer.redirected || !answer.ok) throw new Error(String(answer.status));
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text();
  if (number !== asked) return;
  const old = frame.querySelector("[data-live-part]");
  const part = fresh.content.querySelector("[data-live-part]");
  if (withoutClock(old) === withoutClock(part)) return;
  const focused = nameOf(document.activeElement);
  const unfolded = [...old.querySelectorAll("details[open]")].map((body) => body.dataset.body);
  for (const body of part.querySelectorAll("details"))
    body.open = unfolded.includes(body.dataset.body);
  old.replaceWith(part);
  actsFollow(document, part);
  if (old.dataset.state !== part.dataset.state) announce(part.dataset.state);
  enableFilters();
  if (focused) part.querySelector(focused)?.focus({ preventScroll: true });
}

function withoutClock(part) {
  return [...part.children].map((child) => child.textContent).join("\n");
}

/** Names an element of the changing part so that its successor can be found. */
function nameOf(element) {
  if (!frame.contains(element)) return "";
  if (element.name) return `[name="${element.name}"][value="${element.value}"]`;
  const moment = element.closest(".moment");
  if (!moment) return "";
  return `#${moment.id} ${element.matches("summary") ? "summary" : ".moment-time"}`;
}

/** Asks again while the handoff is open and the page is looked at. */
async function keepFresh() {
  let wait = REFRESH_MS;
  try {
    if (document.visibilityState === "visible") await refresh();
    mark("Updates by itself");
  } catch {
    wait = SLOW_REFRESH_MS;
    mark(SILENT);
  }
  if (isOpen()) setTimeout(keepFresh, wait);
  else mark("");
}

function isOpen() {
  return frame.querySelector("[data-live-part]").dataset.open === "true";
}

function mark(text) {
  const place = frame.querySelector("[data-live-mark]");
  if (place.textContent !== text) place.textContent = text;
}

/** Offers the copy button, and copies what the address beside it shows. */
function enableCopying() {
  const button = document.querySelector("[data-copy-from]");
  if (!navigator.clipboard) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const answer = await fetch(button.dataset.copyFrom);
    await navigator.clipboard.writeText(await answer.text());
    announce("Copied");
    const label = button.querySelector("[data-copy-label]");
    label.textContent = "Copied";
    setTimeout(() => (label.textContent = "Copy as text"), 1600);
  });
}

/** Shows the whole timeline where the address names a moment that is left out. */
function findMoment() {
  const whole = frame.querySelector("[data-whole]");
  const named = location.hash && document.getElementById(location.hash.slice(1));
  if (whole && location.hash && !named) location.replace(whole.href + location.hash);
}

findMoment();
enableFilters();
enableCopying();
takeEarlyTicks();
if (isOpen()) keepFresh();
