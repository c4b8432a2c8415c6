// @ts-check
/** @import {Actions, Attachment, Limits, Words} from "./types" */
/** @import {Composer} from "./composer.js" */
/** @import {h, icon} from "./dom.js" */
/** Files of the end user: choose, paste or drop them, see them go. Loaded once somebody takes files. */

const STYLE = `
.attach { width: 44px; height: 44px; margin-inline-start: -12px; display: grid; place-items: center; border-radius: 50%; color: var(--quiet); flex: none; }
.attach:hover { background: var(--raised); }
.upload { display: flex; align-items: center; gap: 12px; padding-inline-start: 8px; font-size: 13px; color: var(--quiet); }
.upload > span { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.upload progress { width: 96px; accent-color: var(--link); }
.upload button { padding-inline: 8px; color: var(--link); font-weight: 600; }
.dropping { box-shadow: inset 0 0 0 3px var(--link), var(--shadow); }
`;

const PAPER_CLIP = "m20 11-8.5 8.5a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.7 4.7L9.5 17a1.6 1.6 0 0 1-2.4-2.4L15 7";

/** An upload that the portal refused or that broke off; `status` 0 is no answer. */
class UploadError extends Error {
  /** @param {number} status */
  constructor(status) {
    super(`The upload ended with ${status}.`);
    this.status = status;
  }
}

export class Files {
  /** @type {Limits | undefined} */
  #limits;
  /** @type {Set<AbortController>} */
  #running = new Set();

  /**
   * @param {Composer} composer @param {Words} words @param {Actions} actions
   * @param {{h: typeof h, icon: typeof icon}} dom the bundle's own, so that they are loaded once
   */
  constructor(composer, words, actions, dom) {
    this.composer = composer;
    this.words = words;
    this.actions = actions;
    this.h = dom.h;
    this.chooser = this.h("input", {
      type: "file", multiple: true, hidden: true, tabindex: "-1", "data-testid": "file-input",
      onchange: () => this.#takeChosen(),
    });
    this.button = this.h("button", {
      class: "attach", type: "button", "data-testid": "attach", "aria-label": words.say("attach"),
      title: words.say("attach"), onclick: () => this.chooser.click(),
    }, paperClip(dom.icon));
    this.uploads = this.h("div", { role: "status", "data-testid": "uploads" });
    composer.box.prepend(this.button);
    composer.box.before(this.uploads, this.chooser);
    const panel = /** @type {HTMLElement} */ (composer.element.closest(".panel"));
    this.#listen(panel);
    keepInView(/** @type {HTMLElement} */ (panel.querySelector(".log")));
  }

  /** Show the paper clip while files are taken. @param {Limits | undefined} limits */
  render(limits) {
    this.#limits = limits;
    this.button.hidden = !limits;
    this.chooser.accept = limits?.mime.join(",") ?? "";
    if (!limits) this.#running.forEach((one) => one.abort());
  }

  /** @param {HTMLElement} panel */
  #listen(panel) {
    const root = /** @type {ShadowRoot} */ (panel.getRootNode());
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    this.composer.input.addEventListener("paste", (event) => this.#takeFrom(event.clipboardData, event));
    panel.addEventListener("dragover", (event) => {
      if (!this.#limits || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      panel.classList.add("dropping");
    });
    panel.addEventListener("dragleave", () => panel.classList.remove("dropping"));
    panel.addEventListener("drop", (event) => {
      panel.classList.remove("dropping");
      this.#takeFrom(event.dataTransfer, event);
    });
  }

  #takeChosen() {
    const files = [...(this.chooser.files ?? [])];
    this.chooser.value = ""; // the same file may be chosen again
    this.composer.input.focus();
    this.#take(files);
  }

  /** @param {DataTransfer | null} source @param {Event} event */
  #takeFrom(source, event) {
    if (!this.#limits || !source?.files.length) return;
    event.preventDefault();
    this.#take([...source.files]);
  }

  /** @param {File[]} files */
  #take(files) {
    const refusals = files.map((file) => this.#refusal(file));
    this.composer.refuse(refusals.filter(Boolean).join(" "));
    files.filter((_, index) => !refusals[index]).forEach((file) => void this.#send(file));
  }

  /** Why a file cannot be sent, naming limit and size; empty when it can. @param {File} file */
  #refusal({ name, size, type }) {
    const { words } = this;
    const { max_bytes: limit, mime } = this.#limits ?? { max_bytes: 0, mime: [] };
    if (size > limit) {
      return words.say("fileTooLarge", { name, size: words.size(size), limit: words.size(limit) });
    }
    if (type && mime.length && !mime.includes(type)) return words.say("fileType", { name });
    return size ? "" : words.say("fileFailed", { name });
  }

  /** @param {File} file */
  async #send(file) {
    const { name } = file;
    const { say } = this.words;
    const stop = new AbortController();
    const bar = this.h("progress", { max: "1", value: "0", "aria-label": say("uploading", { name }) });
    const cancel = this.h("button", {
      type: "button", "aria-label": `${say("cancel")}: ${name}`, onclick: () => stop.abort(),
    }, say("cancel"));
    const row = this.h("div", { class: "upload", "data-testid": "upload" },
      this.h("span", { dir: "auto" }, say("uploading", { name })), bar, cancel);
    this.uploads.append(row);
    this.#running.add(stop);
    try {
      const target = await this.actions.uploadTarget();
      this.actions.sendFile(await upload(file, target, stop.signal, (share) => (bar.value = share)));
    } catch (error) {
      if (!stop.signal.aborted) this.composer.refuse(this.#failure(error, file));
    }
    this.#running.delete(stop);
    if (row.contains(/** @type {ShadowRoot} */ (row.getRootNode()).activeElement)) this.composer.input.focus();
    row.remove();
  }

  /** @param {unknown} error @param {File} file */
  #failure(error, { name }) {
    const isType = error instanceof UploadError && error.status === 415;
    return this.words.say(isType ? "fileType" : "fileFailed", { name });
  }
}

/** What an upload's row takes from the log's height, the log scrolls on. @param {HTMLElement} log */
function keepInView(log) {
  let height = log.clientHeight;
  new ResizeObserver(() => {
    if (!log.clientHeight) return; // closed
    log.scrollTop += Math.max(0, height - log.clientHeight);
    height = log.clientHeight;
  }).observe(log);
}

/** @param {typeof icon} make */
function paperClip(make) {
  const svg = make("clip");
  svg.firstElementChild?.setAttribute("d", PAPER_CLIP);
  return svg;
}

/**
 * Upload with progress, which fetch cannot tell.
 * @param {File} file @param {{url: string, token: string}} target
 * @param {AbortSignal} signal @param {(share: number) => void} report
 * @returns {Promise<Attachment>}
 */
function upload(file, { url, token }, signal, report) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const form = new FormData();
    form.append("file", file, file.name);
    request.open("POST", url);
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.responseType = "json";
    request.upload.onprogress = ({ loaded, total }) => report(total ? loaded / total : 0);
    request.onload = () =>
      request.status === 200 ? resolve(request.response) : reject(new UploadError(request.status));
    request.onerror = request.onabort = () => reject(new UploadError(0));
    signal.addEventListener("abort", () => request.abort());
    if (signal.aborted) reject(new UploadError(0));
    else request.send(form);
  });
}
