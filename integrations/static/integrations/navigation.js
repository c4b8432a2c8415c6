// The frame's comforts: groups that stay folded, the switcher's search, the command box and single keys.
// Every page works without this script.

import { enableCommandBox } from "./command_box.js";

const YEAR_SECONDS = 365 * 24 * 3600;
const SEQUENCE_MS = 1500;
// By what a page knows that its address comes from its own search.
const SEARCHED = "searched";

/** Keeps which groups of the menu are folded: a cookie tells the server for the next page. */
function keepFolding() {
  const groups = [...document.querySelectorAll("[data-fold]")];
  for (const group of groups) {
    group.querySelector("summary").addEventListener("click", () => {
      // The click comes before the group changes; a toggle would come when the page may be left.
      const folded = groups.filter((one) => (one === group) === one.open);
      const names = folded.map((one) => one.dataset.fold).join(".");
      document.cookie = `folded=${names}; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
    });
  }
}

/** Lets the switcher be searched, and walked with the arrow keys. */
function enableSwitcher() {
  const switcher = document.querySelector("[data-switcher]");
  if (!switcher) return;
  const links = [...switcher.querySelectorAll(".switcher-list .menu-item")];
  const search = switcher.querySelector("[data-switcher-search]");
  if (search) {
    search.hidden = false;
    const input = search.querySelector("input");
    input.addEventListener("input", () => {
      const wanted = input.value.trim().toLowerCase();
      for (const link of links)
        link.parentElement.hidden = !link.textContent.toLowerCase().includes(wanted);
      const isNone = links.every((link) => link.parentElement.hidden);
      switcher.querySelector("[data-switcher-none]").hidden = !isNone;
    });
    switcher.addEventListener("toggle", () => switcher.open && input.focus());
  }
  switcher.addEventListener("keydown", (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || !switcher.open) return;
    event.preventDefault();
    const shown = [...switcher.querySelectorAll(".menu-item")].filter((one) => one.offsetParent);
    step(shown, by);
  });
}

/** Moves the focus by one in a row of links. */
function step(links, by) {
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), links.length - 1);
  links[next]?.focus();
}

function isWriting(element) {
  return element.closest("input, textarea, select, [contenteditable], .cm-editor") !== null;
}

/** Lets single keys act: never while a field has the focus, and not where they are off. */
function enableKeys() {
  const help = document.getElementById("keys-dialog");
  if (!help) return;
  help.querySelector("[data-keys-close]").addEventListener("click", () => help.close());
  if (help.dataset.keys !== "on") return;
  let isGoing = false;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (isGoing) {
      isGoing = false;
      document.querySelector(`.nav-link[data-letter="${CSS.escape(event.key)}"]`)?.click();
    } else if (event.key === "g") {
      isGoing = true;
      setTimeout(() => (isGoing = false), SEQUENCE_MS);
    } else if (event.key === "?") {
      help.showModal();
    } else if (event.key === "/") {
      const search = document.querySelector("main input[type=search]");
      if (!search) return;
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "j" || event.key === "k") {
      step(rows(), event.key === "j" ? 1 : -1);
    } else if (event.key === "x") {
      event.target.closest("tr")?.querySelector("input[type=checkbox]")?.click();
    }
  });
}

/** Returns the links of a list's rows: those that are marked, else the first of each row. */
function rows() {
  const marked = document.querySelectorAll("main [data-list] [data-row]");
  if (marked.length) return [...marked];
  const lines = [...document.querySelectorAll("main tbody tr")];
  return lines.map((line) => line.querySelector("a[href]")).filter(Boolean);
}

/** Gives the focus to what a search has found: the next keys are meant for it. */
function enableResults() {
  const form = document.querySelector("main form.list-search");
  if (!form) return;
  form.addEventListener("submit", () => sessionStorage.setItem(SEARCHED, location.pathname));
  const isSearched = sessionStorage.getItem(SEARCHED) === location.pathname;
  sessionStorage.removeItem(SEARCHED);
  const found = document.querySelector("main .table-wrap, main .empty-state");
  if (!isSearched || !found || document.querySelector("main [aria-invalid]")) return;
  if (!found.hasAttribute("tabindex")) found.tabIndex = -1;
  found.focus();
}

keepFolding();
enableSwitcher();
enableCommandBox();
enableKeys();
enableResults();
