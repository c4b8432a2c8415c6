// @ts-check
/** @import {Options, Token} from "./types" */
/** The HTTP half of the Messaging API: look, access tokens and sessions. */
import { sendable } from "./composer.js";
import { json } from "./json.js";

const MOST_PAGE_CHARACTERS = 2000;

/** What this widget can draw beyond plain messages. */
const EXTENSIONS = ["rich_content", "message_changes"];

const LONGEST_CALL_MS = 20_000;

/** An answer that refuses: `isOurs` tells the portal's own word from a proxy's on the way to it. */
export class Refused extends Error {
  /** Set when there is nothing left to connect to. */
  isOver = false;

  /** @param {number} status @param {{error_code?: unknown, error_message?: unknown} | null} [problem] */
  constructor(status, problem) {
    super(`${problem?.error_message ?? ""}`);
    this.status = status;
    this.code = problem?.error_code;
    this.isOurs = typeof this.code === "string";
  }
}

/** No answer at all: a browser does not tell a page why. */
export class Unreachable extends Error {}

/**
 * Whether the portal itself, not the network, refused with such a status.
 * @param {unknown} error
 * @param {number[]} statuses
 * @returns {error is Refused}
 */
export function isRefusal(error, ...statuses) {
  return error instanceof Refused && error.isOurs && statuses.includes(error.status);
}

export class Api {
  /** @param {Options} options */
  constructor(options) {
    this.options = options;
  }

  /** What was accepted and answered before the conversation. @type {import("./types").Given | undefined} */
  before;

  /** How this widget looks, if this page may carry it. The browser may keep the answer. 
   * @param {string} locale @param {RequestCache} [cache] */
  async look(locale, cache = "default") {
    const query = new URLSearchParams({ key: this.options.key, host: location.hostname, locale });
    return (await this.#call(`widget?${query}`, { cache })).widget ?? {};
  }

  /**
   * Mint a token, or renew `old` so that the new one is bound to the same sessions.
   * @param {string} [old]
   * @returns {Promise<Token>}
   */
  token(old) {
    const headers = { "X-Token": this.options.key, "X-Host": location.hostname };
    return this.#post("access-token", { ...headers, ...bearer(old) }, {});
  }

  /**
   * Open a conversation and return its session id.
   * @param {string} token
   * @param {string} locale
   * @returns {Promise<string>}
   */
  async session(token, locale) {
    const page = { url: short(location.href), title: short(document.title), referrer: short(document.referrer) };
    const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
    // A language that the page names itself counts more than a variant's; the browser's does not.
    const { variant, locale: named, platform } = this.options;
    const [language] = locale.split(/-[a-z]-/); // how numbers are written is no matter of the portal's
    const told = { locale: language, is_locale_guessed: !named, ...(variant && { variant_id: variant }) };
    const opened = { ...this.before, platform, ...told, time_zone: zone, page, extensions: EXTENSIONS, streaming_enabled: true };
    const answer = await this.#post("sessions", bearer(token), opened);
    return answer.session_id;
  }

  /**
   * Return if the session can be connected to; a page is not told why its socket was refused.
   * @param {string} session
   * @param {string} token
   */
  async check(session, token) {
    await this.#call(`sessions/${session}`, { headers: bearer(token) });
  }

  /**
   * @param {string} session
   * @param {number} cursor
   */
  socketUrl(session, cursor) {
    const origin = this.options.portal.replace(/^http/, "ws");
    return `${origin}/ws?session_id=${encodeURIComponent(session)}&cursor=${cursor}`;
  }

  /** @param {import("./types").Part | "events"} part @param {string} [session] */
  sessionUrl(part, session) {
    return `${this.options.portal}/api/v1/sessions/${session}/${part}`;
  }

  /**
   * @param {string} path
   * @param {Record<string, string>} headers
   * @param {object} body
   */
  #post(path, headers, body) {
    const sent = { "Content-Type": "application/json", ...headers };
    return this.#call(path, { method: "POST", headers: sent, body: json(body) });
  }

  /** @param {string} path @param {RequestInit} request */
  async #call(path, request) {
    const signal = AbortSignal.timeout?.(LONGEST_CALL_MS);
    const answer = await fetch(`${this.options.portal}/api/v1/${path}`, {
      cache: "no-store", ...request, credentials: "omit", signal,
    }).catch((error) => {
      throw new Unreachable(`${error?.message}`);
    });
    if (answer.ok) return answer.json();
    throw new Refused(answer.status, await answer.json().catch(() => null)); // a proxy's page is no JSON
  }
}

/** As much of a page's address or title as the portal takes; either may be cut in the middle of a
 * character. @param {string} text */
function short(text) {
  return sendable(text.slice(0, MOST_PAGE_CHARACTERS));
}

/**
 * @param {string} [token]
 * @returns {Record<string, string>}
 */
function bearer(token) {
  return token ? { Authorization: `Bearer ${token}` } : {};
}
