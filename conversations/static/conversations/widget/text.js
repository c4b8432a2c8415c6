// @ts-check
/** @import {Words} from "./types" */
/** Every word the widget says by itself: English here, other languages in words/, loaded when asked for. */

/** @type {Record<string, string>} */
const ENGLISH = {
  title: "Chat with us", open: "Open chat", openUnread: "Open chat, unread messages: {n}",
  close: "Close chat", log: "Messages", you: "You", ai: "AI agent", live: "Live agent",
  connecting: "Finding someone for you…", queued: "Waiting for a live agent",
  position: "You are number {n} in line.", wait: "About {n} min to wait.", waitShort: "Less than a minute to wait.",
  cancel: "Cancel", cancelling: "Cancelling…", offline: "Reconnecting…",
  offlineHint: "Reconnecting… What you write is sent as soon as you are back.",
  closed: "This conversation has ended.", closedShort: "Conversation ended", again: "New chat",
  end: "End conversation", endAsk: "End this conversation?", endYes: "End it", endNo: "Keep chatting",
  joined: "{name} joined the conversation", left: "{name} left the conversation", someone: "The live agent",
  failed: "No one could be reached.", timeout: "No one was free in time.",
  write: "Write a message…", send: "Send message", typing: "{name} is typing",
  tooLong: "The message has {n} characters. The limit is 20,000. Shorten it or send it in parts.",
  retry: "Try again", notDelivered: "Not delivered", replies: "Suggested replies", jump: "Newest messages",
  sending: "Sending", sent: "Sent", delivered: "Delivered", read: "Read", attachment: "Attachment",
  attach: "Attach a file", uploading: "Sending {name}", fileFailed: "{name} could not be sent. Try again.",
  fileTooLarge: "{name} has {size}. The limit is {limit}.", fileType: "Files such as {name} are not taken.",
  bot: "Assistant", idle: "Are you still there? Write something, or this conversation ends.",
  edited: "edited", deleted: "This message was deleted.", choiceOver: "This can no longer be chosen.",
  over: "This can no longer be answered.", cards: "Cards", cardBefore: "Previous card", cardAfter: "Next card",
  zone: "Times in {zone}", form: "Form", formSend: "Send answers", formSent: "Your answers were sent.",
  choose: "Choose…", needed: "Please fill this in.", wrongEmail: "Write an e-mail address such as name@example.com.",
  wrongNumber: "Write a number.", wrongDate: "Choose a date.",
  unknown: "This message holds something that cannot be shown here.", unknownOpen: "Open it in a new tab",
};

const TRANSLATED = ["de", "ar"];
const RIGHT_TO_LEFT = ["ar"];

/**
 * The words for a locale; a language without words here speaks English.
 * @param {string} locale
 * @returns {Promise<Words>}
 */
export async function wordsFor(locale) {
  const wanted = locale.replace("_", "-");
  const language = wanted.toLowerCase().split("-")[0];
  const isTranslated = TRANSLATED.includes(language);
  /** @type {{words: Record<string, string>}} */
  const { words } = isTranslated ? await import(`./words/${language}.js`) : { words: ENGLISH };
  const locales = isTranslated || language === "en" ? wanted : "en";
  return {
    locale: locales,
    dir: RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr",
    seconds: (count) => inUnit(count, "second", locales),
    size: (bytes) => fileSize(bytes, locales),
    say: (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => `${values[name]}`),
  };
}

/** A file's size as people read it, never less than it is. @param {number} bytes @param {string} locale */
function fileSize(bytes, locale) {
  const power = bytes < 1024 ? 0 : bytes < 1024 ** 2 ? 1 : 2;
  const unit = ["byte", "kilobyte", "megabyte"][power];
  return inUnit(Math.ceil((bytes / 1024 ** power) * 100) / 100, unit, locale);
}

/** @param {number} count @param {string} unit @param {string} locale */
function inUnit(count, unit, locale) {
  return new Intl.NumberFormat(locale, { style: "unit", unit }).format(count);
}
