// Keeps the test panel fresh, and sends without leaving the page; without script the form reloads it.
const REFRESH_MS = 1000;
const AFTER_SEND_MS = 150;

const frame = document.querySelector("[data-test-live]");
const form = document.querySelector("[data-test-say]");
const headers = { "X-Requested-With": "fetch" };

function toEnd() {
  const log = frame.querySelector("[role=log]");
  log.scrollTop = log.scrollHeight;
}

async function refresh() {
  const answer = await fetch(frame.dataset.testLive, { headers });
  if (answer.redirected || !answer.ok) return;
  const fresh = document.createElement("template");
  fresh.innerHTML = await answer.text();
  for (const part of fresh.content.querySelectorAll("[data-test-part]")) {
    const old = frame.querySelector(`[data-test-part=${part.dataset.testPart}]`);
    if (old.textContent === part.textContent) continue;
    keepOpen(old, part);
    old.replaceWith(part);
    if (part.dataset.testPart === "talk") toEnd();
  }
}

/** What somebody reads stays open. */
function keepOpen(old, part) {
  for (const { dataset } of old.querySelectorAll("details[open]")) {
    const same = part.querySelector(`details[data-kept="${dataset.kept}"]`);
    if (same) same.open = true;
  }
}

async function keepFresh() {
  try {
    if (document.visibilityState === "visible") await refresh();
  } finally {
    const isOver = frame.querySelector("[data-over]").dataset.over === "true";
    if (!isOver) setTimeout(keepFresh, REFRESH_MS);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { text } = form.elements;
  const said = text.value;
  const body = new FormData(form);
  text.value = "";
  const answer = await fetch(location.href, { method: "POST", body, headers }).catch(() => null);
  const isSent = answer?.ok && !answer.redirected;
  form.querySelector("[data-test-mark]").textContent = isSent ? "" : "Not sent. Send it again.";
  // Whoever has written on meanwhile keeps both.
  if (!isSent) text.value = `${said} ${text.value}`.trim();
  else setTimeout(refresh, AFTER_SEND_MS);
});

toEnd();
keepFresh();
