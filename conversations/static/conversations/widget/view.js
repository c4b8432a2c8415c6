// @ts-check
/** @import {Actions, Options, Settings, State, Words} from "./types" */
/** The bubble and the panel, in a shadow root that the host page's styles cannot reach. */
import { Banner } from "./banner.js";
import { accentOn } from "./colour.js";
import { Composer } from "./composer.js";
import { adopt, h, icon, setText } from "./dom.js";
import { awaited, drawers, drawing } from "./drawing.js";
import { Header } from "./header.js";
import { later } from "./later.js";
import { Log } from "./log.js";
import { Place } from "./place.js";

/** By this pages find the widget that they style or test. */
const PAGE_ID = "poly-ai-chat";
const LEAST_KEYBOARD_PX = 100;
/** What draws messages and did not come is asked for again after this. */
const AGAIN_MS = 2000;
/** Below that there is no room for a high header. */
const LOW_PX = 340;

const THEMES = {
  light: { surface: "#ffffff", raised: "#f1f2f5" },
  dark: { surface: "#181a20", raised: "#262a33" },
};

export class View {
  /** @type {import("./before.js").BeforeView | undefined} */
  #before;
  /** @type {State["survey"]} */
  #asked;
  /** @type {HTMLElement | undefined} */
  #survey;
  /** What draws more than words, and has its style here. @type {Set<keyof typeof drawing>} */
  #dressed = new Set();

  /**
   * @param {Options} options @param {Settings} settings @param {Words} words
   * @param {Actions} actions @param {CSSStyleSheet} style
   */
  constructor(options, settings, words, actions, style) {
    const title = settings.title || words.say("title");
    this.avatar = settings.avatar_url;
    this.words = words;
    this.actions = actions;
    this.log = new Log(words, actions);
    this.composer = new Composer(words, actions);
    this.banner = new Banner(words, actions);
    this.header = new Header(words, actions, { title, aiName: settings.agent_name, avatar: settings.avatar_url });
    this.welcome = h("p", { class: "welcome", dir: "auto" }, settings.welcome ?? "");
    this.stage = h("div", { class: "stage" }, this.log.element, this.log.jump);
    this.again = h("button", {
      type: "button", class: "again", "data-testid": "new-chat", onclick: actions.restart,
    }, words.say("again"));
    this.foot = h("div", { class: "foot", hidden: true }, h("p", {}, words.say("closed")), this.again,
      h("button", { type: "button", class: "keep", "data-testid": "save", onclick: actions.save }, words.say("save")));
    this.badge = h("span", { class: "badge", "aria-hidden": "true", "data-testid": "badge", hidden: true });
    this.news = h("div", { class: "unseen", role: "status" });
    this.bubble = this.#buildBubble(settings.launcher);
    this.panel = this.#buildPanel(title, options.hasHeader && settings.header_image_url);
    this.frame = h("div", { class: "frame", dir: words.dir, lang: words.locale },
      this.bubble, this.news, this.panel);
    this.host = this.#build(style);
    const { container } = options;
    const isInline = !!container;
    this.host.classList.toggle("inline", isInline);
    this.frame.classList.toggle("inline", isInline);
    this.place = new Place(this.host, () => this.log.toEnd(), container ? () => elementOf(container) : undefined);
    this.#apply({ ...options, isFullscreen: isInline || options.isFullscreen }, settings);
  }

  /** Whether it stays open: it fills the page or a part of it. */
  get isFixed() {
    return this.frame.classList.contains("fullscreen");
  }

  get isOpen() {
    return !this.panel.hidden;
  }

  /** @param {boolean} isOpen @param {boolean} takesFocus */
  show(isOpen, takesFocus) {
    this.panel.hidden = !isOpen;
    this.frame.classList.toggle("open", isOpen);
    this.bubble.setAttribute("aria-expanded", String(isOpen));
    this.#fitKeyboard();
    this.composer.grow();
    if (takesFocus && isOpen) this.focusField();
    else if (takesFocus) this.bubble.focus();
  }

  /** To the field that is next; on a touch screen to the panel, so that no keyboard jumps up. */
  focusField() {
    if (this.#before) return this.#before.focus();
    const field = this.foot.hidden ? this.composer.input : this.again;
    (matchMedia("(pointer: coarse)").matches ? this.panel : field).focus({ preventScroll: true });
  }

  /** @param {boolean} isShown */
  showIcon(isShown) {
    this.bubble.hidden = !isShown;
  }

  remove() {
    visualViewport?.removeEventListener("resize", this.#fitKeyboard);
    visualViewport?.removeEventListener("scroll", this.#fitKeyboard);
    this.place.leave();
  }

  /** @param {{state: State, unread: number, canCancel: boolean, now(): number}} conversation */
  render(conversation) {
    const { state, unread, canCancel } = conversation;
    const isClosed = state.phase === "closed";
    const wasClosed = !this.foot.hidden;
    const hasFocus = this.panel.matches(":focus-within");
    const isOffline = state.link === "broken" && !isClosed;
    this.host.dataset.state = isOffline ? "offline" : state.phase;
    this.header.render(state, isOffline);
    this.banner.render(state, isOffline, canCancel);
    this.#renderBubble(this.isOpen ? 0 : unread);
    const isAsked = !!this.#before && !state.hasStarted;
    if (!isAsked) this.#before?.element.remove();
    this.stage.hidden = isAsked;
    this.composer.element.hidden = isClosed || isAsked;
    this.welcome.hidden = !this.welcome.textContent || state.items.some(({ from }) => from === "end_user");
    void this.composer.takeFiles(state.limits);
    this.foot.hidden = !isClosed;
    void this.#ask(state, conversation.now());
    for (const name of state.items.flatMap(drawers))
      if (!this.#dressed.has(name)) this.#await(name, () => this.render(conversation));
    this.log.render(state);
    if (isClosed && !wasClosed && hasFocus) this.focusField();
  }

  /** Have messages drawn again once they can be more than words; what does not come is asked for
   * again. @param {keyof typeof drawing} name @param {() => void} render */
  #await(name, render) {
    awaited.add(name);
    this.#draw(name).then(render, () => {
      render();
      setTimeout(render, AGAIN_MS);
    });
  }

  /** @template {keyof typeof drawing} T @param {T} name
   * @returns {Promise<NonNullable<(typeof drawing)[T]>>} */
  async #draw(name) {
    this.#dressed.add(name);
    try {
      const module = await later(name);
      adopt(this.frame, module.STYLE);
      return drawing[name] = module;
    } catch (error) {
      this.#dressed.delete(name);
      throw error;
    } finally {
      awaited.delete(name);
    }
  }

  /**
   * Show what comes before a conversation, a module of its own.
   * @param {import("./types").Before} before
   * @param {import("./types").Refused} refused what was answered already, and would not do
   * @param {(given: import("./types").Given) => void} then
   */
  async ask(before, refused, then) {
    if (this.#before?.element.isConnected) return;
    const [{ BeforeView }, offering] = await Promise.all([later("before"), this.#draw("offering")]);
    const go = (/** @type {import("./types").Given} */ given) => {
      this.#before?.element.remove();
      this.#before = undefined;
      then(given);
      this.focusField();
    };
    /** @type {import("./before.js").BeforeView} */
    const asked = new BeforeView(before, refused, this.words, offering, { go, stay: this.actions.close }, this.frame);
    this.#before = asked;
    this.stage.before(asked.element);
    this.stage.hidden = this.composer.element.hidden = true;
    this.foot.hidden = true;
    if (this.isOpen) asked.focus();
  }

  /** The survey is a module of its own: it is needed once, at the end.
   * @param {State} state @param {number} now by the portal's clock */
  async #ask({ survey, phase }, now) {
    const asked = phase === "closed" ? survey : undefined;
    if (this.#asked?.at === asked?.at) return;
    this.#asked = asked;
    this.#survey?.remove();
    if (!asked) return;
    const { SurveyView } = await later("survey");
    const { element } = new SurveyView(asked, this.words, () => this.actions.target("survey"), this.foot, now);
    element.addEventListener("close", () => this.focusField());
    if (this.#asked === asked) this.foot.prepend((this.#survey = element));
  }

  /** @param {string} [launcher] words beside the sign */
  #buildBubble(launcher) {
    const { open, close } = this.actions;
    return h("button", {
      class: "bubble", type: "button", "data-testid": "bubble", "aria-expanded": "false",
      onclick: () => (this.isOpen ? close() : open()),
    }, icon("chat"), icon("down"), ...(launcher ? [h("span", { class: "words", dir: "auto" }, launcher)] : []), this.badge);
  }

  /** @param {string} title @param {string | false} [picture] above the header */
  #buildPanel(title, picture) {
    const keys = (/** @type {KeyboardEvent} */ event) => this.#key(event);
    return h("section", {
      class: "panel", "data-testid": "panel", "aria-label": title, tabindex: "-1", hidden: true,
      onkeydown: keys, onkeypress: keys, onkeyup: keys,
    }, ...(picture ? [h("img", { class: "strip", src: picture, alt: "" })] : []),
    this.header.element, this.header.question, this.banner.element,
    this.welcome, this.stage, this.composer.element, this.foot);
  }

  /** Escape closes; no key typed here reaches the host page's shortcuts. @param {KeyboardEvent} event */
  #key(event) {
    event.stopPropagation();
    if (event.type !== "keydown" || event.key !== "Escape" || event.isComposing) return;
    if (this.header.question.hidden) this.actions.close();
    else this.header.dismiss();
  }

  /** @param {CSSStyleSheet} style */
  #build(style) {
    const host = document.createElement("baton-widget");
    if (!document.getElementById(PAGE_ID)) host.id = PAGE_ID;
    const root = host.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [style];
    root.append(this.frame);
    visualViewport?.addEventListener("resize", this.#fitKeyboard);
    visualViewport?.addEventListener("scroll", this.#fitKeyboard);
    return host;
  }

  /** @param {Options} options @param {Settings} settings */
  #apply({ isFullscreen, hasIcon, hasHeader }, { accent, header, place }) {
    this.frame.classList.toggle("fullscreen", isFullscreen);
    this.bubble.hidden = !hasIcon || isFullscreen;
    this.header.element.hidden = !hasHeader;
    this.header.close.hidden = isFullscreen;
    for (const [name, theme] of Object.entries(THEMES)) {
      const { fill: head, on } = accentOn(theme, header || accent);
      const colours = { ...accentOn(theme, accent), head, "on-head": on };
      for (const [part, colour] of Object.entries(colours)) this.frame.style.setProperty(`--baton-${name}-${part}`, colour);
    }
    if (!place) return;
    this.frame.classList.toggle("at-start", place.corner === "start");
    this.frame.style.setProperty("--baton-x", `${place.x}px`);
    this.frame.style.setProperty("--baton-y", `${place.y}px`);
  }

  /** @param {number} unread */
  #renderBubble(unread) {
    const label = this.isOpen ? "close" : unread ? "openUnread" : "open";
    this.bubble.setAttribute("aria-label", this.words.say(label, { n: unread }));
    setText(this.news, unread ? this.words.say("openUnread", { n: unread }) : "");
    this.badge.hidden = !unread;
    setText(this.badge, unread > 99 ? "99+" : `${unread}`);
  }

  /** The panel keeps to what the on-screen keyboard leaves of the window. */
  #fitKeyboard = () => {
    const { height = innerHeight, offsetTop = 0, scale = 1 } = visualViewport ?? {};
    if (scale > 1.05) return; // somebody looks closer at the page
    const covered = Math.max(0, innerHeight - height - offsetTop);
    const { style, classList } = this.frame;
    style.setProperty("--baton-viewport", `${height}px`);
    style.setProperty("--baton-top", `${offsetTop}px`);
    style.setProperty("--baton-covered", `${covered}px`);
    classList.toggle("typing-on-screen", covered > LEAST_KEYBOARD_PX);
    classList.toggle("low", height < LOW_PX);
    this.log.toEnd();
  };
}

/** @param {string | Element} given */
function elementOf(given) {
  return typeof given === "string" ? document.querySelector(given) : given;
}
