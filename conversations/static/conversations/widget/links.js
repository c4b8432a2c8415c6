// @ts-check
/** Find the addresses in a text, and make links that leave the page safely. */
import { h } from "./dom.js";

// Where an address can begin; what stands before www. or an e-mail must not be part of a word.
const START = /https?:\/\/|(?<![\p{L}\p{N}@./_-])www\.(?=[\p{L}\p{N}])|(?<![\p{L}\p{N}@./_+-])[\w.+-]{1,64}@(?=[\p{L}\p{N}])/giu;
// Blanks, quotes, brackets of East Asian scripts and their punctuation, marks of direction.
const NEVER_INSIDE = /[\s<>"`|\u0000-\u001f\u007f-\u009f\u00ab\u00bb\u061c\u060c\u061b\u061f\u200b-\u200f\u2014\u2018-\u201f\u2026\u2028-\u202e\u2039\u203a\u2066-\u2069\u3000-\u3004\u3008-\u3020\u3030\u30fb\ufe10-\ufe6f\ufeff\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]/u;
const NEVER_LAST = /[.,;:!?'*_~\u2010-\u2015]$/u;
/** @type {Record<string, string>} */
const OPENING = { ")": "(", "]": "[", "}": "{" };
const OPENERS = Object.values(OPENING);
const LONGEST = 2048;
const HOST = /^[\p{L}\p{N}](?:[\p{L}\p{N}.-]*[\p{L}\p{N}])?(?::\d+)?$/u;
const MAIL_HOST = /^[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/u;

/** @typedef {{start: number, end: number, url: string}} Found */

/** The addresses of a text, in order. @param {string} text @returns {Found[]} */
export function addresses(text) {
  /** @type {Found[]} */
  const found = [];
  START.lastIndex = 0;
  for (let match = START.exec(text); match; match = START.exec(text)) {
    const one = match[0].endsWith("@") ? mailAt(text, match) : addressAt(text, match);
    if (!one) continue;
    found.push(one);
    START.lastIndex = one.end;
  }
  return found;
}

/** Split a text into strings and links. @param {string} text @returns {Array<string | HTMLAnchorElement>} */
export function linked(text) {
  const parts = [];
  let done = 0;
  for (const { start, end, url } of addresses(text)) {
    const shown = text.slice(start, end);
    parts.push(text.slice(done, start), link(url, shown) ?? shown);
    done = end;
  }
  return [...parts, text.slice(done)].filter(Boolean);
}

/** Link to a page or a mailbox, relative addresses being the portal's; null for any other scheme.
 * @param {string} address @param {...(Node | string)} children */
export function link(address, ...children) {
  const url = parseUrl(address);
  if (!url || !/^(https?|mailto):$/.test(url.protocol)) return null;
  return h("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

/** Link to a phone number, written in any way. @param {string} number @param {...(Node | string)} children */
export function call(number, ...children) {
  const dialled = number.replace(/^tel:/i, "").replace(/[^\d+*#,;]/g, "");
  return h("a", { href: `tel:${dialled}` }, ...children);
}

/** @param {string} text @param {RegExpExecArray} match @returns {Found | null} */
function addressAt(text, match) {
  const [begin] = match;
  const rest = text.slice(match.index + begin.length, match.index + LONGEST);
  if (/^https?:\//i.test(rest)) return null; // no host: what follows is looked through but once
  const size = rest.search(NEVER_INSIDE);
  const body = withoutTail(size < 0 ? rest : rest.slice(0, size));
  const host = body.split(/[/?#]/)[0].split("@").at(-1) ?? "";
  if (!HOST.test(host)) return null;
  const end = match.index + begin.length + body.length;
  const isBare = begin.toLowerCase() === "www.";
  if (isBare && !host.includes(".")) return null;
  const address = text.slice(match.index, end);
  return { start: match.index, end, url: isBare ? `https://${address}` : address };
}

/** @param {string} text @param {RegExpExecArray} match @returns {Found | null} */
function mailAt(text, match) {
  const host = MAIL_HOST.exec(text.slice(match.index + match[0].length));
  if (!host) return null;
  const end = match.index + match[0].length + host[0].length;
  return { start: match.index, end, url: `mailto:${text.slice(match.index, end)}` };
}

/** Leave out what ends the sentence, and a bracket that was opened before. @param {string} text */
function withoutTail(text) {
  const { closed, open } = unpaired(text);
  let size = closed ?? text.length;
  while (size && (NEVER_LAST.test(text[size - 1]) || open.has(size - 1))) size -= 1;
  return text.slice(0, size);
}

/** Where the first bracket closes that was not opened, and which open that nothing closes before.
 * @param {string} text @returns {{closed?: number, open: Set<number>}} */
function unpaired(text) {
  /** @type {number[]} */
  const open = [];
  for (let at = 0; at < text.length; at++) {
    const opening = OPENING[text[at]];
    if (OPENERS.includes(text[at])) open.push(at);
    else if (opening && text[open.at(-1) ?? -1] === opening) open.pop();
    else if (opening) return { closed: at, open: new Set(open) };
  }
  return { open: new Set(open) };
}

/** @param {string} address */
function parseUrl(address) {
  try {
    return new URL(address, import.meta.url);
  } catch {
    return null;
  }
}
