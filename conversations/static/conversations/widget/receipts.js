// @ts-check
/** @import {Item, State} from "./types" */
/** @import {Storage} from "./storage.js" */
/** Tell the vendor what arrived and what was seen, once per message over all tabs. */
import { isFromAgent, isFromVendor } from "./store.js";

/** @typedef {(type: string, payload: object) => boolean} Send */

/**
 * Acknowledge each message of the vendor's above the highest acknowledged one.
 * @param {State} state @param {Storage} storage @param {Send} send
 */
export function acknowledgeReceived(state, storage, send) {
  for (const item of vendorItemsAfter(state, storage.get().received)) {
    if (!acknowledge("USER_RECEIVED_MESSAGE", item, state, send)) return;
    storage.set({ received: item.sequence });
  }
}

/**
 * The end user looks at the log: remember how far, and report the vendor's newest message.
 * @param {State} state @param {Storage} storage @param {Send} send
 */
export function acknowledgeSeen(state, storage, send) {
  const newest = state.items.findLast(isFromAgent);
  const { seen = 0 } = storage.get();
  if (!newest || newest.sequence <= seen) return;
  const live = vendorItemsAfter(state, seen).at(-1);
  if (live && !acknowledge("USER_READ_MESSAGE", live, state, send)) return;
  storage.set({ seen: newest.sequence });
}

/** @param {State} state @param {number} [sequence] */
function vendorItemsAfter(state, sequence = 0) {
  return state.items.filter((item) => isFromVendor(item) && item.sequence > sequence);
}

/**
 * @param {string} type @param {Item} item @param {State} state @param {Send} send
 * @returns {boolean} false when it has to wait for the socket
 */
function acknowledge(type, item, state, send) {
  const isTaken = state.extensions.includes(type) || state.extensions.includes(`EVENT_TYPE_${type}`);
  return !isTaken || state.phase === "closed" || send(type, { message_id: item.messageId });
}
