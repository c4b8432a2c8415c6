// @ts-check
/** @import {Saved, Unsent} from "./types" */
/** What survives a reload and is shared by the tabs of one site. Texts stay out, unless unsent. */

export class Storage {
  /** @type {Saved} */
  #memory = {};
  #name;

  /** @param {string} key the channel's public key */
  constructor(key) {
    this.#name = `baton.${key}`;
  }

  /** Read afresh every time: another tab may have written. */
  get() {
    try {
      const text = localStorage.getItem(this.#name);
      return text ? /** @type {Saved} */ (JSON.parse(text)) : this.#memory;
    } catch {
      return this.#memory; // storage refused (private mode), or not ours to parse
    }
  }

  /** @param {Saved} changes */
  set(changes) {
    this.#memory = { ...this.get(), ...changes };
    try {
      localStorage.setItem(this.#name, JSON.stringify(this.#memory));
    } catch {
      // refused or full: this page carries on from memory
    }
  }

  /** Forget the conversation, keep nothing of it. */
  forget() {
    this.set({ session: undefined, sequence: 0, received: 0, seen: 0, outbox: [] });
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
