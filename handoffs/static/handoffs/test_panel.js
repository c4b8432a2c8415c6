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
  const [old, part] = [frame, fresh.content].map((at) => at.querySelector("[data-test-part]"));
  if (old.textContent === part.textContent) return;
  const isOpen = Boolean(old.querySelector("details[open]"));
  const payload = part.querySelector("details");
  if (payload) payload.open = isOpen;
  old.replaceWith(part);
  toEnd();
}

async function keepFresh() {
  try {
    if (document.visibilityState === "visible") await refresh();
  } finally {
    const isOver = frame.querySelector("[data-test-part]").dataset.over === "true";
    if (!isOver) setTimeout(keepFresh, REFRESH_MS);
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = new FormData(form);
  form.elements.text.value = "";
  await fetch(location.href, { method: "POST", body, headers });
  setTimeout(refresh, AFTER_SEND_MS);
});

toEnd();
keepFresh();
