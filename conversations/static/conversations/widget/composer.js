// @ts-check
/** @import {Actions, Limits, Words} from "./types" */
/** Where the end user writes: grows to five lines, Enter sends, Shift+Enter breaks the line. */
import { h, icon } from "./dom.js";

const MOST_CHARACTERS = 20_000;

export class Composer {
  /** @type {Promise<import("./files.js").Files> | undefined} */
  files;

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
    if (!limits && !this.files) return;
    this.files ??= import("./files.js").then(({ Files }) => new Files(this, this.words, this.actions, { h, icon }));
    (await this.files).render(limits);
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
    const text = this.input.value.trim();
    this.#refuse();
    this.input.focus();
    if (!text || length(text) > MOST_CHARACTERS) return;
    this.input.value = "";
    this.actions.say(text);
    this.#changed();
  }

  #changed() {
    const { input } = this;
    this.button.setAttribute("aria-disabled", String(!input.value.trim()));
    this.#refuse();
    this.actions.typed(!input.value);
    this.grow();
  }

  /** Fit the field to its lines; the style sheet stops it at five. */
  grow() {
    this.input.style.height = "auto";
    if (this.input.scrollHeight) this.input.style.height = `${this.input.scrollHeight}px`;
  }

  #refuse() {
    const count = length(this.input.value.trim());
    const n = new Intl.NumberFormat(this.words.locale).format(count);
    this.refuse(count > MOST_CHARACTERS ? this.words.say("tooLong", { n }) : "");
  }
}

/** Characters as people and the portal count them, an emoji being one. @param {string} text */
function length(text) {
  return [...text].length;
}
