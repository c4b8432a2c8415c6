// @ts-check
/** @import {Actions, Item, State, Words} from "./types" */
/** Draw the messages. An element stays the same from "sending" to "read", so nothing flickers. */
import { h, icon, link, linked } from "./dom.js";
import { isFromAgent, visibleItems } from "./store.js";

const NEAR_THE_END_PX = 80;
const MOST_ANNOUNCED = 2;

export class Log {
  /** @type {Map<string, HTMLElement>} */
  #rows = new Map();
  #replies;
  #typing;
  #hasOwnNews = false;

  /** @param {Words} words @param {Actions} actions */
  constructor(words, actions) {
    this.words = words;
    this.actions = actions;
    this.#replies = h("div", { class: "replies", role: "group", "aria-label": words.say("replies") });
    this.#typing = h("div", { class: "typing", "data-testid": "typing", hidden: true });
    this.#typing.append(h("span"), h("span"), h("span"));
    this.element = h("div", {
      class: "log", role: "log", "aria-live": "polite", "aria-label": words.say("log"), tabindex: "0",
      "data-testid": "log", onscroll: () => this.#updateJump(),
    }, this.#replies, this.#typing);
    this.jump = h("button", {
      class: "jump", type: "button", "data-testid": "jump", "aria-label": words.say("jump"), hidden: true,
      onclick: () => this.toEnd(),
    }, icon("down"));
    this.time = new Intl.DateTimeFormat(words.locale, { hour: "numeric", minute: "2-digit" });
    this.day = new Intl.DateTimeFormat(words.locale, { dateStyle: "medium", timeStyle: "short" });
  }

  /** @param {State} state */
  render(state) {
    const items = visibleItems(state);
    const isAtEnd = this.#distance() < NEAR_THE_END_PX;
    this.#hasOwnNews = false;
    const isReplay = !this.#rows.size && items.length > MOST_ANNOUNCED;
    this.element.setAttribute("aria-live", isReplay ? "off" : "polite"); // no reading out of old lines
    this.#dropMissing(items);
    items.forEach((item, index) => this.#place(item, items[index - 1], items[index + 1], index, state));
    this.#renderReplies(state, items.at(-1));
    this.#renderTyping(state);
    if (isAtEnd || this.#hasOwnNews) this.toEnd();
    this.#updateJump();
  }

  toEnd() {
    this.element.scrollTop = this.element.scrollHeight;
  }

  #distance() {
    const { scrollHeight, scrollTop, clientHeight } = this.element;
    return scrollHeight - scrollTop - clientHeight;
  }

  #updateJump() {
    this.jump.hidden = this.#distance() < NEAR_THE_END_PX;
  }

  /** @param {Item[]} items */
  #dropMissing(items) {
    const keys = new Set(items.map((item) => item.key));
    for (const [key, row] of this.#rows) {
      if (keys.has(key)) continue;
      row.remove();
      this.#rows.delete(key);
    }
  }

  /**
   * @param {Item} item @param {Item | undefined} before @param {Item | undefined} after
   * @param {number} index @param {State} state
   */
  #place(item, before, after, index, state) {
    let row = this.#rows.get(item.key);
    if (!row) {
      row = item.from === "system" ? this.#systemRow(item) : this.#messageRow(item);
      this.#rows.set(item.key, row);
      this.#hasOwnNews ||= item.status === "sending";
    }
    if (this.element.children[index] !== row) this.element.insertBefore(row, this.element.children[index]);
    if (item.from === "system") return;
    this.#fill(row, item);
    row.classList.toggle("first", !isSameSpeaker(item, before));
    row.classList.toggle("last", !isSameSpeaker(item, after) || item.status !== after?.status);
    if (item.status) this.#renderStatus(row, item, state);
  }

  /** @param {Item} item */
  #systemRow({ code, name, text }) {
    const { say } = this.words;
    const line = code ? say(code, { name: name || say("someone") }) : text;
    return h("div", { class: "system", "data-testid": "message", "data-from": "system" }, line);
  }

  /** @param {Item} item */
  #messageRow(item) {
    const row = h("div", { class: `row ${item.from}`, "data-testid": "message", "data-from": item.from });
    const who = item.from === "end_user" ? this.words.say("you") : this.#nameOf(item);
    if (isFromAgent(item)) row.append(mark(item.from, who));
    const at = new Date(item.at || Date.now());
    const shown = at.toDateString() === new Date().toDateString() ? this.time : this.day;
    const time = h("time", { datetime: at.toISOString(), title: this.day.format(at) }, shown.format(at));
    row.append(
      h("div", { class: "body" },
        h("span", { class: isFromAgent(item) ? "name" : "name unseen" }, who),
        h("div", { class: "bubble-text" }),
        h("div", { class: "meta" }, time)),
    );
    return row;
  }

  /** What was said; a file gets its address with the echo. @param {HTMLElement} row @param {Item} item */
  #fill(row, item) {
    const urls = (item.attachments ?? []).map((file) => file.content_url).join(" ");
    if (row.dataset.files === urls) return;
    row.dataset.files = urls;
    const text = h("div", { class: "text", dir: "auto" }, ...linked(item.text));
    const bubble = /** @type {HTMLElement} */ (row.querySelector(".bubble-text"));
    bubble.replaceChildren(...(item.text ? [text] : []), ...this.#extras(item));
  }

  /** @param {Item} item */
  #nameOf(item) {
    return item.name || this.words.say(item.from === "ai_agent" ? "ai" : "live");
  }

  /** Attachments and phone numbers as links; an address of another scheme shows as plain text.
   * @param {Item} item */
  #extras({ attachments = [], actions = [] }) {
    const files = attachments.map((file) => {
      const title = file.title || file.file_name || file.call_to_action_text || this.words.say("attachment");
      const size = file.size_bytes ? ` · ${this.words.size(file.size_bytes)}` : "";
      const label = h("span", { dir: "auto" }, title + size);
      const shown = [icon("clip"), label];
      if (file.preview_image_url) shown.unshift(thumbnail(file.preview_image_url, title));
      return h("div", { class: "extra" }, link(file.content_url ?? "javascript:", ...shown) ?? label);
    });
    const calls = actions.map(({ title, contact_number: number }) => {
      const label = h("span", { dir: "auto" }, title || number);
      return h("div", { class: "extra" }, h("a", { href: `tel:${number}` }, icon("phone"), label));
    });
    return [...files, ...calls];
  }

  /** @param {HTMLElement} row @param {Item} item @param {State} state */
  #renderStatus(row, item, state) {
    const { say } = this.words;
    if (row.dataset.status === item.status && item.status !== "failed") return;
    const { status = "sent" } = item;
    row.dataset.status = status;
    const meta = /** @type {HTMLElement} */ (row.querySelector(".meta"));
    const time = /** @type {HTMLElement} */ (row.querySelector("time"));
    const hasFailed = status === "failed";
    const text = say(hasFailed ? "notDelivered" : status);
    const label = h("span", { class: hasFailed ? "" : "unseen" }, text);
    const again = h("button", {
      class: "retry", type: "button", "data-testid": "retry", onclick: () => this.actions.retry(item),
    }, say("retry"));
    const tick = icon(status);
    meta.replaceChildren(...(hasFailed ? [tick, label] : [time, tick, label]));
    if (hasFailed) meta.append(time);
    if (hasFailed && state.phase !== "closed") meta.insertBefore(again, time);
    time.hidden = hasFailed;
  }

  /** @param {State} state @param {Item | undefined} last */
  #renderReplies(state, last) {
    const isOffered = last && isFromAgent(last) && state.phase !== "closed";
    const offers = (isOffered && last.suggestions?.map((one) => one.message_text).filter(Boolean)) || [];
    if (this.#replies.dataset.offers === JSON.stringify(offers)) return;
    this.#replies.dataset.offers = JSON.stringify(offers);
    this.#replies.replaceChildren(...offers.map((text) =>
      h("button", { class: "reply", type: "button", dir: "auto", onclick: () => this.actions.say(text) }, text)));
  }

  /** @param {State} state */
  #renderTyping({ typing, agents, aiName }) {
    this.#typing.hidden = !typing;
    if (!typing) return;
    const isLive = typing === "live_agent";
    const name = (isLive ? agents.at(-1)?.name : aiName) || this.words.say(isLive ? "live" : "ai");
    this.#typing.setAttribute("role", "img");
    this.#typing.setAttribute("aria-label", this.words.say("typing", { name }));
  }
}

/** A picture that makes way for the link's words when it cannot be shown.
 * @param {string} src @param {string} alt */
function thumbnail(src, alt) {
  return h("img", { src, alt, onerror: (/** @type {Event} */ { target }) => /** @type {Element} */ (target).remove() });
}

/** The round mark of a speaker: an initial, or a sparkle for the AI agent.
 * @param {string} from @param {string} name */
export function mark(from, name) {
  const isPerson = from === "live_agent";
  const initial = [...name.trim()][0]?.toUpperCase() ?? "";
  return h("span", { class: `mark ${from}`, "aria-hidden": "true" }, isPerson ? initial : icon("sparkle"));
}

/** @param {Item} item @param {Item | undefined} other */
function isSameSpeaker(item, other) {
  return item.from === other?.from && item.name === other?.name;
}
