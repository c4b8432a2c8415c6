// @ts-check
/** @import {Actions, Limits, Words} from "./types" */
/** Where the end user writes: grows to five lines, Enter sends, Shift+Enter breaks the line. */
import { h, icon } from "./dom.js";
import { later } from "./later.js";

const MOST_CHARACTERS = 20_000;

export class Composer {
  /** @type {Promise<import("./files.js").Files> | undefined} */
  #loading;
  /** @type {import("./files.js").Files | undefined} */
  #files;

  /** @param {Words} words @param {Actions} actions */
  constructor(words, actions) {
    this.words = words;
    this.actions = actions;
    this.refusal = h("div", { class: "refusal", id: "refusal", role: "alert", "data-testid": "refusal" });
    this.input = h("textarea", {
      rows: "1", dir: "auto", "data-testid": "input",
      "aria-label": words.say("write"), placeholder: words.say("write"),
      "aria-describedby": "refusal", enterkeyhint: "send", oninput: () => this.#changed(),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
    });
    this.button = h("button", {
      class: "send", type: "submit", "data-testid": "send",
      "aria-label": words.say("send"), "aria-disabled": "true",
    }, icon("send"));
    this.box = h("div", { class: "box" }, this.input, this.button);
    this.element = h("form", {
      class: "composer", onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        this.#submit();
      },
    }, this.refusal, this.box);
  }

  /** Files are a module of their own: most conversations need none. @param {Limits} [limits] */
  async takeFiles(limits) {
    if (!limits && !this.#loading) return;
    try {
      this.#loading ??= later("files").then(({ Files }) => new Files(this, this.words, this.actions));
      this.#files = await this.#loading;
      this.#files.render(limits);
    } catch {
      this.#loading = undefined; // the network is away: with the next change
    }
  }

  /** Write into the field. @param {string} text */
  put(text) {
    this.input.value = text;
    this.#changed();
  }

  /** Say why something is not sent. @param {string} text */
  refuse(text) {
    this.refusal.textContent = text;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const isComposing = event.isComposing || event.keyCode === 229; // an input method is at work
    if (event.key !== "Enter" || event.shiftKey || isComposing) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = sendable(this.input.value);
    this.#refuse();
    this.input.focus();
    if (length(text) > MOST_CHARACTERS) return;
    if (this.#files?.count) return void this.#files.send(text);
    if (!text) return;
    this.put("");
    this.actions.say(text);
  }

  #changed() {
    this.refresh();
    this.#refuse();
    this.actions.typed(this.input.value);
    this.grow();
  }

  /** Say whether there is anything to send. */
  refresh() {
    this.button.setAttribute("aria-disabled", String(!sendable(this.input.value) && !this.#files?.count));
  }

  /** Fit the field to its lines; the style sheet stops it at five. */
  grow() {
    this.input.style.height = "auto";
    if (this.input.scrollHeight) this.input.style.height = `${this.input.scrollHeight}px`;
  }

  #refuse() {
    const count = length(sendable(this.input.value));
    const n = new Intl.NumberFormat(this.words.locale).format(count);
    this.refuse(count > MOST_CHARACTERS ? this.words.say("tooLong", { n }) : "");
  }
}

/** What was typed, without what no text may hold: control characters and halves of characters.
 * @param {string} text */
export function sendable(text) {
  const whole = text.replace(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g, "");
  return whole.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g, "").trim();
}

/** Characters as people and the portal count them, an emoji being one. @param {string} text */
function length(text) {
  return [...text].length;
}
