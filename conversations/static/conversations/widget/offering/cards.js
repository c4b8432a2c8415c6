// @ts-check
/** @import {Card, Words} from "../types" */
/** @import {MakeButton} from "./choices.js" */
/** Draw cards: one stands alone, several are a row that fingers, arrow keys and buttons move. */
import { h, icon, linked } from "../shared.js";
import { choiceGroup, illustration } from "./choices.js";

/** @param {Card[]} cards @param {Words} words @param {MakeButton} button @returns {HTMLElement[]} */
export function cardRow(cards, words, button) {
  if (!cards.length) return [];
  const drawn = cards.map((card) => cardItem(card, words, button));
  const list = h("ul", { class: "cards", role: "list", "data-testid": "cards" }, ...drawn);
  if (cards.length === 1) return [list];
  return [h("div", { class: "carousel" }, list, ...controls(list, words))];
}

/** @param {Card} card @param {Words} words @param {MakeButton} button */
function cardItem({ title, text, image_url: image, choices }, words, button) {
  const name = title ? [h("strong", { dir: "auto" }, title)] : [];
  const more = text ? [h("div", { class: "text", dir: "auto" }, ...linked(text))] : [];
  const answers = choiceGroup(choices ?? [], words, (payload, label, ...children) => {
    const made = button(payload, label, ...children);
    if (title) made.setAttribute("aria-label", `${label}: ${title}`);
    return made;
  });
  return h("li", { class: "card" }, ...illustration(image), ...name, ...more, ...answers);
}

/** @param {HTMLElement} list @param {Words} words */
function controls(list, words) {
  const back = arrow("before", words, () => step(list, -1));
  const on = arrow("after", words, () => step(list, 1));
  const update = () => {
    const at = current(list);
    back.setAttribute("aria-disabled", String(at === 0 && list.scrollLeft === 0));
    on.setAttribute("aria-disabled", String(isAtEnd(list)));
  };
  list.tabIndex = 0;
  list.setAttribute("aria-label", words.say("cards"));
  list.addEventListener("scroll", update, { passive: true });
  list.addEventListener("keydown", (event) => moved(list, event));
  new ResizeObserver(update).observe(list);
  return [h("div", { class: "arrows" }, back, on)];
}

/** @param {"before" | "after"} id @param {Words} words @param {() => void} onclick */
function arrow(id, words, onclick) {
  const label = words.say(id === "before" ? "cardBefore" : "cardAfter");
  return h("button", { class: `arrow ${id}`, type: "button", "data-testid": `card-${id}`, "aria-label": label, onclick },
    icon("down"));
}

/** The arrow keys of the row itself, not of what is in a card. @param {HTMLElement} list @param {KeyboardEvent} event */
function moved(list, event) {
  const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!way || event.target !== list || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  step(list, getComputedStyle(list).direction === "rtl" ? -way : way);
}

/** @param {HTMLElement} list @param {number} way */
function step(list, way) {
  const cards = /** @type {HTMLElement[]} */ ([...list.children]);
  const next = cards[Math.min(cards.length - 1, Math.max(0, current(list) + way))];
  const isQuiet = matchMedia("(prefers-reduced-motion: reduce)").matches;
  list.scrollTo({ left: next.offsetLeft - cards[0].offsetLeft, behavior: isQuiet ? "instant" : "smooth" });
}

/** Which card begins nearest to where the row begins; offsets are negative from right to left.
 * @param {HTMLElement} list */
function current(list) {
  const cards = /** @type {HTMLElement[]} */ ([...list.children]);
  const distances = cards.map((card) => Math.abs(card.offsetLeft - cards[0].offsetLeft - list.scrollLeft));
  return distances.indexOf(Math.min(...distances));
}

/** @param {HTMLElement} list */
function isAtEnd(list) {
  return Math.abs(list.scrollLeft) + list.clientWidth >= list.scrollWidth - 2;
}
