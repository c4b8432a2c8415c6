// @ts-check
/** @import {Actions, Attachment, Item, Words} from "./types" */
/** Draw what a message says: its words with links or in Markdown, its files and phone numbers. */
import { h, icon, picture } from "./dom.js";
import { drawing } from "./drawing.js";
import { call, link, linked } from "./links.js";

/** A client that draws cards leaves out the files that stand for them; an address of another scheme
 * shows as plain text.
 * @param {Item} item @param {Words} words @param {Actions} actions */
export function said({ text, attachments = [], actions: calls = [], content }, words, actions) {
  const files = content ? attachments.filter((file) => file.file_id) : attachments;
  return [
    ...written(content ?? { text, markup: "plain" }),
    ...files.map((file) => fileOf(file, words, actions)),
    ...(content ? [] : calls).map(({ title, contact_number: number }) =>
      h("div", { class: "extra" }, call(number, icon("phone"), h("span", { dir: "auto" }, title || number)))),
  ];
}

/** @param {{text: string, markup: string}} content */
function written({ text, markup }) {
  if (!text) return [];
  const draw = markup === "markdown" ? drawing.markdown?.markdown : undefined;
  const [look, drawn] = draw ? ["text markdown", draw(text)] : ["text", linked(text)];
  return [h("div", { class: look, dir: "auto" }, ...drawn)];
}

/** @param {Attachment} file @param {Words} words @param {Actions} actions */
function fileOf(file, words, actions) {
  const title = file.title || file.file_name || file.call_to_action_text || words.say("attachment");
  const size = file.size_bytes ? ` · ${words.size(file.size_bytes)}` : "";
  const label = h("span", { dir: "auto" }, title + size);
  const shown = [icon("clip"), label];
  if (file.preview_image_url) shown.unshift(picture(file.preview_image_url, title));
  const look = (/** @type {MouseEvent} */ event) => {
    if (!file.preview_image_url || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    actions.look(file.content_url ?? "", title);
  };
  return h("div", { class: "extra", onclick: look }, link(file.content_url ?? "javascript:", ...shown) ?? label);
}
