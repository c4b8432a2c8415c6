// @ts-check
/** @import {Actions, Queue, State, Words} from "./types" */
/** The strip under the header: looking for someone, the place in the queue, or no connection. */
import { h, setText } from "./dom.js";

export class Banner {
  /** @param {Words} words @param {Actions} actions */
  constructor(words, actions) {
    this.words = words;
    this.text = h("span");
    this.cancel = h("button", { type: "button", "data-testid": "cancel", onclick: actions.cancel });
    this.element = h("div", { class: "banner", role: "status", "data-testid": "banner", hidden: true },
      h("span", { class: "pulse", "aria-hidden": "true" }), this.text, this.cancel);
  }

  /** @param {State} state @param {boolean} isOffline @param {boolean} canCancel */
  render({ phase, queue, isCancelling }, isOffline, canCancel) {
    const { say } = this.words;
    const kind = isOffline ? "offline" : phase;
    this.element.dataset.kind = kind;
    this.element.hidden = kind === "ai" || kind === "live" || kind === "closed";
    if (kind === "offline") setText(this.text, say("offlineHint"));
    if (kind === "connecting") setText(this.text, say("connecting"));
    if (kind === "queued") setText(this.text, this.#place(queue));
    this.cancel.hidden = kind !== "queued" || !canCancel;
    this.cancel.disabled = isCancelling;
    setText(this.cancel, say(isCancelling ? "cancelling" : "cancel"));
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
