// @ts-check
/** @import {Options, Settings} from "./types" */
/** Put the widget together: look, words, conversation, view, and the page's own API. */
import { Api, Refused, Unreachable, isRefusal } from "./api.js";
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
    const locale = options.locale || navigator.language;
    const [settings, style, words] = await Promise.all([admit(api, storage, locale), styleSheet(), wordsFor(locale)]);
    words.own(settings.words);
    const setup = { options, settings, locale: words.locale, words, style };
    Object.assign(page, new App(setup, api, storage).pageApi());
  } catch (error) {
    console.error(`Chat widget: ${cause(options, error)}`, error);
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

/** What keeps the widget from starting, and what to do about it.
 * @param {Options} options @param {unknown} error */
function cause({ portal, key }, error) {
  const { origin } = location;
  if (error instanceof Refused) {
    const { status, code, message } = error;
    if (code === "HOST_NOT_ALLOWED") {
      return `${portal} refused the page ${origin}: it is not among this widget's allowed pages. Add it there in the portal.`;
    }
    return status === 400 || status === 401
      ? `${portal} refused the key "${key}" on ${origin}. ${message} Copy the tag again from the portal.`
      : `${portal} answered with status ${status}. ${message}`;
  }
  if (!(error instanceof Unreachable)) return "it could not start.";
  return `${portal} could not be reached from ${origin}. ${whyUnreachable(portal)}`;
}

/** A page is not told, but some causes show. @param {string} portal */
function whyUnreachable(portal) {
  const { protocol, hostname } = new URL(portal);
  if (isSecureContext && protocol === "http:" && !isNear(hostname)) {
    return "A page with https may not call an address with http: serve the portal with TLS, and set PUBLIC_URL so.";
  }
  if (isNear(hostname) && !isNear(location.hostname)) {
    return "The portal is in a local network and the page is public: the browser asks the visitor for access to the " +
      "local network first, on pages with https only, and in a frame only with allow=\"local-network-access\". " +
      "Allow it in the settings of this page, or give the portal a public address.";
  }
  return "Check that the portal is running, and that the page's Content-Security-Policy has it in connect-src.";
}

/** Whether a host is on this machine or in its own network. @param {string} host */
function isNear(host) {
  return !host.includes(".") && !host.includes(":") || /\.(local|internal|lan|home\.arpa|localhost)$/.test(host) ||
    /^(127|10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\./.test(host) ||
    /^\[(::1|f[cd]|fe[89ab])/.test(host);
}
