// @ts-check
/** @import {Options, Token} from "./types" */
/** The HTTP half of the Messaging API: access tokens and sessions. */

const MOST_PAGE_CHARACTERS = 2000;

/** An answer that refuses: `status` tells a wrong key or a lost session from a busy server. */
export class Refused extends Error {
  /** @param {number} status */
  constructor(status) {
    super(`The portal answered ${status}.`);
    this.status = status;
  }

  /** True when trying again with the same credentials cannot help. */
  get isFinal() {
    return [401, 403, 404].includes(this.status);
  }
}

export class Api {
  /** @param {Options} options */
  constructor(options) {
    this.options = options;
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
    const answer = await this.#post("sessions", bearer(token), { platform: "web", locale, page });
    return answer.session_id;
  }

  /**
   * @param {string} session
   * @param {number} cursor
   */
  socketUrl(session, cursor) {
    const origin = this.options.portal.replace(/^http/, "ws");
    return `${origin}/ws?session_id=${encodeURIComponent(session)}&cursor=${cursor}`;
  }

  /** @param {string} [session] */
  filesUrl(session) {
    return `${this.options.portal}/api/v1/sessions/${session}/files`;
  }

  /**
   * @param {string} path
   * @param {Record<string, string>} headers
   * @param {object} body
   */
  async #post(path, headers, body) {
    const answer = await fetch(`${this.options.portal}/api/v1/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
    });
    if (!answer.ok) throw new Refused(answer.status);
    return answer.json();
  }
}

/** As much of a page's address or title as the portal takes. @param {string} text */
function short(text) {
  return text.slice(0, MOST_PAGE_CHARACTERS);
}

/**
 * @param {string} [token]
 * @returns {Record<string, string>}
 */
function bearer(token) {
  return token ? { Authorization: `Bearer ${token}` } : {};
}
