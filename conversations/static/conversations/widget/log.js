// @ts-check
/** @import {Actions, Item, State, Words} from "./types" */
/** Draw the messages in their order, keep the newest in sight, offer the AI agent's suggestions. */
import { h, icon } from "./dom.js";
import { Message } from "./message.js";
import { isFromAgent, visibleItems } from "./store.js";

const NEAR_THE_END_PX = 80;
const MOST_ANNOUNCED = 2;

export class Log {
  /** @type {Map<string, Message>} */
  #messages = new Map();
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
  }

  /** @param {State} state */
  render(state) {
    const items = visibleItems(state);
    const isAtEnd = this.#distance() < NEAR_THE_END_PX;
    this.#hasOwnNews = false;
    const isReplay = !this.#messages.size && items.length > MOST_ANNOUNCED;
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
    for (const [key, message] of this.#messages) {
      if (keys.has(key)) continue;
      message.element.remove();
      this.#messages.delete(key);
    }
  }

  /**
   * A new line is whole before it is put in, so that a screen reader reads it once.
   * @param {Item} item @param {Item | undefined} before @param {Item | undefined} after
   * @param {number} index @param {State} state
   */
  #place(item, before, after, index, state) {
    const known = this.#messages.get(item.key);
    const message = known ?? new Message(item, state, this.words, this.actions);
    if (known) known.render(item, state);
    else this.#hasOwnNews ||= item.status === "sending";
    this.#messages.set(item.key, message);
    const { element } = message;
    element.classList.toggle("first", !isSameSpeaker(item, before));
    element.classList.toggle("last", !isSameSpeaker(item, after) || item.status !== after?.status);
    if (this.element.children[index] !== element) this.element.insertBefore(element, this.element.children[index]);
  }

  /** @param {State} state @param {Item | undefined} last */
  #renderReplies(state, last) {
    const isOffered = last && isFromAgent(last) && !last.content && state.phase !== "closed";
    const offers = (isOffered && last.suggestions?.map((one) => one.message_text).filter(Boolean)) || [];
    if (this.#replies.dataset.offers === JSON.stringify(offers)) return;
    this.#replies.dataset.offers = JSON.stringify(offers);
    this.#replies.replaceChildren(...offers.map((text) =>
      h("button", { class: "reply", type: "button", dir: "auto", onclick: () => this.actions.say(text) }, text)));
  }

  /** @param {State} state */
  #renderTyping({ typing, agents, aiName, bot }) {
    this.#typing.hidden = !typing;
    if (!typing) return;
    const isLive = typing === "live_agent";
    const name = (isLive ? agents.at(-1)?.name ?? bot : aiName) || this.words.say(isLive ? "live" : "ai");
    this.#typing.setAttribute("role", "img");
    this.#typing.setAttribute("aria-label", this.words.say("typing", { name }));
  }
}

/** @param {Item} item @param {Item | undefined} other */
function isSameSpeaker(item, other) {
  return item.from === other?.from && item.name === other?.name;
}
