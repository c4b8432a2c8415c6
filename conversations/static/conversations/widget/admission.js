// @ts-check
/** @import {Api} from "./api.js" */
/** @import {Storage} from "./storage.js" */
/** Token and session: only the portal's own word ends a conversation, never a broken network. */
import { isRefusal } from "./api.js";

const RENEW_BEFORE_MS = 60_000;

export class Admission {
  /** @param {Api} api @param {Storage} storage */
  constructor(api, storage) {
    this.api = api;
    this.storage = storage;
  }

  /** A token that is good for a while. */
  async token() {
    const { token, expiresAt = 0 } = this.storage.get();
    return token && Date.now() < expiresAt - RENEW_BEFORE_MS ? token : this.#newToken();
  }

  /**
   * The session to connect to, opened where there is none.
   * @param {string} locale
   * @param {boolean} isSuspect the portal may have refused it
   * @returns {Promise<string>}
   */
  async session(locale, isSuspect) {
    const { session } = this.storage.get();
    if (session) {
      if (isSuspect) await this.#check(session);
      return session;
    }
    const opened = await this.#withToken((token) => this.api.session(token, locale));
    this.storage.set({ session: opened });
    return opened;
  }

  /** @param {string} session */
  async #check(session) {
    try {
      await this.#withToken((token) => this.api.check(session, token));
    } catch (error) {
      if (isRefusal(error, 404, 410)) error.isOver = true;
      throw error;
    }
  }

  /**
   * A token that is refused proves nothing, one that was fetched a moment ago does.
   * @template T
   * @param {(token: string) => Promise<T>} call
   */
  async #withToken(call) {
    try {
      return await call(await this.token());
    } catch (error) {
      if (!isRefusal(error, 401)) throw error;
    }
    const token = await this.#newToken();
    try {
      return await call(token);
    } catch (error) {
      if (isRefusal(error, 401)) error.isOver = true;
      throw error;
    }
  }

  /** Renew the token; a saved one that is too old to renew takes its session with it. */
  async #newToken() {
    const { session, token } = this.storage.get();
    const answer = await this.api.token(session && token).catch((error) => {
      if (!session || !token || !isRefusal(error, 401)) throw error;
      this.storage.forgetSession();
      return this.api.token();
    });
    this.storage.set({ token: answer.access_token, expiresAt: Date.now() + answer.expires_in * 1000 });
    return answer.access_token;
  }
}
