// @ts-check
/** @import {Actions, Attachment, Limits, Words} from "./types" */
/** @import {Composer} from "./composer.js" */
/** Files of the end user: choose, paste or drop them, look at them, and send them with the message.
 * Loaded once somebody takes files. */
import { adopt, h, icon } from "./shared.js";

const STYLE = `
.attach { width: 44px; height: 44px; margin-inline-start: -12px; display: grid; place-items: center; border-radius: 50%; color: var(--baton-quiet); flex: none; }
.attach:hover { background: var(--baton-raised); }
.upload { display: flex; align-items: center; gap: 12px; padding: 0 8px 4px; font-size: 13px; color: var(--baton-quiet); }
.upload > span { flex: 1; min-width: 0; overflow-wrap: anywhere; }
.upload.wrong > span { color: var(--baton-error); }
.upload canvas { width: 44px; height: 44px; border-radius: 8px; flex: none; }
.upload progress { width: 72px; accent-color: var(--baton-link); }
.upload button { padding-inline: 8px; color: var(--baton-link); font-weight: 600; flex: none; }
.dropping { box-shadow: inset 0 0 0 3px var(--baton-link), var(--baton-shadow); }
`;

const PAPER_CLIP = "m20 11-8.5 8.5a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.7 4.7L9.5 17a1.6 1.6 0 0 1-2.4-2.4L15 7";
const MOST_FILES = 10;
const PREVIEW_PX = 88;
/** @type {Record<string, string>} what people call a type whose own name says little */
const SHORT = {
  plain: "txt", jpeg: "jpg", document: "docx", sheet: "xlsx", presentation: "pptx", msword: "doc",
  "ms-excel": "xls", "ms-powerpoint": "ppt", quicktime: "mov", mpeg: "mp3",
};

/** Of these a browser and the portal may think differently: the portal decides. */
const RELATIVES = /^text\/|csv|json|xml|yaml|javascript|excel|word|zip|document|ole-storage|octet-stream/;

/** An upload that the portal refused or that broke off; `status` 0 is no answer. */
class UploadError extends Error {
  /** @param {number} status */
  constructor(status) {
    super(`The upload ended with ${status}.`);
    this.status = status;
  }
}

/** @typedef {{file: File, row: HTMLElement, label: HTMLElement, bar: HTMLProgressElement, stop: AbortController, sent?: Attachment}} Waiting */

export class Files {
  /** @type {Limits | undefined} */
  #limits;
  /** @type {Waiting[]} */
  #waiting = [];
  #isSending = false;

  /** @param {Composer} composer @param {Words} words @param {Actions} actions */
  constructor(composer, words, actions) {
    this.composer = composer;
    this.words = words;
    this.actions = actions;
    this.chooser = h("input", {
      type: "file", multiple: true, hidden: true, tabindex: "-1", "data-testid": "file-input",
      onchange: () => this.#takeChosen(),
    });
    this.button = h("button", {
      class: "attach", type: "button", "data-testid": "attach", "aria-label": words.say("attach"),
      title: words.say("attach"), onclick: () => this.chooser.click(),
    }, icon("clip", PAPER_CLIP));
    this.uploads = h("div", { role: "status", "data-testid": "uploads" });
    composer.box.prepend(this.button);
    composer.box.before(this.uploads, this.chooser);
    const panel = /** @type {HTMLElement} */ (composer.element.closest(".panel"));
    this.#listen(panel);
    keepInView(/** @type {HTMLElement} */ (panel.querySelector(".log")));
  }

  /** How many wait for Send. */
  get count() {
    return this.#waiting.length;
  }

  /** Show the paper clip while files are taken. @param {Limits | undefined} limits */
  render(limits) {
    this.#limits = limits;
    this.button.hidden = !limits;
    this.chooser.accept = limits?.mime.join(",") ?? "";
    if (!limits) [...this.#waiting].forEach((one) => this.#remove(one));
  }

  /** Upload what waits, then say it with the text. Until then the text stays in the field, where
   * nothing that happens to the tab or the network takes it away; so does what is written on.
   * @param {string} text */
  async send(text) {
    if (this.#isSending) return;
    this.#isSending = true;
    const { composer } = this;
    const { value } = composer.input;
    await Promise.all([...this.#waiting].map((one) => this.#upload(one)));
    this.#isSending = false;
    const files = this.#waiting.map(({ sent }) => sent);
    if (!files.every(Boolean)) return;
    const now = composer.input.value;
    composer.put(now.startsWith(value) ? now.slice(value.length).trimStart() : now);
    [...this.#waiting].forEach((one) => this.#remove(one));
    if (text || files.length) this.actions.say(text, /** @type {Attachment[]} */ (files));
  }

  /** @param {HTMLElement} panel */
  #listen(panel) {
    adopt(panel, STYLE);
    this.composer.input.addEventListener("paste", (event) => this.#takePasted(event));
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

  /** Spreadsheets and word processors bring a picture of the text along: the text is meant.
   * @param {ClipboardEvent} event */
  #takePasted(event) {
    if (!event.clipboardData?.getData("text/plain").trim()) this.#takeFrom(event.clipboardData, event);
  }

  /** @param {DataTransfer | null} source @param {Event} event */
  #takeFrom(source, event) {
    if (!this.#limits || !source?.files.length) return;
    event.preventDefault();
    const folders = [...source.items].filter((one) => one.webkitGetAsEntry()?.isDirectory);
    this.#take([...source.files], folders.map((one) => one.getAsFile()?.name ?? ""));
  }

  /** @param {File[]} files @param {string[]} folders names of those that are folders: none can be read */
  #take(files, folders = []) {
    const room = MOST_FILES - this.count;
    const refusals = files.map((file, index) => {
      if (folders.includes(file.name)) return this.#typeRefusal(file.name);
      return index < room ? this.#refusal(file) : this.words.say("filesMost", { n: MOST_FILES });
    });
    this.composer.refuse([...new Set(refusals.filter(Boolean))].join(" "));
    files.filter((_, index) => !refusals[index]).forEach((file) => this.#add(file));
  }

  /** Why a file cannot be sent, naming limit and size, or what is taken; empty when it can.
   * A type is only what the file's ending suggests: the portal looks into it. @param {File} file */
  #refusal({ name, size, type }) {
    const { words } = this;
    const { max_bytes: limit, mime } = this.#limits ?? { max_bytes: 0, mime: [] };
    if (size > limit) return words.say("fileTooLarge", { name, size: words.size(size), limit: words.size(limit) });
    const family = /^(image|video|audio)\//.exec(type)?.[0];
    const isTaken = !mime.length || !type || RELATIVES.test(type) || mime.includes(type) ||
      mime.some((one) => family && one.startsWith(family));
    if (!isTaken) return this.#typeRefusal(name);
    return size ? "" : words.say("fileEmpty", { name });
  }

  /** @param {string} name */
  #typeRefusal(name) {
    if (!this.#limits?.mime.length) return this.words.say("fileFailed", { name });
    const types = this.#limits.mime.map((one) => {
      const last = one.split(/[/.]/).at(-1) ?? one;
      return (SHORT[last] ?? last.replace(/^x-/, "")).toUpperCase();
    });
    return this.words.say("fileType", { name, types: [...new Set(types)].join(", ") });
  }

  /** @param {File} file */
  #add(file) {
    const { words } = this;
    const label = h("span", { dir: "auto" }, `${file.name} · ${words.size(file.size)}`);
    const bar = h("progress", { max: "1", value: "0", hidden: true, "aria-label": words.say("uploading", { name: file.name }) });
    const remove = h("button", {
      type: "button", "data-testid": "remove-file", "aria-label": `${words.say("remove")}: ${file.name}`,
      onclick: () => {
        this.#remove(one);
        this.composer.input.focus();
      },
    }, words.say("remove"));
    const row = h("div", { class: "upload", "data-testid": "upload" }, label, bar, remove);
    /** @type {Waiting} */
    const one = { file, row, label, bar, stop: new AbortController() };
    this.#waiting.push(one);
    this.uploads.append(row);
    this.composer.refresh();
    void preview(file).then((picture) => row.prepend(picture), () => row.prepend(icon("clip")));
  }

  /** @param {Waiting} one */
  #remove(one) {
    one.stop.abort();
    one.row.remove();
    this.#waiting = this.#waiting.filter((other) => other !== one);
    this.composer.refresh();
  }

  /** @param {Waiting} one */
  async #upload(one) {
    if (one.sent) return;
    const { file, label, bar, row, stop } = one;
    const { name } = file;
    const { say } = this.words;
    row.classList.remove("wrong");
    bar.hidden = false;
    label.textContent = say("uploading", { name });
    try {
      one.sent = await upload(file, await this.actions.target("files"), stop.signal, (share) => {
        bar.value = share;
        if (share === 1) label.textContent = say("checking", { name });
      });
    } catch (error) {
      row.classList.add("wrong");
      label.textContent = this.#failure(error, file);
    }
    bar.hidden = true;
  }

  /** @param {unknown} error @param {File} file */
  #failure(error, { name, size }) {
    const { words } = this;
    const limit = words.size(this.#limits?.max_bytes ?? 0);
    switch (error instanceof UploadError ? error.status : 0) {
      case 413: return words.say("fileTooLarge", { name, size: words.size(size), limit });
      case 415: return this.#typeRefusal(name);
      case 422: return words.say("fileUnsafe", { name });
      default: return words.say("fileFailed", { name });
    }
  }
}

/** A small picture of a picture. Drawn, because a page's policy may forbid addresses made here.
 * @param {File} file */
async function preview(file) {
  const picture = await createImageBitmap(file);
  const canvas = h("canvas", { width: `${PREVIEW_PX}`, height: `${PREVIEW_PX}`, role: "img", "aria-label": file.name });
  const side = Math.min(picture.width, picture.height);
  const [x, y] = [(picture.width - side) / 2, (picture.height - side) / 2];
  canvas.getContext("2d")?.drawImage(picture, x, y, side, side, 0, 0, PREVIEW_PX, PREVIEW_PX);
  picture.close();
  return canvas;
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
