// @ts-check
/** Say "is typing" seldom: one start per three seconds, one stop after five idle ones. */

const START_EVERY_MS = 3000;
const STOP_AFTER_MS = 5000;

export class Typing {
  #startedAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #idle;

  /** @param {(state: "STARTED" | "STOPPED") => void} report */
  constructor(report) {
    this.report = report;
  }

  touch() {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.stop(), STOP_AFTER_MS);
    if (Date.now() - this.#startedAt < START_EVERY_MS) return;
    this.#startedAt = Date.now();
    this.report("STARTED");
  }

  stop() {
    clearTimeout(this.#idle);
    if (this.#startedAt) this.report("STOPPED");
    this.#startedAt = 0;
  }
}
