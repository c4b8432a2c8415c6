// @ts-check
/** Where the widget stands on the host page: beside the body, in the top layer, whatever happens
 * to the body. */

export class Place {
  /** @param {HTMLElement} host @param {() => void} onReturn the page had removed it */
  constructor(host, onReturn) {
    this.host = host;
    this.onReturn = onReturn;
    this.observer = new MutationObserver(() => this.#look());
    host.addEventListener("toggle", this.#raise);
    this.#put();
  }

  leave() {
    this.observer.disconnect();
    this.host.removeEventListener("toggle", this.#raise);
    this.host.remove();
  }

  /** Navigations without a load swap the body (Turbo, Astro, htmx), some pages the whole document. */
  #look() {
    if (this.host.isConnected) return;
    this.#put();
    this.onReturn();
  }

  #put() {
    const root = document.documentElement;
    root.append(this.host);
    this.observer.disconnect();
    for (const node of [document, root]) this.observer.observe(node, { childList: true });
    this.#raise();
  }

  /** Above every z-index, where the browser has a top layer for it. */
  #raise = () => {
    const { host } = this;
    if (!host.showPopover || !host.isConnected) return;
    host.popover = "manual";
    if (!host.matches(":popover-open")) host.showPopover();
  };
}
