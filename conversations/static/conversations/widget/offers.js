// @ts-check
/** @import {Content} from "./types" */
/** What asks for an answer. Pure, as the store is. */

/** Whether a content asks for an answer: pages and phone numbers do not.
 * @param {Content | undefined} content */
export function isOffer(content) {
  const { choices = [], cards = [], slots = [], form } = content ?? {};
  const all = [...choices, ...cards.flatMap((card) => card.choices ?? [])];
  return all.some(({ kind }) => kind === "reply") || slots.length > 0 || !!form;
}
