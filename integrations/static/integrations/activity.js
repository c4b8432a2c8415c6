// Keeps who writes signed in, and keeps what they wrote when they are signed out all the same.

import { announce } from "./portal.js";

const EVERY_MS = 60_000;
let told = Date.now();

/** The token as the browser has it now: signing in again, in another tab, makes a new one. */
function token() {
  return document.cookie.match(/(?:^|; )csrftoken=([^;]+)/)?.[1] ?? "";
}

/** Tells the portal that somebody is here; returns whether they are still signed in. */
async function isSignedIn() {
  told = Date.now();
  const headers = { "X-CSRFToken": token() };
  const answer = await fetch("/account/active/", { method: "POST", headers }).catch(() => null);
  return answer?.status !== 401;
}

/** Says above the form that its member was signed out, and how to save it nevertheless. */
function sayOver(form) {
  if (form.querySelector("[data-signed-out]")) return;
  const banner = document.createElement("div");
  banner.className = "banner banner-warning";
  banner.dataset.signedOut = "";
  banner.setAttribute("role", "alert");
  const words = document.createElement("p");
  const link = document.createElement("a");
  link.href = "/login/";
  link.target = "_blank";
  link.textContent = "Sign in in a new tab";
  words.append("You were signed out. What you entered is still here: ", link, ", then save.");
  banner.append(words);
  form.prepend(banner);
  banner.scrollIntoView({ block: "center" });
  announce("You were signed out. What you entered is still here.");
}

/** Looks before a form is sent late, and as long as somebody writes in it. */
function watch(form) {
  form.addEventListener("input", async () => {
    if (Date.now() - told < EVERY_MS) return;
    if (!(await isSignedIn())) sayOver(form);
  });
  let isLooked = false;
  form.addEventListener("submit", async (event) => {
    const hidden = form.elements.csrfmiddlewaretoken;
    if (hidden && token()) hidden.value = token();
    if (isLooked || Date.now() - told < EVERY_MS) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!(await isSignedIn())) return sayOver(form);
    isLooked = true;
    if (hidden && token()) hidden.value = token();
    form.requestSubmit(event.submitter);
    isLooked = false;
  }, { capture: true });
}

/** Watches the forms in which something can be lost. */
export function watchForms() {
  for (const form of document.querySelectorAll("form[data-unsaved]")) watch(form);
}
