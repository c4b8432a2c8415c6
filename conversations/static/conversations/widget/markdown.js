// @ts-check
/** Draw a safe subset of Markdown as elements: what is not in the subset stays text. Loaded with the
 * first message that is written so. */
import { addresses, call, h, link } from "./shared.js";

export const STYLE = `
.markdown { white-space: normal; }
.markdown > * { margin: 0; }
.markdown > * + * { margin-block-start: 8px; }
.markdown :is(ul, ol) { margin: 0; padding-inline-start: 22px; }
.markdown li > * { margin-block: 0; }
.markdown code { font: 13px/1.4 ui-monospace, Menlo, Consolas, monospace; background: color-mix(in srgb, currentColor 9%, transparent); border-radius: 4px; padding: 1px 4px; }
.markdown pre { overflow-x: auto; padding: 8px 10px; border-radius: 8px; background: color-mix(in srgb, currentColor 9%, transparent); }
.markdown pre code { background: none; padding: 0; overflow-wrap: normal; }
.markdown blockquote { padding-inline-start: 10px; border-inline-start: 3px solid var(--baton-line); }
.markdown hr { border: 0; border-block-start: 1px solid var(--baton-quiet); }
`;

/** @typedef {Array<Node | string>} Parts */
/** @typedef {{mark: string, parts: Parts}} Frame */

const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const BULLET = /^( *)([-*+•]|\d{1,9}[.)]) +(?=\S)/;
const HEADING = /^ {0,3}#{1,6} +(.*?)(?: +#+)? *$/;
const RULE = /^ {0,3}(?:(?:- *){3,}|(?:\* *){3,}|(?:_ *){3,})$/;
const DEEPEST = 8;
const ESCAPABLE = /[!-/:-@[-`{-~]/;
const SCHEMES = /^(?:https?:\/\/|mailto:|tel:)/i;
/** @type {Record<string, keyof HTMLElementTagNameMap>} */
const ELEMENTS = { "**": "strong", "__": "strong", "*": "em", "_": "em", "~~": "s" };
/** @type {Record<string, string>} */
const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0" };

/** @param {string} text @returns {Parts} */
export function markdown(text) {
  return blocks(text.replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n"), 0);
}

/** @param {string[]} lines @param {number} depth @returns {Parts} */
function blocks(lines, depth) {
  /** @type {Parts} */
  const made = [];
  for (let at = 0; at < lines.length; ) {
    const [part, size] = blockAt(lines, at, depth);
    if (part) made.push(part);
    at += size;
  }
  return made;
}

/** The block that begins at a line, and how many lines it takes.
 * @param {string[]} lines @param {number} at @param {number} depth @returns {[Node | null, number]} */
function blockAt(lines, at, depth) {
  const line = lines[at];
  if (!line.trim()) return [null, 1];
  if (FENCE.test(line)) return fenced(lines, at);
  if (RULE.test(line)) return [h("hr"), 1];
  const heading = HEADING.exec(line);
  if (heading) return [h("p", {}, h("strong", {}, ...inline(heading[1]))), 1];
  if (depth < DEEPEST && BULLET.test(line)) return list(lines, at, depth);
  if (depth < DEEPEST && /^ {0,3}>/.test(line)) return quote(lines, at, depth);
  const size = run(lines, at, (next) => next.trim() !== "" && !begins(next));
  const words = lines.slice(at, at + size).map((one) => one.trimStart());
  return [h("p", {}, ...inline(words.join("\n"))), size];
}

/** Whether a line ends the paragraph before it. @param {string} line */
function begins(line) {
  return [FENCE, RULE, HEADING, BULLET, /^ {0,3}>/].some((shape) => shape.test(line));
}

/** How many lines from one on belong to it, itself included.
 * @param {string[]} lines @param {number} at @param {(line: string) => boolean} belongs */
function run(lines, at, belongs) {
  let size = 1;
  while (at + size < lines.length && belongs(lines[at + size])) size += 1;
  return size;
}

/** @param {string[]} lines @param {number} at @returns {[Node, number]} */
function fenced(lines, at) {
  const fence = FENCE.exec(lines[at])?.[1] ?? "";
  const size = run(lines, at, (next) => !(next.trim().startsWith(fence) && !next.trim().slice(fence.length)));
  const code = lines.slice(at + 1, at + size).join("\n");
  return [h("pre", { tabindex: "0" }, h("code", {}, code)), size + 1];
}

/** @param {string[]} lines @param {number} at @param {number} depth @returns {[Node, number]} */
function quote(lines, at, depth) {
  const size = run(lines, at, (next) => /^ {0,3}>/.test(next));
  const inside = lines.slice(at, at + size).map((line) => line.replace(/^ {0,3}> ?/, ""));
  return [h("blockquote", {}, ...blocks(inside, depth + 1)), size];
}

/** Items of one kind and level; what is indented below one belongs to it.
 * @param {string[]} lines @param {number} at @param {number} depth @returns {[Node, number]} */
function list(lines, at, depth) {
  const [, indent, sign] = BULLET.exec(lines[at]) ?? ["", "", ""];
  const isNumbered = /\d/.test(sign);
  const belongs = (/** @type {string} */ line) => isItem(line, indent.length, isNumbered) || isInside(line, indent.length);
  let size = run(lines, at, (line) => belongs(line) || !line.trim());
  while (!lines[at + size - 1].trim()) size -= 1;
  /** @type {string[][]} */
  const items = [];
  for (const line of lines.slice(at, at + size)) {
    const match = isItem(line, indent.length, isNumbered) ? BULLET.exec(line) : null;
    if (match) items.push([line.slice(match[0].length)]);
    else items.at(-1)?.push(line.slice(indent.length).replace(/^ {1,3}/, ""));
  }
  const drawn = items.map((item) => h("li", {}, ...unwrapped(blocks(item, depth + 1))));
  return [isNumbered ? h("ol", { start: parseInt(sign) }, ...drawn) : h("ul", {}, ...drawn), size];
}

/** @param {string} line @param {number} indent @param {boolean} isNumbered */
function isItem(line, indent, isNumbered) {
  const match = BULLET.exec(line);
  return !!match && match[1].length <= indent + 1 && /\d/.test(match[2]) === isNumbered;
}

/** @param {string} line @param {number} indent */
function isInside(line, indent) {
  return line.search(/\S/) >= indent + 2;
}

/** An item's only or first paragraph needs no box of its own. @param {Parts} parts @returns {Parts} */
function unwrapped(parts) {
  const [first, ...rest] = parts;
  return first instanceof HTMLParagraphElement ? [...first.childNodes, ...rest] : parts;
}

/** @param {string} text @returns {Parts} */
export function inline(text) {
  return new Line(text).parts();
}

/** Reads one paragraph from left to right; each character is looked at once. */
class Line {
  #at = 0;
  #plain = "";
  /** @type {Frame[]} */
  #open = [{ mark: "", parts: [] }];

  /** @param {string} text @param {boolean} isLabel of a link, which holds no other */
  constructor(text, isLabel = false) {
    this.text = text;
    this.isLabel = isLabel;
    this.addresses = isLabel ? [] : addresses(text);
  }

  parts() {
    while (this.#at < this.text.length) {
      const taken = this.#escape() || this.#code() || this.#address() || this.#link() || this.#break() || this.#mark();
      if (!taken) this.#plain += this.text[this.#at++];
    }
    this.#flush();
    while (this.#open.length > 1) this.#giveUp();
    return this.#open[0].parts;
  }

  /** @param {...(Node | string)} parts */
  #put(...parts) {
    this.#flush();
    this.#open[this.#open.length - 1].parts.push(...parts);
    return true;
  }

  #flush() {
    const plain = this.#plain;
    this.#plain = "";
    if (plain) this.#open[this.#open.length - 1].parts.push(plain);
  }

  /** A mark that nothing closes is what it looks like. */
  #giveUp() {
    const { mark, parts } = /** @type {Frame} */ (this.#open.pop());
    this.#open[this.#open.length - 1].parts.push(mark, ...parts);
  }

  #escape() {
    const [sign, next = ""] = this.text.slice(this.#at, this.#at + 2);
    if (sign === "&") return this.#entity();
    if (sign !== "\\" || !ESCAPABLE.test(next)) return false;
    this.#plain += next;
    this.#at += 2;
    return true;
  }

  #entity() {
    const match = /^&(\w{2,4}|#39);/.exec(this.text.slice(this.#at, this.#at + 6));
    const sign = match && (match[1] === "#39" ? "'" : ENTITIES[match[1]]);
    if (!match || !sign) return false;
    this.#plain += sign;
    this.#at += match[0].length;
    return true;
  }

  #code() {
    if (this.text[this.#at] !== "`") return false;
    const ticks = /^`+/.exec(this.text.slice(this.#at))?.[0] ?? "";
    const start = this.#at + ticks.length;
    const end = this.text.indexOf(ticks, start);
    this.#at = end < 0 ? start : end + ticks.length;
    if (end < 0) this.#plain += ticks;
    else this.#put(h("code", {}, this.text.slice(start, end).replace(/^ (.*) $/, "$1")));
    return true;
  }

  /** An address that stands for itself, with or without angle brackets. */
  #address() {
    const found = this.addresses;
    while (found.length && found[0].start < this.#at) found.shift();
    const isBracketed = this.text[this.#at] === "<";
    const one = found[0];
    if (!one || one.start !== this.#at + (isBracketed ? 1 : 0)) return false;
    const isClosed = isBracketed && this.text[one.end] === ">";
    if (isBracketed && !isClosed) return false;
    const shown = this.text.slice(one.start, one.end);
    this.#put(link(one.url, shown) ?? shown);
    this.#at = one.end + (isClosed ? 1 : 0);
    return true;
  }

  /** `[label](address "title")`; a picture is a link, for it would come from somewhere else. */
  #link() {
    const isImage = this.text.startsWith("![", this.#at);
    if (this.isLabel || !(isImage || this.text[this.#at] === "[")) return false;
    const start = this.#at + (isImage ? 2 : 1);
    const end = closing(this.text, start, "[", "]");
    if (end < 0 || this.text[end + 1] !== "(") return false;
    const last = closing(this.text, end + 2, "(", ")");
    if (last < 0) return false;
    const address = target(this.text.slice(end + 2, last));
    const label = new Line(this.text.slice(start, end), true).parts();
    const shown = label.length ? label : [address];
    this.#put(...(SCHEMES.test(address) ? [linkTo(address, shown)] : shown));
    this.#at = last + 1;
    return true;
  }

  #break() {
    if (this.text[this.#at] !== "\n") return false;
    this.#plain = this.#plain.replace(/( +|\\)$/, "");
    this.#at += 1;
    return this.#put(h("br"));
  }

  #mark() {
    const sign = this.text[this.#at];
    if (!"*_~".includes(sign)) return false;
    const run = /^(\*+|_+|~+)/.exec(this.text.slice(this.#at, this.#at + 64))?.[0] ?? "";
    const before = this.text[this.#at - 1] ?? " ";
    const after = this.text[this.#at + run.length] ?? " ";
    const isIntraword = sign === "_" && /[\p{L}\p{N}]/u.test(before) && /[\p{L}\p{N}]/u.test(after);
    const closes = !isIntraword && /\S/.test(before) && this.#closedBy(run);
    const mark = closes || (sign === "~" ? "~~" : sign.repeat(run.length === 1 ? 1 : 2));
    const isMark = run.length <= 3 && run.length >= mark.length && !isIntraword;
    if (isMark && closes) this.#close(mark);
    else if (isMark && /\S/.test(after)) this.#begin(mark);
    else this.#plain += run;
    this.#at += isMark && (closes || /\S/.test(after)) ? mark.length : run.length;
    return true;
  }

  /** Which of the marks that stand open a run ends: the innermost that it is long enough for.
   * @param {string} run */
  #closedBy(run) {
    const open = this.#open.map(({ mark }) => mark).filter((mark) => mark && run.startsWith(mark));
    const exact = run.length < 3 ? open.findLast((mark) => mark.length === run.length) : undefined;
    return run.length < 3 ? exact : open.at(-1);
  }

  /** @param {string} mark */
  #begin(mark) {
    this.#flush();
    this.#open.push({ mark, parts: [] });
  }

  /** @param {string} mark */
  #close(mark) {
    this.#flush();
    while (this.#open[this.#open.length - 1].mark !== mark) this.#giveUp();
    const { parts } = /** @type {Frame} */ (this.#open.pop());
    this.#put(...(parts.length ? [h(ELEMENTS[mark], {}, ...parts)] : [mark, mark]));
  }
}

/** @param {string} address @param {Parts} label @returns {Node | string} */
function linkTo(address, label) {
  if (/^tel:/i.test(address)) return call(address, ...label);
  return link(address, ...label) ?? address;
}

/** Where a bracket closes that was opened just before `start`, or -1.
 * @param {string} text @param {number} start @param {string} open @param {string} close */
function closing(text, start, open, close) {
  let depth = 1;
  for (let at = start; at < Math.min(text.length, start + 4096); at++) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === open) depth += 1;
    else if (text[at] === close && --depth === 0) return at;
  }
  return -1;
}

/** The address in the round brackets, without its title. @param {string} text */
function target(text) {
  const [, bracketed, bare = ""] = /^\s*(?:<([^>]*)>|(\S*))/.exec(text) ?? [];
  return (bracketed ?? bare).replace(/\\([!-/:-@[-`{-~])/g, "$1").replace(/&amp;/g, "&");
}
