// @ts-check
/** @import {Form, FormField, Words} from "../types" */
/** Draw questions that are answered together, with what is wrong told at each. */
import { h } from "../shared.js";

/** @typedef {HTMLInputElement | HTMLSelectElement} Control */
/** @typedef {{field: FormField, control: Control, error: HTMLElement, row: HTMLElement}} Question */

/** @type {Record<string, Record<string, string>>} */
const INPUTS = {
  email: { type: "email", autocomplete: "email" }, number: { type: "number", step: "any" },
  date: { type: "date" }, phone: { type: "tel", autocomplete: "tel", pattern: "(?:\\P{Nd}*\\p{Nd}){5}.*" },
};
/** @type {Record<string, string>} */
const WRONG = { email: "wrongEmail", number: "wrongNumber", date: "wrongDate", phone: "wrongPhone" };
let drawnFields = 0;

export class FormView {
  /**
   * @param {Form} form @param {Words} words
   * @param {(text: string, values: Record<string, string>) => void} send
   * @param {string} label of the button
   */
  constructor(form, words, send, label = words.say("formSend")) {
    this.words = words;
    this.send = send;
    this.title = form.title ?? "";
    this.questions = form.fields.map((field) => this.#question(field));
    this.fields = h("fieldset", { "aria-label": form.title || words.say("form") },
      ...this.questions.map(({ row }) => row),
      h("button", { class: "choice submit", type: "submit", "data-testid": "form-send" }, label));
    this.state = h("p", { class: "form-state", "data-testid": "form-state", hidden: true });
    this.element = h("form", {
      class: "form", novalidate: true, "data-testid": "form",
      onsubmit: (/** @type {Event} */ event) => this.#submit(event),
    }, ...(form.title ? [h("strong", { dir: "auto" }, form.title)] : []), this.fields, this.state);
  }

  /** What was sent or is over folds up: its answers stand in the end user's own line.
   * @param {boolean} isOpen @param {boolean} isSent */
  render(isOpen, isSent) {
    this.fields.hidden = !isOpen;
    this.fields.disabled = !isOpen;
    this.state.hidden = isOpen;
    this.state.textContent = isOpen ? "" : this.words.say(isSent ? "formSent" : "over");
  }

  /** Say at questions that their answers were not taken; returns the first. @param {string[]} names */
  refuse(names) {
    return this.questions.filter((question) =>
      names.includes(question.field.name) && !this.#tell(question, true))[0]?.control;
  }

  /** @param {FormField} field @returns {Question} */
  #question(field) {
    const id = `field-${++drawnFields}`;
    const error = h("div", { class: "refusal", id: `${id}-error` });
    const shared = {
      id, name: field.name, "aria-describedby": error.id, required: field.is_required,
      oninput: () => this.#judge(question, true),
    };
    const control = field.kind === "select" ? this.#select(field, shared) : input(field, shared);
    const mark = field.is_required ? [h("span", { class: "needed", "aria-hidden": "true" }, " *")] : [];
    const label = h("label", { for: id, dir: "auto" }, field.label || field.name, ...mark);
    const row = h("div", { class: "field" }, label, control, error);
    const question = { field, control, error, row };
    return question;
  }

  /** @param {FormField} field @param {Record<string, any>} shared */
  #select({ options = [], value }, shared) {
    const none = h("option", { value: "" }, this.words.say("choose"));
    const drawn = options.map(({ payload, label }) =>
      h("option", { value: payload, selected: payload === value || label === value }, label));
    return h("select", shared, none, ...drawn);
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const wrong = this.questions.filter((question) => !this.#judge(question, false));
    if (wrong.length) wrong[0].control.focus();
    else this.send(this.#text(), this.#values());
  }

  /** Say at the field what is wrong with it; while one writes, only take it back.
   * @param {Question} question @param {boolean} isWriting */
  #judge(question, isWriting) {
    const { field, control, error } = question;
    if (isWriting && !error.textContent) return true;
    const isEmpty = field.is_required && !control.value.trim() && !control.validity.badInput;
    return this.#tell(question, isEmpty || !control.validity.valid);
  }

  /** Returns whether it is well. @param {Question} question @param {boolean} isWrong */
  #tell({ field, control, error }, isWrong) {
    const isEmpty = !control.value.trim() && !control.validity.badInput;
    error.textContent = isWrong ? this.words.say((!isEmpty && WRONG[field.kind]) || "needed") : "";
    control.setAttribute("aria-invalid", String(isWrong));
    return !isWrong;
  }

  #values() {
    const filled = this.questions.filter(({ control }) => control.value.trim());
    return Object.fromEntries(filled.map(({ field, control }) => [field.name, control.value.trim()]));
  }

  /** The answers as a person would write them. */
  #text() {
    const lines = this.questions.map(({ field, control }) => {
      const option = control instanceof HTMLSelectElement ? control.selectedOptions[0]?.text : "";
      return control.value.trim() && `${field.label || field.name}: ${option || control.value.trim()}`;
    });
    return lines.filter(Boolean).join("\n") || this.title || this.words.say("formSent");
  }
}

/** @param {FormField} field @param {Record<string, any>} shared */
function input({ kind, value, max_length: maxlength }, shared) {
  return h("input", { type: "text", dir: "auto", maxlength, ...INPUTS[kind], value, ...shared });
}
