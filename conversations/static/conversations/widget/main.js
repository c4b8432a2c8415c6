// @ts-check
/** @import {Options, Settings} from "./types" */
/** Put the widget together: token, words, conversation, view, and the page's own API. */
import { tokenKept, tokenRenewed } from "./admission.js";
import { Api, isRefusal } from "./api.js";
import { App } from "./app.js";
import { LONGEST_WAIT_SECONDS } from "./socket.js";
import { Storage } from "./storage.js";
import { wordsFor } from "./text.js";

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
    const [settings, style] = await Promise.all([admit(api, storage), styleSheet()]);
    const locale = options.locale || settings.locale || navigator.language;
    const setup = { options, settings, locale, words: await wordsFor(locale), style };
    Object.assign(page, new App(setup, api, storage).pageApi());
  } catch (error) {
    console.error(cure(options, error));
    return;
  }
  page.onReady = (/** @type {(api: object) => void} */ ready) => ready(page);
  waiting.splice(0).forEach(page.onReady);
}

/**
 * Ask for a token, renewing the saved one when there is a conversation to carry on: as long as
 * there is one, the network is waited for.
 * @param {Api} api @param {Storage} storage
 * @returns {Promise<Settings>}
 */
async function admit(api, storage) {
  for (let attempt = 1; ; attempt++) {
    try {
      return await admitOnce(api, storage);
    } catch (error) {
      const isLast = attempt >= MOST_ATTEMPTS && !storage.get().session;
      if (isLast || isRefusal(error, 400, 401)) throw error;
      const wait = 1000 * Math.min(LONGEST_WAIT_SECONDS, 2 ** attempt);
      await new Promise((resume) => setTimeout(resume, wait));
    }
  }
}

/** @param {Api} api @param {Storage} storage @returns {Promise<Settings>} */
async function admitOnce(api, storage) {
  const answer = await tokenRenewed(api, storage);
  if (answer.isStrange) {
    storage.forget(); // the saved token is too old to renew: the next chat is a new one
    tokenKept(storage, answer);
  }
  return answer.widget ?? {};
}

/** A constructed sheet: the host page's style policy does not apply to it. */
async function styleSheet() {
  const answer = await fetch(new URL("styles.css", import.meta.url));
  return new CSSStyleSheet().replace(await answer.text());
}

/** @param {Options} options @param {unknown} error */
function cure({ portal, key }, error) {
  return isRefusal(error, 400, 401)
    ? `Chat widget: ${portal} refused the key "${key}" on ${location.origin}. ` +
        "Copy the tag again from the portal, and add this origin to the channel's allowed pages."
    : `Chat widget: ${portal} could not be reached from ${location.origin}. ` +
        "Check that the portal is running and that the channel allows this origin.";
}
