// @ts-check
/** @import {Options, Settings} from "./types" */
/** Put the widget together: token, words, conversation, view, and the page's own API. */
import { Api, Refused } from "./api.js";
import { Conversation } from "./conversation.js";
import { PageEvents } from "./page_events.js";
import { Storage } from "./storage.js";
import { wordsFor } from "./text.js";
import { View } from "./view.js";

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
    run(options, settings, style, api, storage, page);
  } catch (error) {
    console.error(cure(options, error));
    return;
  }
  page.onReady = (/** @type {(api: object) => void} */ ready) => ready(page);
  waiting.splice(0).forEach(page.onReady);
}

/**
 * Ask for a token, renewing the saved one when there is a conversation to carry on.
 * @param {Api} api @param {Storage} storage
 * @returns {Promise<Settings>}
 */
async function admit(api, storage) {
  for (let attempt = 1; ; attempt++) {
    const { session, token } = storage.get();
    try {
      const answer = await api.token(session && token);
      storage.set({ token: answer.access_token, expiresAt: Date.now() + answer.expires_in * 1000 });
      return answer.widget ?? {};
    } catch (error) {
      const isFinal = error instanceof Refused && error.isFinal;
      if (isFinal && session) storage.forget(); // too old to renew: the next chat is a new one
      else if (isFinal || attempt === MOST_ATTEMPTS) throw error;
      else await new Promise((resume) => setTimeout(resume, 1000 * 2 ** attempt));
    }
  }
}

/** A constructed sheet: the host page's style policy does not apply to it. */
async function styleSheet() {
  const answer = await fetch(new URL("styles.css", import.meta.url));
  return new CSSStyleSheet().replace(await answer.text());
}

/** @param {Options} options @param {unknown} error */
function cure({ portal, key }, error) {
  const isRefused = error instanceof Refused && error.isFinal;
  return isRefused
    ? `Chat widget: ${portal} refused the key "${key}" on ${location.origin}. ` +
        "Copy the tag again from the portal, and add this origin to the channel's allowed origins."
    : `Chat widget: ${portal} could not be reached from ${location.origin}. ` +
        "Check that the portal is running and that the channel allows this origin.";
}

/**
 * @param {Options} options @param {Settings} settings @param {CSSStyleSheet} style
 * @param {Api} api @param {Storage} storage @param {Record<string, any>} page
 */
function run(options, settings, style, api, storage, page) {
  const words = wordsFor(options.locale, settings.locale, navigator.language);
  const events = new PageEvents();
  const draw = () => view.render(conversation.state, conversation.unread, conversation.canCancel);
  const conversation = new Conversation(api, storage, words.locale, draw, (event) => events.tell(event));
  const tab = tabMemory(options.key);

  const show = (/** @type {boolean} */ isOpen, takesFocus = true) => {
    view.show(isOpen, takesFocus);
    tab.keep(isOpen);
    if (isOpen) conversation.start();
    conversation.watch();
    draw();
  };
  const actions = {
    open: () => show(true),
    close: () => !options.isFullscreen && show(false),
    say: conversation.say.bind(conversation),
    retry: conversation.retry.bind(conversation),
    typed: conversation.typed.bind(conversation),
    cancel: () => conversation.cancel(),
    end: () => conversation.end(),
    restart: () => {
      conversation.restart();
      view.composer.element.hidden = false;
      view.composer.input.focus();
    },
  };
  const view = new View(options, settings, words, actions, style);
  conversation.isWatched = () => view.isOpen && document.visibilityState === "visible";
  const onVisible = () => conversation.watch();
  document.addEventListener("visibilitychange", onVisible);
  const stopFollowing = storage.onChange(() => {
    conversation.follow();
    draw();
  });

  if (storage.get().session) conversation.start();
  draw();
  if (options.isAutoOpen || options.isFullscreen || tab.wasOpen()) show(true, false);

  Object.assign(page, {
    openWidget: actions.open,
    closeWidget: actions.close,
    showIcon: () => view.showIcon(true),
    hideIcon: () => view.showIcon(false),
    on: events.on,
    off: events.off,
    destroy: () => {
      conversation.stop();
      stopFollowing();
      document.removeEventListener("visibilitychange", onVisible);
      view.remove();
      delete window.HandoffChat;
      delete window.WebchatAPI;
    },
  });
}

/** Whether the panel was open, per tab, so that a reload leaves it as it was. @param {string} key */
function tabMemory(key) {
  const name = `baton.${key}.open`;
  const attempt = (/** @type {() => any} */ access) => {
    try {
      return access();
    } catch {
      return null; // storage refused
    }
  };
  return {
    wasOpen: () => attempt(() => sessionStorage.getItem(name)) === "1",
    keep: (/** @type {boolean} */ isOpen) => attempt(() => sessionStorage.setItem(name, isOpen ? "1" : "0")),
  };
}
