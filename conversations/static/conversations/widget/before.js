// @ts-check
/** @import {Before, Given, Refused, Words} from "./types" */
/** What an end user answers and accepts before a conversation begins. Loaded where it is asked. */
import { adopt, h, link } from "./shared.js";

const STYLE = `
.prelude { flex: 1; min-height: 0; overflow-y: auto; padding: 20px 16px; }
.prelude .form { max-width: none; background: none; padding: 0; box-shadow: none; border: 0; }
.prelude .consent { margin-block: 4px 16px; font-size: 14px; line-height: 1.5; }
.prelude .consent p { margin: 0 0 8px; white-space: pre-wrap; overflow-wrap: anywhere; }
.prelude .consent ul { margin: 0; padding-inline-start: 20px; }
.prelude .consent a { color: var(--baton-link); display: inline-block; padding-block: 4px; }
.prelude .agree { width: 100%; border-radius: 22px; background: var(--baton-fill); color: var(--baton-on); font-weight: 600; padding: 10px 16px; justify-content: center; text-align: center; }
.prelude .no { width: 100%; margin-block-start: 4px; border-radius: 22px; color: var(--baton-link); font-weight: 600; }
.prelude .refusal { padding: 8px 0 0; }
@media (forced-colors: active) { .prelude .agree, .prelude .no { border: 1px solid; } }
`;

export class BeforeView {
  /**
   * @param {Before} before @param {Refused} refused @param {Words} words
   * @param {typeof import("./offering.js")} offering what draws forms
   * @param {{go: (given: Given) => void, stay: () => void}} acts
   * @param {Element} place where it will stand
   */
  constructor({ consent, fields: asked = [] }, { form: typed = {}, why = "" }, words, { FormView }, { go, stay }, place) {
    adopt(place, STYLE);
    const given = consent && { consent: { version: consent.version } };
    const label = words.say(consent ? "agree" : "startChat");
    const fields = asked.map((field) => ({ ...field, value: typed[field.name] }));
    const form = new FormView({ payload: "", title: "", fields }, words, (_, values) => go({ ...given, form: values }), label);
    // The portal's words begin each with the answer that they are about.
    const wrong = form.refuse(asked.map(({ name }) => name).filter((name) => why.includes(`form.${name} `)));
    const button = /** @type {HTMLElement} */ (form.element.querySelector(".submit"));
    button.className = "agree";
    button.dataset.testid = "agree";
    if (consent) button.before(terms(consent));
    if (consent) button.after(h("button", { type: "button", class: "no", "data-testid": "disagree", onclick: stay }, words.say("disagree")));
    this.element = h("div", { class: "prelude", "data-testid": "before" }, form.element);
    this.focus = () => /** @type {HTMLElement} */ (wrong ?? this.element.querySelector("input, select") ?? button).focus();
  }
}

/** @param {NonNullable<Before["consent"]>} consent */
function terms({ text, links = [] }) {
  const policies = links.map(({ label, url }) => h("li", {}, link(url, label) ?? label));
  return h("div", { class: "consent", dir: "auto" }, h("p", {}, text), h("ul", {}, ...policies));
}
