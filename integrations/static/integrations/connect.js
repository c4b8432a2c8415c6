// The Connect flow's comforts: fields by connection type, the test as it runs, ticks by themselves.
import { announce, goToFirstError } from "./portal.js";

const VERIFY_EVERY_MS = 3000;

/** Shows the fields of the chosen connection type and hides the others. */
function followConnectionType() {
  const form = document.querySelector("[data-modes-form]");
  const choice = form?.elements[form.dataset.modesForm];
  if (!choice) return;
  const show = () => {
    for (const field of form.querySelectorAll("[data-modes]"))
      field.hidden = !field.dataset.modes.split(" ").includes(choice.value);
  };
  choice.addEventListener("change", show);
  show(); // it may have been changed before this script came
}

/** Yields the JSON objects of a response that holds one on each line. */
async function* jsonLines(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line) yield JSON.parse(line);
  }
}

/** Runs Test connection on the page and draws each check as it comes. */
class ConnectionTest {
  constructor(root) {
    this.root = root;
    this.form = root.querySelector("[data-test-form]");
    this.button = root.querySelector("[data-test-button]");
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.run();
    });
    if ("testNow" in root.dataset) this.run();
  }

  async run() {
    this.button.disabled = true;
    this.button.textContent = this.root.dataset.testBusy ?? "Testing…";
    this.reset();
    try {
      await this.follow(await this.request());
    } catch {
      this.refuse("The connection to this portal was lost. Test again.");
    }
    this.button.disabled = false;
    this.button.textContent = this.root.dataset.testAgain ?? "Test again";
  }

  request() {
    return fetch(this.root.dataset.testUrl, {
      method: "POST",
      body: new FormData(this.form),
      headers: { Accept: "application/x-ndjson" },
    });
  }

  async follow(response) {
    if (response.redirected) return location.assign(response.url);
    if (!response.ok) return this.refuse(await refusalText(response));
    for await (const line of jsonLines(response)) {
      if (line.kind === "check") this.show(line);
      else this.finish(line.is_ok);
    }
  }

  reset() {
    this.when("none");
    this.root.querySelector("[data-test-at]")?.remove();
    for (const row of this.rows()) this.mark(row, { state: "waiting" });
    this.startNext();
  }

  show(check) {
    const row = this.root.querySelector(`[data-check="${check.name}"]`);
    if (!row) return;
    row.hidden = false;
    this.mark(row, check);
    this.startNext();
  }

  startNext() {
    const next = this.rows().find((row) => row.dataset.state === "waiting");
    if (next) this.mark(next, { state: "running" });
  }

  mark(row, { state, ms = null, cause = "", cure = "", code = "", detail = "" }) {
    row.dataset.state = state;
    row.querySelector("[data-check-state]").textContent = state;
    row.querySelector("[data-check-ms]").textContent = ms === null ? "" : ` · ${ms} ms`;
    row.querySelector("[data-check-help]").textContent = `${cause} ${cure}`.trim();
    row.querySelector("[data-check-code]").textContent = [code, detail].filter(Boolean).join(" · ");
  }

  finish(isOk) {
    // A check that never ran is not part of this connection type.
    for (const row of this.rows())
      row.hidden = ["waiting", "running"].includes(row.dataset.state);
    this.when(isOk ? "passed" : "failed");
    this.say(this.root.querySelector("[data-when]:not([hidden])")?.textContent.trim() ?? "");
  }

  refuse(text) {
    for (const row of this.rows()) this.mark(row, { state: "waiting" });
    this.root.querySelector("[data-test-refusal]").textContent = text;
    this.when("refused");
    this.say(text);
  }

  when(outcome) {
    for (const part of this.root.querySelectorAll("[data-when]")) {
      const wanted = part.dataset.when;
      part.hidden = wanted === "not-passed" ? outcome === "passed" : wanted !== outcome;
    }
  }

  rows() {
    return [...this.root.querySelectorAll("[data-check]")];
  }

  say(text) {
    this.root.querySelector("[data-test-announce]").textContent = text;
  }
}

/** Finds the words of a refusal, whether the portal or something before it answered. */
async function refusalText(response) {
  const isJson = response.headers.get("content-type")?.includes("json");
  const answer = isJson ? await response.json() : {};
  return answer.error ?? `The portal answered with ${response.status}. Load the page again.`;
}

/** Asks every few seconds which verify steps have passed. */
function watchVerifyList() {
  const list = document.querySelector("[data-verify-url]");
  if (!list) return;
  setInterval(async () => {
    if (document.hidden) return;
    const response = await fetch(list.dataset.verifyUrl).catch(() => null);
    if (!response?.ok || response.redirected) return;
    for (const [name, hasPassed] of Object.entries(await response.json()))
      tick(list.querySelector(`[data-verify="${name}"]`), hasPassed);
  }, VERIFY_EVERY_MS);
}

function tick(line, hasPassed) {
  const state = hasPassed ? "passed" : "waiting";
  if (line.dataset.state === state) return;
  line.dataset.state = state;
  line.querySelector("[data-check-state]").textContent = ` ${state}`;
  if (hasPassed) announce(`Passed: ${line.textContent.trim()}`);
}

followConnectionType();
goToFirstError(document);
for (const root of document.querySelectorAll("[data-test]")) new ConnectionTest(root);
watchVerifyList();
