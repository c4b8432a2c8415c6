// @ts-check
/** @import {Actions, State, Words} from "./types" */
/** The panel's header: who is speaking now, what state the conversation is in, end and close. */
import { h, icon, setText } from "./dom.js";
import { mark } from "./message.js";

const STATUS = { ai: "ai", connecting: "connecting", queued: "queued", live: "live", closed: "closedShort" };

export class Header {
  #shown = "";

  /**
   * @param {Words} words @param {Actions} actions
   * @param {{title: string, aiName?: string, avatar?: string}} names what the portal calls this widget and its AI agent
   */
  constructor(words, actions, names) {
    const { say } = words;
    this.words = words;
    this.names = names;
    this.who = h("span", { class: "who" });
    this.name = h("strong");
    this.status = h("span", { class: "status", "data-testid": "state" });
    this.end = tool("end", "end", say("end"), () => this.#ask());
    this.close = tool("close", "down", say("close"), actions.close);
    this.question = h("div", { class: "banner", role: "group", "aria-label": say("endAsk"), hidden: true },
      h("span", {}, say("endAsk")),
      choice("end-confirm", say("endYes"), () => this.dismiss(actions.end)),
      choice("end-keep", say("endNo"), () => this.dismiss()));
    this.element = h("header", {},
      this.who, h("div", { class: "names" }, this.name, this.status), this.end, this.close);
  }

  #ask() {
    this.question.hidden = false;
    this.question.querySelector("button")?.focus();
  }

  /** Put the question away and the focus back. @param {() => void} [then] */
  dismiss(then) {
    this.question.hidden = true;
    this.end.focus();
    then?.();
  }

  /** @param {State} state @param {boolean} isOffline */
  render(state, isOffline) {
    const { say } = this.words;
    const person = state.phase === "live" ? state.agents.at(-1) : undefined;
    const hasBot = state.bot !== undefined && state.phase !== "closed";
    const aiName = (state.phase === "ai" && (state.aiName || this.names.aiName)) || this.names.title;
    const name = person ? person.name || say("live") : hasBot ? state.bot || say("bot") : aiName;
    setText(this.name, name);
    setText(this.status, say(isOffline ? "offline" : hasBot ? "bot" : STATUS[state.phase]));
    const avatar = person || hasBot ? "" : state.aiAvatar || this.names.avatar;
    this.#renderMark(person ? "live_agent" : "ai_agent", name, avatar);
    this.end.hidden = state.phase === "closed" || !state.hasStarted || isOffline;
    if (this.end.hidden) this.question.hidden = true;
  }

  /** @param {string} from @param {string} name @param {string} [avatar] */
  #renderMark(from, name, avatar) {
    const shown = [from, name, avatar].join();
    if (this.#shown !== shown) this.who.replaceChildren(mark(from, name, avatar));
    this.#shown = shown;
  }
}

/** @param {string} id @param {string} shape @param {string} label @param {() => void} onclick */
function tool(id, shape, label, onclick) {
  return h("button",
    { class: "tool", type: "button", "data-testid": id, "aria-label": label, title: label, onclick }, icon(shape));
}

/** @param {string} id @param {string} label @param {() => void} onclick */
function choice(id, label, onclick) {
  return h("button", { type: "button", "data-testid": id, onclick }, label);
}
