// @ts-check
/** @import {Choice, Words} from "../types" */
/** Draw choices: an answer is a button, a page and a phone number are links. */
import { call, h, icon, link, picture } from "../shared.js";

/** Makes a button that answers with a payload and a text. @typedef {(payload: string, text: string, ...children: (Node | string)[]) => HTMLButtonElement} MakeButton */

/**
 * @param {Choice[]} choices @param {Words} words @param {MakeButton} button
 * @returns {HTMLElement[]} nothing without choices
 */
export function choiceGroup(choices, words, button) {
  if (!choices.length) return [];
  const isList = choices.some((choice) => choice.description || choice.image_url);
  const group = h("div", {
    class: isList ? "choices rows" : "choices", role: "group", "aria-label": words.say("replies"),
  });
  group.append(...choices.map((choice) => drawn(choice, button)));
  return [group];
}

/** @param {Choice} choice @param {MakeButton} button */
function drawn(choice, button) {
  const { kind, label, payload, url = "" } = choice;
  const shown = [...illustration(choice.image_url), words(choice)];
  if (kind === "phone") return dressed(call(url || label, icon("phone"), ...shown));
  if (kind === "reply") return button(payload, label, ...shown);
  const made = /^https?:/i.test(url) ? link(url, ...shown) : null;
  return made ? dressed(made) : h("span", { dir: "auto" }, `${label} ${url}`);
}

/** @param {HTMLAnchorElement} anchor */
function dressed(anchor) {
  anchor.classList.add("choice");
  anchor.dataset.testid = "choice-link";
  return anchor;
}

/** @param {Choice} choice */
function words({ label, description }) {
  const name = h("span", { class: "label", dir: "auto" }, label);
  return description ? h("span", {}, name, h("span", { class: "more", dir: "auto" }, description)) : name;
}

/** A picture beside words that say the same, from the portal alone: nobody else learns who reads
 * this. @param {string} [src] */
export function illustration(src) {
  return src && isOurs(src) ? [picture(src, "", { loading: "lazy" })] : [];
}

/** @param {string} address */
function isOurs(address) {
  const here = new URL(import.meta.url);
  return URL.canParse(address, here) && new URL(address, here).origin === here.origin;
}
