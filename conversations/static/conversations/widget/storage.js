// @ts-check
/** @import {Saved, Unsent} from "./types" */
/** What survives a reload and is shared by the tabs of one site. Texts stay out, unless unsent. */
import { json } from "./json.js";

export class Storage {
  /** @type {Saved} */
  #memory = {};
  /** What stands in storage is older than what is known here: nothing more was taken there. */
  #isRefused = false;
  #name;

  /** @param {string} key the channel's public key */
  constructor(key) {
    this.#name = `baton.${key}`;
  }

  /** Read afresh every time: another tab may have written. */
  get() {
    try {
      const text = this.#isRefused ? "" : localStorage.getItem(this.#name);
      return text ? sound(JSON.parse(text)) : this.#memory;
    } catch {
      return this.#memory; // storage refused (private mode), or not ours to parse
    }
  }

  /** @param {Saved} changes */
  set(changes) {
    this.#memory = { ...this.get(), ...changes };
    try {
      localStorage.setItem(this.#name, json(this.#memory));
      this.#isRefused = false;
    } catch {
      this.#isRefused = true; // or full: this page carries on from memory
    }
  }

  /** Forget the conversation, keep nothing of it. */
  forget() {
    this.set({ outbox: [] });
    this.forgetSession();
  }

  /** Forget the conversation; what was never sent waits for its writer. */
  forgetSession() {
    const outbox = this.get().outbox?.map((one) => ({ ...one, hasFailed: true }));
    this.set({ session: undefined, sequence: 0, received: 0, seen: 0, outbox });
  }

  /** @param {Unsent} message */
  keepUnsent(message) {
    this.set({ outbox: [...(this.get().outbox ?? []), message] });
  }

  /** @param {string} id */
  dropUnsent(id) {
    const outbox = this.get().outbox ?? [];
    if (outbox.some((one) => one.id === id)) {
      this.set({ outbox: outbox.filter((one) => one.id !== id) });
    }
  }

  /** @param {() => void} run called when another tab changed the record */
  onChange(run) {
    const listener = (/** @type {StorageEvent} */ event) => event.key === this.#name && run();
    addEventListener("storage", listener);
    return () => removeEventListener("storage", listener);
  }
}

/** @type {Record<string, (value: any) => boolean>} */
const KINDS = {
  session: isText, token: isText, expiresAt: Number.isFinite, blockedUntil: Number.isFinite,
  sequence: isCount, received: isCount, seen: isCount, outbox: Array.isArray,
};

/** What of a record is what it should be: another version, the page or a person may have written it.
 * @param {any} record @returns {Saved} */
function sound(record) {
  const kept = Object.entries(record ?? {}).filter(([name, value]) => KINDS[name]?.(value));
  const { outbox, ...saved } = Object.fromEntries(kept);
  return outbox ? { ...saved, outbox: outbox.filter((/** @type {any} */ one) => isText(one?.id) && isText(one.text, 0)) } : saved;
}

/** @param {unknown} value */
function isText(value, least = 1) {
  return typeof value === "string" && value.length >= least;
}

/** @param {unknown} value */
function isCount(value) {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
