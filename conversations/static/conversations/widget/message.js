// @ts-check
/** @import {Actions, Item, State, Words} from "./types" */
/** One line of the log. Its element stays the same from "sending" to "read", so nothing flickers. */
import { h, icon, picture } from "./dom.js";
import { awaited, drawers, drawing } from "./drawing.js";
import { linked } from "./links.js";
import { said } from "./said.js";
import { isFromAgent } from "./store.js";

export class Message {
  /** @type {import("./offering.js").Offer | undefined} */
  #offer;
  #drawn = "";
  /** @type {Item["content"]} */
  #content;
  #status = "";

  /** @param {Item} item @param {State} state @param {Words} words @param {Actions} actions */
  constructor(item, state, words, actions) {
    this.words = words;
    this.actions = actions;
    this.bubble = h("div", { class: "bubble-text" });
    this.meta = h("div", { class: "meta" });
    this.time = timeOf(item, words);
    this.mark = h("span", { class: "edited", hidden: true }, words.say("edited"));
    this.element = item.from === "system" ? this.#line(item) : this.#row(item, item.from === "ai_agent" ? state.aiAvatar : "");
    this.render(item, state);
  }

  /** @param {Item} item @param {State} state */
  render(item, state) {
    if (item.from === "system") return;
    this.#fill(item);
    this.#offer?.render(state);
    this.#renderMeta(item, state);
    // Read out once, when it is whole.
    const isComing = !!item.chunks || drawers(item).some((name) => awaited.has(name));
    this.element.setAttribute("aria-busy", String(isComing));
  }

  /** The portal's and the vendor's notices. @param {Item} item */
  #line({ code, name, text }) {
    const { say } = this.words;
    const line = code ? [say(code, { name: name || say("someone") })] : linked(text);
    return h("div", { class: "system", "data-testid": "message", "data-from": "system", dir: "auto" }, ...line);
  }

  /** @param {Item} item @param {string} avatar */
  #row(item, avatar) {
    const who = item.from === "end_user" ? this.words.say("you") : this.#nameOf(item);
    const head = isFromAgent(item) ? [mark(item.from, who, avatar)] : [];
    return h("div", { class: `row ${item.from}`, "data-testid": "message", "data-from": item.from }, ...head,
      h("div", { class: "body" },
        h("span", { class: isFromAgent(item) ? "name" : "name unseen" }, who), this.bubble, this.meta));
  }

  /** @param {Item} item */
  #nameOf({ from, name }) {
    return name || this.words.say(from === "ai_agent" ? "ai" : from === "vendor_bot" ? "bot" : "live");
  }

  /** What was said; it changes when a file gets its address with the echo, by an edit, and once there
   * is what draws more than plain text.
   * @param {Item} item */
  #fill(item) {
    const { text, content, attachments = [], isDeleted = false } = item;
    const drawn = JSON.stringify([drawers(item).map((name) => !drawing[name]), text, isDeleted, attachments.map((file) => file.content_url)]);
    if (this.#drawn === drawn && this.#content === content) return;
    this.#drawn = drawn;
    this.#content = content;
    const parts = isDeleted ? [this.#deleted()] : said(item, this.words, this.actions);
    this.bubble.replaceChildren(...parts);
    this.bubble.hidden = !parts.length;
    const Offer = drawers(item).includes("offering") ? drawing.offering?.Offer : undefined;
    const offer = Offer && new Offer(item, this.words, this.actions);
    this.#offer?.element.remove();
    if (offer) this.bubble.after(offer.element);
    this.#offer = offer;
  }

  #deleted() {
    return h("div", { class: "text deleted" }, this.words.say("deleted"));
  }

  /** @param {Item} item @param {State} state */
  #renderMeta(item, state) {
    const isRetried = item.status === "failed" && canRetry(item, state);
    const shown = `${item.status} ${isRetried} ${!!item.isEdited} ${item.reason}`;
    if (this.#status === shown) return;
    this.#status = shown;
    const hadFocus = this.meta.matches(":focus-within");
    this.mark.hidden = !item.isEdited || !!item.isDeleted;
    this.time.hidden = item.status === "failed";
    this.meta.replaceChildren(...this.#metaOf(item, isRetried), this.mark);
    if (item.status) this.element.dataset.status = item.status;
    if (hadFocus) this.actions.focusField();
  }

  /** @param {Item} item @param {boolean} isRetried */
  #metaOf(item, isRetried) {
    const { status, reason } = item;
    const { say } = this.words;
    if (!status) return [this.time];
    if (status !== "failed") return [this.time, icon(status), h("span", { class: "unseen" }, say(status))];
    const label = h("span", { dir: "auto" }, reason ? `${say("notDelivered")}. ${reason}` : say("notDelivered"));
    return [icon(status), label, ...(isRetried ? this.#cures(item) : []), this.time];
  }

  /** What was refused can be written anew; all else can only be tried again. @param {Item} item */
  #cures(item) {
    const { actions, words } = this;
    const isEditable = item.sequence === Infinity && item.text && !item.isAnswer && !item.attachments?.length;
    /** @type {["edit" | "retry", boolean][]} */
    const cures = [["edit", !!isEditable], ["retry", true]];
    return cures.filter(([, isOffered]) => isOffered).map(([name]) =>
      h("button", { class: "retry", type: "button", "data-testid": name, onclick: () => actions[name](item) }, words.say(name)));
  }
}

/** Whether anybody is there to whom it could be delivered.
 * @param {Item} item @param {State} state */
function canRetry(item, { phase, extensions }) {
  const isTaken = item.sequence !== Infinity && extensions.some((name) => name.endsWith("USER_RETRY_MESSAGE"));
  return phase !== "closed" && !(isTaken && phase === "ai");
}

/** @param {Item} item @param {Words} words */
function timeOf(item, { locale }) {
  const at = new Date(item.at || Date.now());
  const time = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" });
  const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const shown = at.toDateString() === new Date().toDateString() ? time : day;
  return h("time", { datetime: at.toISOString(), title: day.format(at) }, shown.format(at));
}

/** The round mark of a speaker: an initial, or a picture or a sparkle for an AI agent or a bot.
 * @param {string} from @param {string} name @param {string} [avatar] */
export function mark(from, name, avatar) {
  const isPerson = from === "live_agent";
  const initial = [...name.trim()][0]?.toUpperCase() ?? "";
  const drawn = avatar ? [picture(avatar, ""), icon("sparkle")] : [isPerson ? initial : icon("sparkle")];
  return h("span", { class: `mark ${from}`, "aria-hidden": "true" }, ...drawn);
}
