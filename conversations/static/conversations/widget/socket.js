// @ts-check
/** @import {Link, WireEvent} from "./types" */
/** One WebSocket that stays: heartbeat, silence watch, back-off, cursor. It knows no chat.
 * Where the network lets none through, HTTP requests take its place. */
import { json } from "./json.js";
import { later } from "./later.js";

export const LONGEST_WAIT_SECONDS = 30;
const OPEN = 1;
const SILENT_INTERVALS = 2.5;
const LONGEST_HANDSHAKE_SECONDS = 20;
/** The journal comes at once: some proxies let the handshake through and nothing after it. */
const FIRST_FRAME_SECONDS = 10;
/** Woken, or on another network: so long may the answer to a heartbeat take. */
const PROBE_SECONDS = 5;
/** Tells of a change of network, where the browser does. @type {EventTarget | undefined} */
const network = Object(navigator).connection;
const WAKING = ["online", "pageshow", "resume", "visibilitychange"];
/** So many closed before they were ready, though the portal itself would have taken them, or before
 * they had to beat. */
const REFUSALS_OF_A_NETWORK = 3;

/**
 * What a WebSocket and a socket over HTTP have in common.
 * @typedef {{readyState: number, send(text: string): void, close(): void, onopen: any, onmessage: any, onclose: any, onerror: any}} SocketLike
 */

/**
 * @typedef {object} Hooks
 * @property {(refusals: number) => Promise<{url: string, token: string} | null>} prepare
 *   address and token of the next attempt; null when there is nothing left to connect to
 * @property {() => {url: string, token: () => Promise<string>, cursor: () => number}} overHttp
 *   the same session without a WebSocket
 * @property {boolean} [isBlocked] WebSockets were blocked here a moment ago
 * @property {(isBlocked: boolean) => void} onBlocked
 * @property {() => number} heartbeatSeconds
 * @property {() => number} cursor the highest sequence applied
 * @property {(ms: number) => void} onClock by how much the portal's clock is before this device's
 * @property {(event: WireEvent) => void} onEvent type without its prefix
 * @property {() => void} onReady the journal is caught up, and after each later batch
 * @property {(link: Link) => void} onLink
 */

export class Connection {
  /** @type {SocketLike | undefined} */
  #socket;
  /** Whether HTTP takes the WebSocket's place. */
  #isBlocked;
  #failures = 0;
  #refusals = 0;
  #cuts = 0;
  #attempt = 0;
  #lastFrameAt = 0;
  #isReady = false;
  /** @type {Record<string, ReturnType<typeof setTimeout>>} */
  #timers = {};

  /** @param {Hooks} hooks */
  constructor(hooks) {
    this.hooks = hooks;
    this.#isBlocked = !!hooks.isBlocked;
  }

  start() {
    this.#watch("addEventListener");
    this.hooks.onLink("opening");
    void this.#open();
  }

  stop() {
    this.#watch("removeEventListener");
    this.#drop();
  }

  /** @param {"addEventListener" | "removeEventListener"} act */
  #watch(act) {
    // A page hears of what bubbles up from its document, in the capturing phase of all.
    for (const name of WAKING) window[act](name, this.#wake, true);
    window[act]("offline", this.#lose);
    network?.[act]?.("change", this.#wake);
  }

  /**
   * Send if the journal is caught up; otherwise say so, nothing is queued here.
   * @param {string} type
   * @param {object} [payload]
   * @param {Record<string, string>} [custom]
   */
  send(type, payload = {}, custom) {
    if (!this.#isReady || this.#socket?.readyState !== OPEN) return false;
    const metadata = custom && { custom };
    this.#socket.send(json({ type: `EVENT_TYPE_${type}`, payload, metadata }));
    return true;
  }

  async #open() {
    this.#drop();
    const attempt = this.#attempt;
    try {
      const target = await this.hooks.prepare(this.#refusals);
      if (attempt !== this.#attempt || !target) return;
      const socket = this.#webSocket(target) ?? (await this.#httpSocket());
      if (attempt === this.#attempt) this.#listen(socket);
      else socket.close();
    } catch {
      if (attempt === this.#attempt) this.#lose(); // portal out of reach or busy: back off
    }
  }

  /** Nothing where a network, a policy or the page itself lets no WebSocket be.
   * @param {{url: string, token: string}} target */
  #webSocket({ url, token }) {
    if (this.#isBlocked) return null;
    try {
      return new WebSocket(url, ["baton.v1", `bearer.${token}`]);
    } catch {
      this.#block();
      return null;
    }
  }

  async #httpSocket() {
    const { HttpSocket } = await later("http_socket");
    return new HttpSocket(this.hooks.overHttp());
  }

  #block() {
    this.#isBlocked = true;
    this.#failures = 0;
    this.hooks.onBlocked(true);
  }

  /** Whoever is refused thrice goes on over HTTP, and whoever loses that tries a WebSocket first:
   * the network may be another one. */
  #chooseWay() {
    if (this.#isBlocked) {
      this.#isBlocked = false;
      this.#refusals = REFUSALS_OF_A_NETWORK - 1;
    } else if (Math.max(this.#refusals, this.#cuts) >= REFUSALS_OF_A_NETWORK) this.#block();
  }

  /** @param {SocketLike} socket */
  #listen(socket) {
    this.#socket = socket;
    this.#later("ready", LONGEST_HANDSHAKE_SECONDS, this.#refuse);
    socket.onopen = () => {
      this.#heard();
      this.#later("ready", FIRST_FRAME_SECONDS, this.#refuse);
      this.#beat();
    };
    socket.onmessage = (/** @type {{data: unknown}} */ message) => this.#receive(String(message.data));
    // One that a policy of the page forbids closes without saying so.
    socket.onclose = socket.onerror = this.#refuse;
  }

  /** The handshake failed, or the socket closed: a page is told neither status nor cause. */
  #refuse = () => {
    if (!this.#isReady) this.#refusals += 1;
    if (this.#timers.brief) this.#cuts += 1;
    this.#lose();
  };

  /** @param {string} text */
  #receive(text) {
    this.#heard();
    const frame = frameOf(text);
    if (!frame) return;
    if (!frame.sequence) this.hooks.onClock(Date.parse(frame.timestamp ?? "") - Date.now() || 0);
    if (frame.type !== "EVENT_BATCH") return this.#deliver(frame);
    const events = (frame.payload?.events ?? []).map(withoutPrefix);
    events.sort((a, b) => (a.sequence ?? Infinity) - (b.sequence ?? Infinity));
    events.forEach(this.hooks.onEvent);
    this.#ready();
  }

  /** @param {WireEvent} event */
  #deliver(event) {
    const isGap = event.sequence && event.sequence > this.hooks.cursor() + 1;
    if (isGap) void this.#open(); // something was missed: ask again from the cursor
    else this.hooks.onEvent(event);
  }

  #ready() {
    clearTimeout(this.#timers.ready);
    this.#failures = this.#refusals = 0;
    if (!this.#isReady) {
      this.#later("brief", this.hooks.heartbeatSeconds(), () => {
        this.#cuts = 0;
      });
      this.hooks.onBlocked(this.#isBlocked);
      this.hooks.onLink("open");
    }
    this.#isReady = true;
    this.hooks.onReady();
  }

  #beat() {
    this.#later("beat", this.hooks.heartbeatSeconds(), () => {
      this.send("HEARTBEAT");
      this.#beat();
    });
  }

  #heard() {
    this.#lastFrameAt = Date.now();
    this.#later("silence", this.hooks.heartbeatSeconds() * SILENT_INTERVALS, this.#lose);
  }

  #isSilent() {
    return Date.now() - this.#lastFrameAt > this.hooks.heartbeatSeconds() * SILENT_INTERVALS * 1000;
  }

  #lose = () => {
    this.#drop();
    this.#chooseWay();
    this.hooks.onLink("broken");
    const seconds = Math.min(LONGEST_WAIT_SECONDS, 2 ** this.#failures++);
    this.#later("retry", seconds * (0.5 + Math.random() / 2), () => void this.#open());
  };

  /** The page is back on line or in view, or on another network: don't sit out the wait, don't
   * trust a socket that has slept. */
  #wake = () => {
    if (document.visibilityState === "hidden") return;
    const isWaiting = !this.#socket && this.#timers.retry !== undefined;
    if (isWaiting || (this.#socket?.readyState === OPEN && this.#isSilent())) void this.#open();
    else if (this.send("HEARTBEAT")) this.#later("silence", PROBE_SECONDS, this.#lose);
  };

  #drop() {
    this.#attempt += 1;
    Object.values(this.#timers).forEach(clearTimeout);
    this.#timers = {};
    this.#isReady = false;
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = socket.onerror = null;
    socket.close();
  }

  /** @param {string} name @param {number} seconds @param {() => void} run */
  #later(name, seconds, run) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(() => {
      delete this.#timers[name];
      run();
    }, seconds * 1000);
  }
}

/** @param {string} text @returns {WireEvent | null} */
function frameOf(text) {
  try {
    return withoutPrefix(JSON.parse(text));
  } catch {
    return null; // not a frame of ours; the journal brings back whatever it was
  }
}

/** @param {WireEvent} event @returns {WireEvent} */
function withoutPrefix(event) {
  return { ...event, type: event.type.replace("EVENT_TYPE_", "") };
}
