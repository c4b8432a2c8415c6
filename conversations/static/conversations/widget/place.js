// @ts-check
/** Where the widget stands on the host page: beside the body, in the top layer, whatever happens
 * to the body; or in an element of the page's own, as soon as there is one. */

/** So often in a second: a page that takes it away each time has its way until the next, or neither
 * would ever rest. */
const MOST_RETURNS = 5;

export class Place {
  #returns = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #second;

  /**
   * @param {HTMLElement} host @param {() => void} onReturn the page had removed it
   * @param {() => Element | null} [find] an element of the page's own, to stand in and not above the page
   */
  constructor(host, onReturn, find) {
    this.host = host;
    this.find = find;
    this.onReturn = onReturn;
    this.observer = new MutationObserver(() => this.#look());
    host.addEventListener("toggle", this.#raise);
    document.addEventListener("fullscreenchange", this.#put);
    this.#put();
  }

  leave() {
    clearTimeout(this.#second);
    this.observer.disconnect();
    this.host.removeEventListener("toggle", this.#raise);
    document.removeEventListener("fullscreenchange", this.#put);
    this.host.remove();
  }

  /** Navigations without a load swap the body (Turbo, Astro, htmx), some pages the whole document. */
  #look() {
    if (this.host.isConnected) return;
    if (!this.#returns++) this.#second = setTimeout(() => this.#lookAnew(), 1000);
    if (this.#returns > MOST_RETURNS) return;
    this.#put();
    this.onReturn();
  }

  #lookAnew() {
    this.#returns = 0;
    this.#look();
  }

  #put = () => {
    const { body, documentElement: root, fullscreenElement } = document;
    // Beside what fills the screen nothing can be clicked. A body is the page still, a film is not.
    const place = this.find ? this.find() : body && body === fullscreenElement ? body : root;
    if (place !== this.host.parentNode) place?.append(this.host);
    this.observer.disconnect();
    for (const node of [document, root]) this.observer.observe(node, { childList: true, subtree: !!this.find });
    this.#raise();
  };

  /** Above every z-index, where the browser has a top layer for it. */
  #raise = () => {
    const { host } = this;
    if (this.find || !host.showPopover || !host.isConnected) return;
    host.popover = "manual";
    if (!host.matches(":popover-open")) host.showPopover();
  };
}
