// @ts-check
/** @import {Actions, Queue, State, Words} from "./types" */
/** The strip under the header: looking for someone, the place in the queue, a chat about to end, or no connection. */
import { h, setText } from "./dom.js";

export class Banner {
  /** @type {State["idle"]} */
  #idle;
  #endsAt = 0;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #ticking;

  /** @param {Words} words @param {Actions} actions */
  constructor(words, actions) {
    this.words = words;
    this.text = h("span");
    this.clock = h("span", { class: "clock", "aria-hidden": "true", "data-testid": "seconds-left" });
    this.cancel = h("button", { type: "button", "data-testid": "cancel", onclick: actions.cancel });
    this.element = h("div", { class: "banner", role: "status", "data-testid": "banner", hidden: true },
      h("span", { class: "pulse", "aria-hidden": "true" }), this.text, this.clock, this.cancel);
  }

  /** @param {State} state @param {boolean} isOffline @param {boolean} canCancel */
  render({ phase, queue, isCancelling, bot, idle }, isOffline, canCancel) {
    const { say } = this.words;
    const kind = kindOf(phase, isOffline, bot !== undefined, !!idle);
    this.element.dataset.kind = kind;
    this.element.hidden = kind === "ai" || kind === "live" || kind === "closed";
    this.#countDown(kind === "idle" ? idle : undefined);
    if (kind === "idle") setText(this.text, idle?.message || say("idle"));
    if (kind === "offline") setText(this.text, say("offlineHint"));
    if (kind === "connecting") setText(this.text, say("connecting"));
    if (kind === "queued") setText(this.text, this.#place(queue));
    this.cancel.hidden = kind !== "queued" || !canCancel;
    this.cancel.disabled = isCancelling;
    setText(this.cancel, say(isCancelling ? "cancelling" : "cancel"));
  }

  /** The seconds left run down in sight; they are read out with the sentence alone.
   * @param {State["idle"]} idle */
  #countDown(idle) {
    if (this.#idle === idle) return;
    this.#idle = idle;
    clearInterval(this.#ticking);
    this.clock.hidden = idle?.seconds === undefined;
    this.#endsAt = Date.now() + 1000 * (idle?.seconds ?? 0);
    if (this.clock.hidden) return;
    this.#tick();
    this.#ticking = setInterval(() => this.#tick(), 1000);
  }

  #tick() {
    const seconds = Math.max(0, Math.round((this.#endsAt - Date.now()) / 1000));
    setText(this.clock, this.words.seconds(seconds));
    if (!seconds) clearInterval(this.#ticking);
  }

  /** The vendor's own words, or place and wait as far as they are known. @param {Queue} queue */
  #place({ text, position, wait }) {
    const { say } = this.words;
    if (text) return text;
    const place = position ? say("position", { n: position }) : "";
    const minutes = Math.ceil((wait ?? 0) / 60);
    const time = wait == null ? "" : wait < 60 ? say("waitShort") : say("wait", { n: minutes });
    return [place, time].filter(Boolean).join(" ") || say("queued");
  }
}

/**
 * What the strip is about; who talks with the vendor's bot waits for nobody.
 * @param {State["phase"]} phase @param {boolean} isOffline @param {boolean} hasBot @param {boolean} isIdle
 */
function kindOf(phase, isOffline, hasBot, isIdle) {
  if (isOffline || phase === "closed") return isOffline ? "offline" : phase;
  if (isIdle) return "idle";
  return hasBot && phase !== "ai" ? "live" : phase;
}
