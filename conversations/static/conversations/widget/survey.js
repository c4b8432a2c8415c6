// @ts-check
/** @import {Survey, SurveyAnswer, Words} from "./types" */
/** What the end user thought of the conversation: stars, a comment, or none. Loaded at its end. */
import { adopt, h, icon, json } from "./shared.js";

const STYLE = `
.survey { text-align: start; font-size: 14px; color: var(--baton-text); padding-block-end: 16px; overflow-y: auto; max-height: min(420px, 60dvh); }
.survey h2 { margin: 0 0 8px; font-size: 16px; font-weight: 650; }
.survey fieldset { border: 0; padding: 0; margin: 0 0 12px; min-width: 0; }
.survey :is(legend, .why) { padding: 0 0 4px; display: block; }
.stars { display: flex; max-width: 260px; }
.stars label { flex: 1; min-width: 44px; height: 44px; display: grid; place-items: center; position: relative; cursor: pointer; border-radius: 8px; }
.stars input { position: absolute; inset: 0; opacity: 0; cursor: pointer; }
.stars svg { width: 30px; height: 30px; fill: none; stroke: var(--baton-quiet); stroke-width: 1.6; stroke-linejoin: round; }
.stars .lit svg { fill: var(--baton-link); }
.stars label:focus-within { outline: 2px solid var(--baton-link); outline-offset: -2px; }
.stars :is(.lit, :hover) svg { stroke: var(--baton-link); }
.survey textarea { width: 100%; min-height: 66px; border-radius: 12px; box-shadow: inset 0 0 0 1px var(--baton-quiet); padding: 10px 12px; font-size: 16px; margin-block-end: 12px; display: block; }
.survey textarea:focus-visible { box-shadow: inset 0 0 0 2px var(--baton-link); }
.survey .acts { display: flex; gap: 8px; }
.survey .acts button { flex: 1; border-radius: 22px; font-weight: 600; box-shadow: inset 0 0 0 1.5px var(--baton-link); color: var(--baton-link); }
.survey .acts button[type=submit] { background: var(--baton-fill); color: var(--baton-on); box-shadow: none; }
@media (forced-colors: active) { .stars .lit svg { fill: Highlight; } .survey textarea, .survey .acts button { border: 1px solid; } }
`;
const STAR = "m12 3.5 2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9-4.3-4.1 5.9-.8Z";
let drawn = 0;

export class SurveyView {
  /** @type {Record<string, number>} */
  #scores = {};

  /**
   * @param {Survey} survey @param {Words} words
   * @param {() => Promise<import("./types").Target>} target where the answer goes
   * @param {Element} place where it will stand
   * @param {number} now by the portal's clock
   */
  constructor(survey, words, target, place, now) {
    adopt(place, STYLE);
    this.words = words;
    this.target = target;
    const { say } = words;
    this.comment = h("textarea", { id: `survey-${++drawn}`, dir: "auto", maxlength: "1000", "data-testid": "survey-comment" });
    this.refusal = h("div", { class: "refusal", role: "alert" });
    const skip = h("button", { type: "button", "data-testid": "survey-skip", onclick: () => this.#give(true) }, say("skip"));
    const submit = h("button", { type: "submit", "data-testid": "survey-send" }, say("rate"));
    this.form = h("form", {
      novalidate: true, onsubmit: (/** @type {Event} */ event) => {
        event.preventDefault();
        void this.#give(false);
      },
    }, ...survey.questions.map((one) => this.#question(one, survey.scale)),
    ...(survey.asks_comment ? [h("label", { class: "why", for: this.comment.id }, say("comment")), this.comment] : []),
    this.refusal, h("div", { class: "acts" }, skip, submit));
    this.thanks = h("p", { role: "status", "data-testid": "survey-thanks", hidden: true });
    this.title = h("h2", { dir: "auto" }, survey.title);
    this.element = h("section", { class: "survey", "data-testid": "survey", "aria-label": survey.title },
      this.title, this.form, this.thanks);
    this.at = survey.at;
    this.element.hidden = rated() === survey.at;
    this.#endAt(survey, now);
  }

  /** @param {Survey["questions"][number]} asked @param {number} scale */
  #question({ subject, question }, scale) {
    const name = `survey-${++drawn}`;
    const stars = [...Array(scale).keys()].map((index) => {
      const value = index + 1;
      const input = h("input", {
        type: "radio", name, value: `${value}`, "aria-label": this.words.say("stars", { n: value, of: scale }),
        "data-testid": `${subject}-${value}`, onchange: () => {
          this.#scores[subject] = value;
          this.refusal.textContent = "";
          stars.forEach((star, at) => star.classList.toggle("lit", at < value));
        },
      });
      return h("label", {}, input, icon("star", STAR));
    });
    return h("fieldset", {}, h("legend", { dir: "auto" }, question), h("div", { class: "stars" }, ...stars));
  }

  /** @param {boolean} isSkipped */
  async #give(isSkipped) {
    const { say } = this.words;
    if (!isSkipped && !Object.keys(this.#scores).length) {
      this.refusal.textContent = say("rateFirst");
      this.form.querySelector("input")?.focus();
      return;
    }
    const answer = isSkipped ? {} : { scores: this.#scores, comment: this.comment.value };
    try {
      this.#close((await this.#send(answer)) || say(isSkipped ? "skipped" : "thanks"));
    } catch {
      this.refusal.textContent = say("rateFailed");
    }
  }

  /** Return what the portal says where it takes no answer any more. @param {SurveyAnswer} answer */
  async #send(answer) {
    const { url, token } = await this.target();
    const given = await fetch(url, {
      method: "POST", credentials: "omit", body: json(answer),
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    });
    if (given.ok) return "";
    if (given.status === 409) return (await given.json()).error_message;
    throw new Error();
  }

  /** @param {string} text */
  #close(text) {
    rated(this.at);
    this.form.hidden = this.title.hidden = true;
    this.thanks.hidden = false;
    this.thanks.textContent = text;
    this.element.dispatchEvent(new Event("close"));
  }

  /** @param {Survey} survey @param {number} now */
  #endAt({ at, deadline_seconds: seconds }, now) {
    const left = Date.parse(at) + seconds * 1000 - now;
    const end = () => this.form.hidden || this.#close(this.words.say("rateOver"));
    if (left <= 0) end();
    else setTimeout(end, Math.min(left, 2 ** 31 - 1));
  }
}

/** Keep when the survey was asked that is over now, or tell of the last: a reload does not ask it again.
 * @param {string} [at] */
function rated(at) {
  try {
    if (at) localStorage["baton.rated"] = at;
    return localStorage["baton.rated"];
  } catch {
    return; // storage refused
  }
}
