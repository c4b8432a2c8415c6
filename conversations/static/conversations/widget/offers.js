// @ts-check
/** @import {Content, State} from "./types" */
/** Which offer of a message can still be answered, and what was taken. Pure, as the store is. */

/** Whether a content asks for an answer: pages and phone numbers do not.
 * @param {Content | undefined} content */
export function isOffer(content) {
  const { choices = [], cards = [], slots = [], form } = content ?? {};
  const all = [...choices, ...cards.flatMap((card) => card.choices ?? [])];
  return all.some(({ kind }) => kind === "reply") || slots.length > 0 || !!form;
}

/** The payload taken of a message, also while it is on its way; undefined when none was.
 * @param {State} state @param {string} messageId @returns {string | undefined} */
export function answerTo(state, messageId) {
  const unsent = state.outbox.find(({ answer }) => answer?.message_id === messageId);
  return unsent?.answer?.payload ?? state.answers[messageId];
}

/** @param {State} state @param {string} messageId */
export function isOpenOffer(state, messageId) {
  return state.phase !== "closed" && state.offer === messageId && answerTo(state, messageId) === undefined;
}
