// @ts-check
/** @import {Options, Settings} from "./types" */
/** Put the widget together: look, words, conversation, view, and the page's own API. */
import { Api, Refused, Unreachable, isRefusal } from "./api.js";
import { App } from "./app.js";
import { later } from "./later.js";
import { LONGEST_WAIT_SECONDS } from "./socket.js";
import { Storage } from "./storage.js";
import { wordsOf } from "./text.js";

export * from "./shared.js";

const MOST_ATTEMPTS = 6;

/**
 * Start once the portal has accepted this page; a refused page gets nothing but one console line.
 * @param {Options} options
 * @param {Record<string, any>} page the object the page sees as HandoffChat
 * @param {Array<(api: object) => void>} waiting onReady callbacks so far
 */
export async function start(options, page, waiting) {
  const api = new Api(options);
  const storage = new Storage(options.key);
  try {
    const locale = options.locale || navigator.language;
    const [settings, style] = await Promise.all([admit(api, storage, locale), styleSheet()]);
    const words = wordsOf(settings, locale);
    const setup = { options, settings, locale: words.locale, words, style };
    Object.assign(page, new App(setup, api, storage).pageApi());
  } catch (error) {
    await explain(options, error);
    return;
  }
  page.onReady = (/** @type {(api: object) => void} */ ready) => ready(page);
  waiting.splice(0).forEach(page.onReady);
}

/**
 * Ask how to look; as long as there is a conversation to carry on, the network is waited for.
 * @param {Api} api @param {Storage} storage @param {string} locale
 * @returns {Promise<Settings>}
 */
async function admit(api, storage, locale) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await api.look(locale);
    } catch (error) {
      const isLast = attempt >= MOST_ATTEMPTS && !storage.get().session;
      if (isLast || isRefusal(error, 400, 401)) throw error;
      const wait = 1000 * Math.min(LONGEST_WAIT_SECONDS, 2 ** attempt);
      await new Promise((resume) => setTimeout(resume, wait));
    }
  }
}

/** A constructed sheet: the host page's style policy does not apply to it. */
async function styleSheet() {
  const answer = await fetch(new URL("made/styles.css", import.meta.url)).catch((error) => {
    throw new Unreachable(`${error?.message}`);
  });
  return new CSSStyleSheet().replace(await answer.text());
}

/** Say in the console what keeps the widget from starting; the words for it come from the portal.
 * @param {Options} options @param {unknown} error */
async function explain(options, error) {
  const kinds = { Refused, Unreachable };
  const cause = await later("trouble").then((/** @type {typeof import("./trouble.js")} */ trouble) => trouble.cause(options, error, kinds), () =>
    `${options.portal} could not be reached.`);
  console.error(`Chat widget: ${cause}`, error);
}
