// Keeps the live console up to date by its socket, and by reading the page where none is had.
import { announce } from "../integrations/portal.js";

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15000;
const POLL_MS = 5000;
const TRIES_BEFORE_POLLING = 3;
const ANNOUNCE_MS = 10000;

const page = document.querySelector("[data-console]");
const table = page.querySelector("[data-rows]");
const resort = page.querySelector("[data-resort]");
let failures = 0;
let held = null;
let spokenAt = 0;
// When the page heard how things stand for the last time.
let heardAt = new Date();

/** Opens the socket; what comes first is everything. */
function connect() {
  const place = new URL(page.dataset.socket, location.href);
  place.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(place);
  socket.addEventListener("message", (event) => {
    failures = 0;
    heardAt = new Date();
    mark("Live");
    take(JSON.parse(event.data));
  });
  socket.addEventListener("close", (event) => {
    if (event.code === 4403) return mark("Not live: you may no longer see this page");
    failures += 1;
    mark(`Reconnecting; as of ${clock(heardAt)}`);
    if (failures > TRIES_BEFORE_POLLING) poll();
    setTimeout(connect, Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failures));
  });
}

/** Reads the page itself once, where no socket is to be had. */
async function poll() {
  if (document.visibilityState !== "visible") return;
  const answer = await fetch(page.dataset.page).catch(() => null);
  if (!answer?.ok || answer.redirected) return mark(`Not live, as of ${clock(heardAt)}`);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const rows = [...fresh.querySelectorAll("[data-rows] > tr")];
  const counts = [...fresh.querySelectorAll("[data-count]")];
  take({
    order: rows.map((row) => row.id),
    rows: Object.fromEntries(rows.map((row) => [row.id, row.outerHTML])),
    counts: Object.fromEntries(counts.map((each) => [each.dataset.count, each.textContent])),
    sentence: fresh.querySelector("[data-sentence]").textContent,
    total: rows.length,
    unheld: Number(fresh.querySelector("[data-unheld]").textContent),
  });
  heardAt = new Date();
  mark(`Not live, read every ${POLL_MS / 1000} s; as of ${clock(heardAt)}`);
}

/** Shows a change; while the table is used its rows stay in their places, and move after it. */
function take(change) {
  for (const [name, count] of Object.entries(change.counts))
    page.querySelector(`[data-count="${name}"]`).textContent = count;
  say(change.sentence);
  page.querySelector("[data-no-worker]").hidden = !change.unheld;
  page.querySelector("[data-unheld]").textContent = change.unheld;
  held = held
    ? { ...change, rows: { ...held.rows, ...change.rows } }
    : change;
  if (document.hidden) return;
  if (isUsed()) showInPlace();
  else show();
}

/** Shows what has changed in the rows that stand, and how many would move: they do when left. */
function showInPlace() {
  for (const [id, markup] of Object.entries(held.rows)) {
    const row = document.getElementById(id);
    if (!row || row.matches(":hover") || row.contains(document.activeElement)) continue;
    put(id, markup);
    delete held.rows[id];
  }
  const moved = movedTo(held.order);
  resort.hidden = moved === 0;
  resort.textContent = `Re-sort (${moved} moved)`;
  tick();
}

/** Counts the rows that came, went, or stand elsewhere in the order than before. */
function movedTo(order) {
  const stood = new Map([...table.children].map((row, at) => [row.id, at]));
  // Of the rows that keep their order among each other, the places in which they stood.
  const kept = [];
  let came = 0;
  for (const at of order.map((id) => stood.get(id))) {
    if (at === undefined) came += 1;
    else {
      const next = kept.findIndex((place) => place > at);
      kept[next < 0 ? kept.length : next] = at;
    }
  }
  return came + stood.size - kept.length;
}

function show() {
  if (!held) return;
  const { order, rows, total } = held;
  held = null;
  if (document.activeElement === resort) table.closest("[role=region]").focus();
  resort.hidden = true;
  for (const [id, markup] of Object.entries(rows)) put(id, markup);
  for (const row of [...table.children]) if (!order.includes(row.id)) row.remove();
  order.forEach((id, at) => {
    const row = document.getElementById(id);
    if (row && table.children[at] !== row) table.insertBefore(row, table.children[at] ?? null);
  });
  page.querySelector("[data-none]").hidden = order.length > 0;
  page.querySelector("[data-some]").hidden = order.length === 0;
  page.querySelector("[data-shown]").textContent =
    total > order.length ? `${order.length} of ${total} are shown` : "";
  tick();
  countChosen();
}

/** Puts a row in place of its older self; what was chosen stays so. */
function put(id, markup) {
  const template = document.createElement("template");
  template.innerHTML = markup;
  const row = template.content.querySelector("tr");
  const old = document.getElementById(id);
  if (!old) return table.append(row);
  row.querySelector("input").checked = old.querySelector("input").checked;
  old.replaceWith(row);
}

/** Rows do not move under a pointer or a focus that is about to choose one. */
function isUsed() {
  return table.contains(document.activeElement) || table.matches(":hover");
}

function say(sentence) {
  const place = page.querySelector("[data-sentence]");
  if (place.textContent === sentence) return;
  place.textContent = sentence;
  if (Date.now() - spokenAt < ANNOUNCE_MS) return;
  spokenAt = Date.now();
  announce(sentence);
}

function clock(time) {
  const { zone } = document.querySelector("[data-zone]").dataset;
  return time.toLocaleTimeString([], { timeZone: zone });
}

function mark(text) {
  const place = page.querySelector("[data-mark]");
  if (place.textContent !== text) place.textContent = text;
}

/** Writes how long each has waited, and how long ago somebody wrote. */
function tick() {
  for (const time of table.querySelectorAll("time")) {
    const from = Date.parse(time.dataset.since ?? time.dataset.ago);
    const until = time.dataset.until ? Date.parse(time.dataset.until) : Date.now();
    const text = lasting(Math.max(0, until - from) / 1000) + (time.dataset.ago ? " ago" : "");
    if (time.textContent !== text) time.textContent = text;
  }
}

function lasting(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

function countChosen() {
  const place = page.querySelector("[data-chosen]");
  const count = table.querySelectorAll("input:checked").length;
  if (place) place.textContent = count ? `${count} chosen` : "";
}

table.addEventListener("change", countChosen);
table.addEventListener("focusout", () => setTimeout(() => !isUsed() && show()));
resort.addEventListener("click", show);
table.addEventListener("mouseleave", () => !isUsed() && show());
// A tab that nobody looks at keeps what comes, and shows it when it is looked at.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !isUsed()) show();
});
setInterval(() => document.hidden || tick(), 1000);
setInterval(() => failures > TRIES_BEFORE_POLLING && poll(), POLL_MS);
tick();
countChosen(); // some may have been before this script came
connect();
