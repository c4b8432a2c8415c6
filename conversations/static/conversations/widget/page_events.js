// @ts-check
/** @import {WireEvent} from "./types" */
/** What the host page may listen to: HandoffChat.on("message", run). */

/** @type {Record<string, string>} the portal's event names and the page's */
const NAMES = {
  POLY_AGENT_TRIGGERED_HANDOFF: "handoff",
  CLIENT_HANDOFF_REQUIRED: "handoff",
  LIVE_AGENT_JOINED: "agent_joined",
  LIVE_AGENT_LEFT: "agent_left",
  POLY_AGENT_MESSAGE: "message",
  LIVE_AGENT_MESSAGE: "message",
  USER_MESSAGE: "message",
  SESSION_START: "session_created",
  LANGUAGE_CHANGED: "language_changed",
  SESSION_END: "session_end",
};

/** @type {Record<string, string>} */
const SPEAKERS = {
  POLY_AGENT_MESSAGE: "ai_agent", LIVE_AGENT_MESSAGE: "live_agent", USER_MESSAGE: "end_user",
};

/** @typedef {(detail: object) => void} Listener */

export class PageEvents {
  /** @type {Map<string, Set<Listener>>} */
  #listeners = new Map();

  on = (/** @type {string} */ name, /** @type {Listener} */ run) => {
    this.#listeners.set(name, (this.#listeners.get(name) ?? new Set()).add(run));
  };

  off = (/** @type {string} */ name, /** @type {Listener} */ run) => {
    this.#listeners.get(name)?.delete(run);
  };

  /** Call the page's listeners; what one throws goes to the console, not into the widget.
   * @param {WireEvent} event */
  tell = ({ type, payload }) => {
    const detail = { ...payload, ...(SPEAKERS[type] && { from: SPEAKERS[type] }) };
    for (const run of this.#listeners.get(NAMES[type] ?? "") ?? []) {
      try {
        run(detail);
      } catch (error) {
        reportError(error);
      }
    }
  };
}
