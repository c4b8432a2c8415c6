// @ts-check
/** @import {Item} from "./types" */
/** What draws more than words and files, each once it is here. */

/** @type {{markdown?: typeof import("./markdown.js"), offering?: typeof import("./offering.js")}} */
export const drawing = {};
/** What is on its way. @type {Set<keyof typeof drawing>} */
export const awaited = new Set();

/** What a message needs to be drawn whole. @param {Item} item @returns {(keyof typeof drawing)[]} */
export function drawers({ content }) {
  const { text, markup, choices, cards, slots, form, unknown } = content ?? {};
  const isOffering = choices?.length || cards?.length || slots?.length || form || unknown;
  /** @type {(keyof typeof drawing)[]} */
  const needed = [];
  if (text && markup === "markdown") needed.push("markdown");
  if (isOffering) needed.push("offering");
  return needed;
}
