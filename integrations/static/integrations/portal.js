// Comforts of the portal: every page works without this script.

import { watchForms } from "./activity.js";

/** Copies the text of the element named by data-copy and says so for a moment. */
function enableCopying(root) {
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      await copyText(source.value ?? source.textContent);
      const label = button.querySelector("[data-copy-label]");
      label.textContent = "Copied";
      announce("Copied");
      setTimeout(() => (label.textContent = "Copy"), 1600);
    });
  }
}

/** Writes to the clipboard; plain http pages have no clipboard object, so a selection serves. */
async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/** Tells screen readers what happened. */
export function announce(text) {
  const region = document.createElement("p");
  region.className = "visually-hidden";
  region.textContent = text;
  document.querySelector("[data-toasts]")?.append(region);
  setTimeout(() => region.remove(), 4000);
}

/** Opens and closes dialogs in browsers that do not know the command attribute. */
function enableDialogs() {
  if ("commandForElement" in HTMLButtonElement.prototype) return;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[commandfor]");
    const dialog = button && document.getElementById(button.getAttribute("commandfor"));
    if (!dialog) return;
    if (button.getAttribute("command") === "close") dialog.close();
    else dialog.showModal();
  });
}

/** Keeps the button of a dangerous form shut until its name has been typed. */
function guardDangerousForms() {
  for (const form of document.querySelectorAll("[data-confirm-name]")) {
    const input = form.elements.confirm_name;
    const button = form.querySelector(".button-danger");
    const check = () => (button.disabled = input.value.trim() !== form.dataset.confirmName);
    input.addEventListener("input", check);
    check();
  }
}

/** Lets toasts be dismissed; good news leaves by itself. */
export function enableToasts() {
  for (const toast of document.querySelectorAll("[data-toast]")) {
    const close = toast.querySelector("[data-toast-close]");
    close.hidden = false;
    close.addEventListener("click", () => toast.remove());
    if (!toast.classList.contains("toast-error")) setTimeout(() => toast.remove(), 8000);
  }
}

/** Closes a menu on Escape and when something else is pressed. */
function enableMenus() {
  const menus = [...document.querySelectorAll("[data-menu]")];
  document.addEventListener("click", (event) => {
    for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && menus.find((menu) => menu.open);
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });
}

/** Filters elements with data-search by what is typed; headings without any left disappear. */
function enableSearch() {
  const input = document.querySelector("[data-search-input]");
  if (!input) return;
  input.closest("[hidden]")?.removeAttribute("hidden");
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    for (const item of document.querySelectorAll("[data-search]"))
      item.hidden = !item.dataset.search.toLowerCase().includes(wanted);
    for (const group of document.querySelectorAll("[data-search-group]"))
      group.hidden = !group.querySelector("[data-search]:not([hidden])");
    const nothing = document.querySelector("[data-search-nothing]");
    if (nothing) nothing.hidden = Boolean(document.querySelector("[data-search]:not([hidden])"));
  });
}

/** Moves the focus to the first field at fault, unless somebody is somewhere already. */
export function goToFirstError(root) {
  if (document.activeElement !== document.body) return;
  root.querySelector(".field-invalid :is(input, select, textarea)")?.focus();
}

/** What a person has entered: a file by its name, and without the token, which signing in renews. */
function contents(form) {
  const entries = [...new FormData(form)].filter(([name]) => name !== "csrfmiddlewaretoken");
  return JSON.stringify(entries.map(([name, value]) => [name, value.name ?? value]));
}

/** What a form held when it came: on a slow line somebody wrote in it before this script did. */
function contentsAsSent(form) {
  const copy = form.cloneNode(true);
  copy.reset();
  return contents(copy);
}

/** Tells of a form that came back with what was entered: its mistakes, or rows added to it. */
function isUnsavedAsSent(form) {
  const mistakes = ".field-invalid, .banner-error";
  return form.dataset.unsaved === "changed" || Boolean(form.querySelector(mistakes));
}

/** Puts a place beside the button that saves, for saying that it has not been pressed. */
function markOf(form) {
  const sending = [...form.querySelectorAll("button:not([type=button])")];
  const button = sending.find((one) => one.matches(".button-primary")) ?? sending.at(-1);
  const mark = document.createElement("span");
  mark.className = "muted small";
  mark.setAttribute("role", "status");
  mark.dataset.unsavedMark = "";
  const others = [...(button?.parentElement.children ?? [])];
  others.findLast((one) => !one.classList.contains("push"))?.after(mark);
  return mark;
}

/** Says when a form holds what has not been saved, and asks before the page is left with it. */
function guardUnsavedForms() {
  for (const form of document.querySelectorAll("[data-unsaved]")) {
    const mark = markOf(form);
    const saved = isUnsavedAsSent(form) ? null : contentsAsSent(form);
    goToFirstError(form);
    let isSending = false;
    const check = () => {
      const text = contents(form) === saved ? "" : "Not saved yet.";
      if (mark.textContent !== text) mark.textContent = text;
    };
    form.addEventListener("input", check);
    form.addEventListener("submit", () => (isSending = true));
    addEventListener("beforeunload", (event) => {
      if (!isSending && form.isConnected && contents(form) !== saved) event.preventDefault();
    });
    // A page that comes back from the browser's own store keeps what was typed.
    addEventListener("pageshow", () => {
      isSending = false;
      check();
    });
  }
}

/** Marks cells that say nothing, which the cards of a phone leave out. */
export function markEmptyCells() {
  for (const cell of document.querySelectorAll(".table-stacking td[data-label]"))
    cell.classList.toggle("is-empty", ["", "—"].includes(cell.textContent.trim()));
}

enableCopying(document);
markEmptyCells();
watchForms();
guardUnsavedForms();
enableDialogs();
guardDangerousForms();
enableToasts();
enableMenus();
enableSearch();
