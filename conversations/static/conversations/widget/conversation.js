// @ts-check
/** @import {Action, Answer, Attachment, Item, State, Unsent, WireEvent} from "./types" */
/** @import {Api} from "./api.js" */
/** @import {Storage} from "./storage.js" */
/** One conversation of this end user: its session, its socket, what is unsent, what was seen. */
import { Admission } from "./admission.js";
import { Refused, isRefusal } from "./api.js";
import { acknowledgeReceived, acknowledgeSeen } from "./receipts.js";
import { Connection } from "./socket.js";
import { emptyState, reduce, unreadCount } from "./store.js";
import { Typing } from "./typing.js";

const AGENT_TYPING_MS = 10_000;
const AI_THINKING_MS = 60_000;
const BLOCKED_MS = 30 * 60_000;
const RETRY = "USER_RETRY_MESSAGE";

export class Conversation {
  /** @type {State} */
  state = emptyState();
  /** True while the end user can see the log: only then is a message "seen". */
  isWatched = () => false;
  /** Let the page vouch for the end user before anybody answers.
   * @type {(contextId: string) => Promise<unknown>} */
  beforeJoin = () => Promise.resolve();
  /** The portal wants something else before it opens one. @type {(why: string) => void} */
  onRefused = () => {};
  /** @type {Connection | undefined} */
  #connection;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #typingTimer;
  #announcedSequence = 0;
  #clockMs = 0;
  /** @type {string | undefined} */
  #session;
  #isRenderDue = false;
  #hasAskedForAi = false;
  #typing = new Typing((state) => this.#send("USER_TYPING", { state: `TYPING_STATE_${state}` }));

  /**
   * @param {Api} api
   * @param {Storage} storage
   * @param {string} locale
   * @param {() => void} onChange
   * @param {(event: WireEvent) => void} onNews each journaled event once, replays left out
   */
  constructor(api, storage, locale, onChange, onNews) {
    this.api = api;
    this.admission = new Admission(api, storage);
    this.storage = storage;
    this.locale = locale;
    this.onChange = onChange;
    this.onNews = onNews;
  }

  get unread() {
    return unreadCount(this.state, this.storage.get().seen ?? 0);
  }

  /** Join the saved conversation, or open a new one. Does nothing when it runs already. */
  start() {
    if (this.#connection || this.state.phase === "closed") return;
    this.#announcedSequence = this.storage.get().sequence ?? 0;
    this.#restore();
    this.#connection = new Connection({
      prepare: (refusals) => this.#prepare(refusals),
      overHttp: () => ({
        url: this.api.sessionUrl("events", this.#session),
        token: () => this.admission.token(),
        cursor: () => this.state.sequence,
      }),
      isBlocked: Date.now() < (this.storage.get().blockedUntil ?? 0),
      onBlocked: (isBlocked) => this.#blocked(isBlocked),
      heartbeatSeconds: () => this.state.heartbeatSeconds,
      cursor: () => this.state.sequence,
      onClock: (ms) => {
        this.#clockMs = ms;
      },
      onEvent: (event) => this.#apply(event),
      onReady: () => void this.#caughtUp(),
      onLink: (link) => this.#linked(link),
    });
    this.#connection.start();
  }

  /** The portal's time: this device's clock may be wrong. */
  now() {
    return Date.now() + this.#clockMs;
  }

  /** What is unsent, as it is kept. */
  #restore() {
    this.state = { ...this.state, outbox: this.storage.get().outbox ?? [] };
  }

  /** Other pages of this site need not find out again. @param {boolean} isBlocked */
  #blocked(isBlocked) {
    const { blockedUntil } = this.storage.get();
    if (isBlocked) this.storage.set({ blockedUntil: Date.now() + BLOCKED_MS });
    else if (blockedUntil) this.storage.set({ blockedUntil: undefined });
  }

  /** @param {import("./types").Link} link */
  #linked(link) {
    if (link === "open") this.#hasAskedForAi = false;
    this.#dispatch({ type: "link", link });
  }

  stop() {
    this.#typing.stop();
    this.#connection?.stop();
    this.#connection = undefined;
  }

  /** Follow the session in storage when another tab started it. */
  follow() {
    const { session } = this.storage.get();
    if (!session || session === this.#session) return;
    this.clear();
    this.start();
  }

  clear() {
    this.stop();
    this.state = emptyState();
  }

  /**
   * @param {string} text
   * @param {string} [retryOf] message_id of the one that was not delivered
   * @param {Attachment[]} [files] uploaded already
   * @param {Answer} [answer] when the text is a choice that was offered
   */
  say(text, retryOf, files, answer) {
    const at = new Date(this.now()).toISOString();
    this.#keepSending({ id: newId(), text, at, retryOf, files, answer });
  }

  /** @param {Unsent} message */
  #keepSending(message) {
    this.#typing.stop();
    this.storage.keepUnsent(message);
    this.#dispatch({ type: "say", message });
    this.#sendMessage(message);
  }

  /** Have the portal deliver a message again, or say again what it never took. @param {Item} item */
  retry(item) {
    const { extensions } = this.state;
    if (item.sequence !== Infinity && extensions.some((name) => name.endsWith(RETRY))) {
      this.#keepSending({ id: newId(), text: "", at: item.at, again: item.messageId });
      return;
    }
    const { answer } = this.state.outbox.find(({ id }) => id === item.key) ?? {};
    this.discard(item.key);
    this.say(item.text, item.messageId ?? item.retryOf, item.attachments, answer);
  }

  /** Let go of a message that was not taken. @param {string} id */
  discard(id) {
    this.storage.dropUnsent(id);
    this.#dispatch({ type: "discard", id });
  }

  /** @param {boolean} isEmpty */
  typed(isEmpty) {
    if (isEmpty) this.#typing.stop();
    else if (this.state.phase === "live" && this.state.agents.length) this.#typing.touch();
  }

  get canCancel() {
    const { extensions } = this.state;
    return extensions.some((name) => name.endsWith("USER_CANCEL_HANDOFF"));
  }

  cancel() {
    if (this.#send("USER_CANCEL_HANDOFF")) this.#dispatch({ type: "cancelling" });
  }

  end() {
    this.#send("USER_END_SESSION");
  }

  /** Call when the log came into view. */
  watch() {
    if (this.isWatched()) acknowledgeSeen(this.state, this.storage, this.#send);
  }

  /** Where something of this conversation goes, and with which token. @param {import("./types").Part} part */
  async target(part) {
    return { token: await this.admission.token(), url: this.api.sessionUrl(part, this.#session) };
  }

  /** @param {number} refusals failed handshakes in a row */
  async #prepare(refusals) {
    try {
      // A token that is too old has taken the session with it: what is shown cannot go on.
      const token = await this.admission.token();
      if (!this.state.sequence) this.#restore();
      if (!this.state.sequence || this.storage.get().session) {
        this.#session = await this.admission.session(this.locale, refusals > 0);
        return { token, url: this.api.socketUrl(this.#session, this.state.sequence) };
      }
    } catch (error) {
      if (isRefusal(error, 400, 403) && !this.storage.get().session) {
        // What was accepted or answered before will not do.
        this.clear();
        this.onRefused(error.message);
        return null;
      }
      if (!(error instanceof Refused && error.isOver)) throw error;
      // What has ended (410) can still be read: a reload may bring the last lines.
      if (error.status !== 410) this.storage.set({ session: undefined, token: undefined });
    }
    this.#dispatch({ type: "lost" });
    return null;
  }

  /** @param {WireEvent} event */
  #apply(event) {
    const before = this.state.sequence;
    this.#dispatch({ type: "event", event });
    const echoed = event.metadata?.custom?.client_event_id;
    if (echoed) this.storage.dropUnsent(echoed);
    this.#watchTyping(event);
    if (this.state.sequence > Math.max(before, this.#announcedSequence)) this.onNews(event);
    if (event.type === "SESSION_END") this.#ended();
  }

  #ended() {
    // What was not taken any more stays to be read and copied.
    this.storage.set({ outbox: this.state.outbox, sequence: this.state.sequence });
    this.stop();
    this.watch();
  }

  /** @param {WireEvent} event */
  #watchTyping({ type }) {
    if (type !== "LIVE_AGENT_TYPING" && type !== "POLY_AGENT_THINKING") return;
    clearTimeout(this.#typingTimer);
    const limit = type === "LIVE_AGENT_TYPING" ? AGENT_TYPING_MS : AI_THINKING_MS;
    this.#typingTimer = setTimeout(() => this.#dispatch({ type: "typing_over" }), limit);
  }

  async #caughtUp() {
    const isNew = this.state.hasStarted && !this.state.hasAiJoined && !this.#hasAskedForAi;
    if (isNew && this.state.contextId) await this.beforeJoin(this.state.contextId);
    if (isNew) this.#hasAskedForAi = this.#send("REQUEST_POLY_AGENT_JOIN");
    this.state.outbox.filter((message) => !message.hasFailed).forEach(this.#sendMessage);
  }

  #sendMessage = (/** @type {Unsent} */ { id, text, retryOf, files, answer, again }) => {
    if (again) return void this.#send(RETRY, { message_id: again }, { client_event_id: id });
    const custom = { client_event_id: id, ...(retryOf && { retry_of: retryOf }) };
    const attachments = files?.map(({ file_id }) => ({ file_id }));
    this.#send("USER_MESSAGE", { text, attachments, answer }, custom);
  };

  /** @type {(type: string, payload?: object, custom?: Record<string, string>) => boolean} */
  #send = (type, payload, custom) => this.#connection?.send(type, payload, custom) ?? false;

  /** @param {Action} action */
  #dispatch(action) {
    this.state = reduce(this.state, action);
    if (this.#isRenderDue) return;
    this.#isRenderDue = true;
    queueMicrotask(() => this.#settle());
  }

  /** One pass per burst of events: remember, acknowledge, draw. */
  #settle() {
    this.#isRenderDue = false;
    const { sequence } = this.state;
    if (sequence > (this.storage.get().sequence ?? 0)) this.storage.set({ sequence });
    acknowledgeReceived(this.state, this.storage, this.#send);
    this.watch();
    this.onChange();
  }
}

/** A random UUID, also on pages without TLS, where randomUUID is missing. */
function newId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 15) | 64;
  bytes[8] = (bytes[8] & 63) | 128;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
