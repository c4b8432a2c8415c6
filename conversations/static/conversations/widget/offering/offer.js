// @ts-check
/** @import {Actions, Content, Item, State, Words} from "../types" */
/** What a message offers beside its text: drawn once, then marked as open, taken or over. */
import { h, link } from "../shared.js";
import { cardRow } from "./cards.js";
import { choiceGroup } from "./choices.js";
import { FormView } from "./form.js";
import { slotDays } from "./slots.js";

export class Offer {
  /** @type {Map<string, HTMLButtonElement>} */
  #buttons = new Map();
  /** @type {FormView | undefined} */
  #form;
  #shown = "";

  /** @param {Item} item @param {Words} words @param {Actions} actions */
  constructor(item, words, actions) {
    this.messageId = item.messageId ?? "";
    this.words = words;
    this.actions = actions;
    const content = item.content ?? { text: "", markup: "plain" };
    this.element = h("div", { class: "offer", "data-testid": "offer" }, ...this.#parts(content));
    this.element.hidden = !this.element.childNodes.length;
  }

  /** @param {State} state */
  render(state) {
    const taken = answerTo(state, this.messageId);
    const isOpen = isOpenOffer(state, this.messageId);
    const shown = JSON.stringify([isOpen, taken]);
    if (this.#shown === shown) return;
    this.#shown = shown;
    const hadFocus = this.element.matches(":focus-within");
    this.element.dataset.open = String(isOpen);
    for (const [payload, button] of this.#buttons) {
      button.disabled = !isOpen;
      if (payload === taken) button.setAttribute("aria-pressed", "true");
      else button.removeAttribute("aria-pressed");
    }
    this.#form?.render(isOpen, !!taken);
    if (hadFocus && !isOpen) this.actions.focusField();
  }

  /** @param {Content} content */
  #parts({ choices = [], cards = [], slots = [], place = "", form, unknown }) {
    const { words } = this;
    return [
      ...cardRow(cards, words, this.#button),
      ...choiceGroup(choices, words, this.#button),
      ...slotDays(slots, place, words, this.#button),
      ...(form ? [this.#formOf(form)] : []),
      ...(unknown ? [notice(unknown.url, words)] : []),
    ];
  }

  /** @type {import("./choices.js").MakeButton} */
  #button = (payload, text, ...children) => {
    const onclick = () => this.actions.answer({ message_id: this.messageId, payload }, text);
    const made = h("button", { class: "choice", type: "button", "data-testid": "choice", onclick }, ...children);
    this.#buttons.set(payload, made);
    return made;
  };

  /** @param {import("../types").Form} form */
  #formOf(form) {
    const { messageId, actions } = this;
    this.#form = new FormView(form, this.words, (text, values) =>
      actions.answer({ message_id: messageId, payload: form.payload, values }, text));
    return this.#form.element;
  }
}

/** @param {string | undefined} url @param {Words} words */
function notice(url, words) {
  const open = url && /^https?:/i.test(url) ? link(url, words.say("unknownOpen")) : null;
  return h("p", { class: "unknown", "data-testid": "unknown" }, words.say("unknown"), ...(open ? [" ", open] : []));
}

/** The payload taken of a message, also while it is on its way; undefined when none was.
 * @param {State} state @param {string} messageId @returns {string | undefined} */
function answerTo(state, messageId) {
  const unsent = state.outbox.find(({ answer }) => answer?.message_id === messageId);
  return unsent?.answer?.payload ?? state.answers[messageId];
}

/** @param {State} state @param {string} messageId */
function isOpenOffer(state, messageId) {
  return state.phase !== "closed" && state.offer === messageId && answerTo(state, messageId) === undefined;
}
