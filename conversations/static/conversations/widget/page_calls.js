// @ts-check
/** @import {Words} from "./types" */
/** What the host page may ask of the widget now and then. Loaded with the first such call. */
import { adopt, h } from "./shared.js";

const BUDGET_MS = 4000;
const USUAL_MS = 600;
/** @type {WeakSet<Element>} */
const isDressed = new WeakSet();
const STYLE = `
.teaser { position: fixed; inset-block-end: calc(var(--baton-rise) + 76px); inset-inline-end: var(--baton-side); max-width: min(280px, calc(100vw - 40px)); display: flex; align-items: flex-start; border-radius: 16px; background: var(--baton-surface); box-shadow: var(--baton-shadow); }
.at-start .teaser { inset-inline: var(--baton-side) auto; }
.teaser button { flex: 1; min-width: 0; max-height: 50dvh; overflow: auto; overflow-wrap: anywhere; padding: 12px 0 12px 16px; text-align: start; }
.teaser button + button { width: 44px; flex: none; padding: 0; text-align: center; color: var(--baton-quiet); }
.open .teaser { display: none; }
`;
/** Half-way; it begins and ends as it is. @type {Record<string, Keyframe>} */
const MOVES = {
  bounce: { transform: "translateY(-12px)" },
  grow: { transform: "scale(1.2)" },
  pulse: { opacity: 0.4 },
};

/** A line beside the round button, for whoever has not opened it; without a text, none.
 * @param {Element} frame @param {string | {text?: string}} given @param {() => void} open @param {Words} words */
export function showBubble(frame, given, open, words) {
  const text = typeof given === "string" ? given : given?.text;
  if (!isDressed.has(frame)) adopt(frame, STYLE);
  isDressed.add(frame);
  frame.querySelector(".teaser")?.remove();
  if (!text) return;
  const teaser = h("div", { class: "teaser", role: "status", "data-testid": "teaser" });
  const go = () => {
    teaser.remove();
    open();
  };
  teaser.append(h("button", { type: "button", dir: "auto", onclick: go }, text),
    h("button", { type: "button", "aria-label": words.say("dismiss"), onclick: () => teaser.remove() }, "\u00d7"));
  frame.append(teaser);
}

/** What a page says wrongly of the way moves it in the usual one.
 * @param {Element} icon @param {{type?: string, durationMs?: number} | null} [how] */
export function animateIcon(icon, how) {
  const { type = "", durationMs } = how ?? {};
  const duration = Number(durationMs) > 0 ? Number(durationMs) : USUAL_MS;
  const move = Object.hasOwn(MOVES, type) ? MOVES[type] : MOVES.bounce;
  if (!matchMedia("(prefers-reduced-motion: reduce)").matches) icon.animate([{ ...move, offset: 0.5 }], { duration });
}

/**
 * Ask the page's own server to vouch for the end user; whatever fails, the conversation goes on.
 * @param {(session: {sessionId: string, contextId: string}) => unknown} callback
 * @param {{sessionId: string, contextId: string}} session @param {import("./types").Target} target
 * @returns {Promise<string>} what the portal says of it; empty without an answer in time
 */
export async function vouch(callback, session, target) {
  const late = new Promise((resolve) => setTimeout(resolve, BUDGET_MS, ""));
  try {
    return await /** @type {Promise<string>} */ (Promise.race([sent(callback, session, target), late]));
  } catch (error) {
    console.warn("Chat widget: onContextRequired gave no token.", error);
    return "";
  }
}

/** @param {Function} callback @param {object} session @param {import("./types").Target} target */
async function sent(callback, session, { url, token: access }) {
  const token = await callback(session);
  if (typeof token !== "string" || !token) return "";
  const answer = await fetch(url, {
    method: "POST", credentials: "omit", body: `{"token":${JSON.stringify(token)}}`,
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${access}` },
  });
  return answer.ok ? (await answer.json()).status : "";
}

/** What was said, for the end user to keep.
 * @param {import("./types").Item[]} items @param {Words} words @param {string} title */
export function saveTranscript(items, words, title) {
  const when = new Intl.DateTimeFormat(words.locale, { dateStyle: "short", timeStyle: "short" });
  const lines = items.map(({ at, from, name, text, code, attachments = [] }) => {
    const who = { end_user: words.say("you"), ai_agent: name || words.say("ai"), live_agent: name || words.say("live"), vendor_bot: name || words.say("bot"), system: "" }[from];
    const said = code ? words.say(code, { name: name || words.say("someone") }) : text;
    const files = attachments.map((file) => file.title || file.file_name).filter(Boolean);
    return `${when.format(new Date(at || Date.now()))}  ${who ? `${who}: ` : ""}${[said, ...files].filter(Boolean).join("\n    ")}`;
  });
  const file = new Blob([`${title}\n\n${lines.join("\n")}\n`], { type: "text/plain;charset=utf-8" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = `${title.replace(/[^\p{L}\p{N}]+/gu, "-")}-${new Date().toISOString().slice(0, 10)}.txt`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** A picture in full size, closed by Escape, a click or its button.
 * @param {Element} frame @param {string} src @param {string} title @param {Words} words */
export function showPicture(frame, src, title, words) {
  const dialog = h("dialog", { class: "lightbox", "aria-label": title, "data-testid": "lightbox" });
  dialog.style.cssText = "border:0;padding:0;max-width:96vw;max-height:96dvh;background:none;overflow:visible;margin:auto";
  const close = h("button", { type: "button", "aria-label": words.say("dismiss"), onclick: () => dialog.close() }, "\u00d7");
  close.style.cssText = "position:absolute;inset-block-start:8px;inset-inline-end:8px;width:44px;height:44px;border-radius:50%;background:#16181d;color:#fff;font-size:22px";
  const picture = h("img", { src, alt: title });
  picture.style.cssText = "display:block;max-width:96vw;max-height:90dvh;border-radius:8px";
  const open = h("a", { href: src, target: "_blank", rel: "noopener noreferrer" }, picture);
  dialog.append(open, close);
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  dialog.addEventListener("close", () => dialog.remove());
  frame.append(dialog);
  dialog.showModal();
  close.focus();
}
