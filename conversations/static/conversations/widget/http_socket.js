// @ts-check
/** A socket made of HTTP requests, for networks that let no WebSocket through: what the portal says
 * comes as a stream, or by long polls where a proxy holds the stream back. Loaded when needed. */
import { json } from "./shared.js";

const STALL_SECONDS = 10;
const POLL_SECONDS = 20;
/** The first one brings the journal; whoever has it all would wait for the next line to begin. */
const FIRST_POLL_SECONDS = 1;
const LONGEST_CALL_SECONDS = 40;
const MOST_FRAMES = 20;
/** The portal takes 131,072. */
const MOST_BYTES = 120_000;
/** What ends so soon with nothing to tell was ended on the way, and is not begun again at once. */
const BRIEF_MS = 2000;

/** Whether streams are held back here: what one connection found out holds for the next. */
let isHeldBack = false;

/**
 * @typedef {object} Target
 * @property {string} url of the session's events
 * @property {() => Promise<string>} token one that is good for a while
 * @property {() => number} cursor the highest sequence applied
 */

/** Has what the widget uses of a WebSocket. */
export class HttpSocket {
  readyState = 0;
  /** @type {(() => void) | null} */
  onopen = null;
  /** @type {((message: {data: string}) => void) | null} */
  onmessage = null;
  /** @type {(() => void) | null} */
  onclose = null;
  onerror = null;
  #stop = new AbortController();
  /** @type {string[]} */
  #unsent = [];
  #isSending = false;

  /** @param {Target} target */
  constructor(target) {
    this.target = target;
    void this.#listen();
  }

  /** @param {string} frame */
  send(frame) {
    this.#unsent.push(frame);
    if (!this.#isSending) void this.#sendAll();
  }

  close() {
    this.readyState = 3;
    this.#stop.abort();
  }

  async #listen() {
    try {
      while (this.readyState < 2) {
        const began = Date.now();
        const hasNews = await (isHeldBack ? this.#poll() : this.#stream());
        if (hasNews || Date.now() - began > BRIEF_MS) continue;
        isHeldBack = true;
        await new Promise((resume) => setTimeout(resume, BRIEF_MS));
      }
    } catch {
      this.#fail();
    }
  }

  /** Read one stream to its end; the portal ends each after a minute. */
  async #stream() {
    const call = new AbortController();
    const stalls = () => {
      isHeldBack = true;
      call.abort();
    };
    let stall = setTimeout(stalls, STALL_SECONDS * 1000);
    try {
      const answer = await this.#call("", { headers: { Accept: "text/event-stream" } }, call);
      const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
      const decoder = new TextDecoder();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return false;
        clearTimeout(stall);
        stall = setTimeout(stalls, STALL_SECONDS * 1000);
        text = this.#read(text + decoder.decode(value, { stream: true }));
      }
    } catch (error) {
      if (!isHeldBack || this.readyState > 1) throw error;
      return false;
    } finally {
      clearTimeout(stall);
    }
  }

  /** Deliver the whole frames of a text, and return what is left. @param {string} text */
  #read(text) {
    const parts = text.split("\n\n");
    const rest = parts.pop() ?? "";
    for (const part of parts) {
      const data = part.split("\n").find((line) => line.startsWith("data: "));
      if (data) this.#take(data.slice(6));
    }
    return rest;
  }

  async #poll() {
    const { events } = await this.#json(`&wait=${this.readyState ? POLL_SECONDS : FIRST_POLL_SECONDS}`);
    for (const event of events) this.#take(json(event));
    return events.length > 0;
  }

  async #sendAll() {
    this.#isSending = true;
    try {
      while (this.#unsent.length && this.readyState < 2) await this.#sendSome();
    } catch {
      this.#fail();
    }
    this.#isSending = false;
  }

  /** One request at a time keeps the order. */
  async #sendSome() {
    const frames = this.#unsent.splice(0, fitting(this.#unsent));
    const { events } = await this.#json("", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: `{"frames":[${frames}]}`,
    });
    for (const event of events) {
      // What was missed before it comes by the other way.
      if ((event.sequence ?? 0) <= this.target.cursor() + 1) this.#take(json(event));
    }
  }

  /** @param {string} query @param {RequestInit} [request] */
  async #json(query, request = {}) {
    const call = new AbortController();
    const limit = setTimeout(() => call.abort(), LONGEST_CALL_SECONDS * 1000);
    try {
      return await (await this.#call(query, request, call)).json();
    } finally {
      clearTimeout(limit);
    }
  }

  /** @param {string} query @param {RequestInit} request @param {AbortController} call */
  async #call(query, request, call) {
    const stop = () => call.abort();
    this.#stop.signal.addEventListener("abort", stop);
    if (this.#stop.signal.aborted) stop();
    const { url, token, cursor } = this.target;
    const headers = { ...request.headers, Authorization: `Bearer ${await token()}` };
    const answer = await fetch(`${url}?cursor=${cursor()}${query}`, {
      ...request, headers, credentials: "omit", cache: "no-store", signal: call.signal,
    });
    if (!answer.ok) throw new Error(`The portal answered ${answer.status}.`);
    return answer;
  }

  /** @param {string} data */
  #take(data) {
    if (this.readyState > 1) return;
    if (!this.readyState) {
      this.readyState = 1;
      this.onopen?.();
    }
    this.onmessage?.({ data });
  }

  #fail() {
    if (this.readyState > 1) return;
    this.close();
    this.onclose?.();
  }
}

/** How many of the first frames fit into one request. @param {string[]} frames */
function fitting(frames) {
  let bytes = 0;
  const tooMany = frames.findIndex((frame) => (bytes += new TextEncoder().encode(frame).length + 1) > MOST_BYTES);
  return Math.max(1, Math.min(MOST_FRAMES, tooMany < 0 ? frames.length : tooMany));
}
