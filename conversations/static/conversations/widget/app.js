// @ts-check
/** @import {Actions, Options, Settings, Words} from "./types" */
/** @import {Api} from "./api.js" */
/** @import {Storage} from "./storage.js" */
/** The running widget: joins the conversation to the view, the page's own API and this tab. */
import { Conversation } from "./conversation.js";
import { later } from "./later.js";
import { PageEvents } from "./page_events.js";
import { LONGEST_WAIT_SECONDS } from "./socket.js";
import { visibleItems } from "./store.js";
import { wordsOf } from "./text.js";
import { View } from "./view.js";

/** @typedef {{options: Options, settings: Settings, locale: string, words: Words, style: CSSStyleSheet}} Setup */

export class App {
  #events = new PageEvents();
  #language;
  /** @type {((session: {sessionId: string, contextId: string}) => unknown) | undefined} */
  #vouching;

  /** @param {Setup} setup @param {Api} api @param {Storage} storage */
  constructor({ options, settings, locale, words, style }, api, storage) {
    this.options = options;
    this.style = style;
    this.#language = words.locale;
    this.settings = settings;
    this.storage = storage;
    this.conversation = new Conversation(api, storage, locale, this.#draw, this.#events.tell);
    this.view = new View(options, settings, words, this.#actions(), style);
    this.conversation.beforeJoin = (contextId) => this.#vouch(contextId);
    // The page is older than what is asked now, or an answer will not do.
    this.conversation.onRefused = async (why) => {
      this.settings = await api.look(this.conversation.locale, "reload");
      // Where nothing is asked, it is what the page says by itself that will not do, or the portal.
      if (!this.settings.before) await new Promise((go) => setTimeout(go, 1000 * LONGEST_WAIT_SECONDS));
      this.#start(why);
    };
    this.conversation.isWatched = () => this.view.isOpen && document.visibilityState === "visible";
    document.addEventListener("visibilitychange", this.#looked);
    this.stopFollowing = storage.onChange(this.#otherTabWrote);
    this.#begin();
  }

  /** What the host page may call. */
  pageApi() {
    return {
      openWidget: () => this.show(true),
      closeWidget: () => this.show(false),
      showIcon: () => this.view.showIcon(true),
      hideIcon: () => this.view.showIcon(false),
      showBubble: (/** @type {string | {text: string}} */ given) => this.#call(({ showBubble }) =>
        showBubble(this.view.frame, given, () => this.show(true), this.view.words)),
      animateIcon: (/** @type {object} */ how) => this.#call(({ animateIcon }) => animateIcon(this.view.bubble, how)),
      onContextRequired: (/** @type {any} */ run) => {
        this.#vouching = run;
        const { contextId, hasAiJoined } = this.conversation.state;
        if (contextId && hasAiJoined) void this.#vouch(contextId);
      },
      refreshVerifiedContext: () => this.#vouch(this.conversation.state.contextId),
      saveTranscript: () => this.#save(),
      on: this.#events.on,
      off: this.#events.off,
      destroy: () => this.destroy(),
    };
  }

  /** @param {boolean} isOpen */
  show(isOpen, takesFocus = true) {
    if (!isOpen && this.view.isFixed) return;
    this.view.show(isOpen, takesFocus);
    remember(this.options.key, "open", isOpen ? "1" : "0");
    if (isOpen) this.#start();
    this.conversation.watch();
    this.#draw();
  }

  /** @param {(calls: typeof import("./page_calls.js")) => void} run */
  #call = async (run) => run(await this.#calls());

  /** @type {() => Promise<typeof import("./page_calls.js")>} */
  #calls = () => later("page_calls");

  /** @param {string} [contextId] */
  async #vouch(contextId) {
    const sessionId = this.storage.get().session;
    if (!this.#vouching || !contextId || !sessionId) return "";
    const { vouch } = await this.#calls();
    return vouch(this.#vouching, { sessionId, contextId }, await this.conversation.target("context"));
  }

  #save() {
    const title = this.settings.title || this.view.words.say("title");
    void this.#call(({ saveTranscript }) => saveTranscript(visibleItems(this.conversation.state), this.view.words, title));
  }

  /** Begin or go on; what is asked first comes first, and nothing is opened before.
   * @param {string} [why] what was refused of the answers given before */
  #start(why) {
    const { before } = this.settings;
    if (!before || this.storage.get().session || this.conversation.state.phase === "closed") return this.conversation.start();
    const { api } = this.conversation;
    void this.view.ask(before, why ? { ...api.before, why } : {}, (given) => {
      api.before = given;
      this.conversation.start();
      this.#draw();
    });
  }

  destroy() {
    this.conversation.stop();
    this.stopFollowing();
    document.removeEventListener("visibilitychange", this.#looked);
    this.view.remove();
    delete window.HandoffChat;
    delete window.WebchatAPI;
  }

  #begin() {
    const { isAutoOpen, key } = this.options;
    if (this.storage.get().session) this.conversation.start();
    this.#draw();
    this.view.composer.put(remembered(key, "draft"));
    if (isAutoOpen || this.view.isFixed || remembered(key, "open") === "1") this.show(true, false);
  }

  /** @returns {Actions} */
  #actions() {
    const { conversation } = this;
    return {
      open: () => this.show(true),
      close: () => this.show(false),
      say: (text, files) => conversation.say(text, undefined, files),
      target: (part) => conversation.target(part),
      answer: (answer, text) => conversation.say(text, undefined, undefined, answer),
      focusField: () => this.view.focusField(),
      retry: (item) => conversation.retry(item),
      edit: (item) => {
        conversation.discard(item.key);
        this.view.composer.put(item.text);
        this.view.focusField();
      },
      typed: (text) => {
        remember(this.options.key, "draft", text);
        conversation.typed(!text);
      },
      cancel: () => conversation.cancel(),
      end: () => conversation.end(),
      save: () => this.#save(),
      look: (src, title) => void this.#call(({ showPicture }) =>
        showPicture(this.view.frame, src, title, this.view.words)),
      restart: () => {
        const unsent = conversation.state.outbox.map(({ text }) => text).join("\n");
        this.storage.forget();
        conversation.clear();
        if (unsent) this.view.composer.put(unsent);
        this.#start();
        this.#draw();
        this.view.focusField();
      },
    };
  }

  #draw = () => {
    const { language = "" } = this.conversation.state;
    if (language && language !== this.#language) void this.#speak(language);
    this.view.render(this.conversation);
  };

  /** Go on in another language: the same conversation, drawn anew. @param {string} language */
  async #speak(language) {
    this.#language = language;
    this.conversation.locale = language;
    this.settings = await this.conversation.api.look(language);
    const { isOpen, composer } = this.view;
    this.view.remove();
    this.view = new View(this.options, this.settings, wordsOf(this.settings, language), this.#actions(), this.style);
    this.view.composer.put(composer.input.value);
    this.view.show(isOpen, false);
    this.#draw();
  }

  #looked = () => {
    this.conversation.watch();
    this.#draw();
  };

  #otherTabWrote = () => {
    this.conversation.follow();
    this.#draw();
  };
}

/** What this tab keeps over a reload: whether the panel was open, and what was not sent yet.
 * @param {string} key @param {"open" | "draft"} what */
function remembered(key, what) {
  try {
    return sessionStorage.getItem(`baton.${key}.${what}`) ?? "";
  } catch {
    return ""; // storage refused
  }
}

/** @param {string} key @param {"open" | "draft"} what @param {string} value */
function remember(key, what, value) {
  try {
    sessionStorage.setItem(`baton.${key}.${what}`, value);
  } catch {
    // storage refused: a reload starts closed and empty
  }
}
