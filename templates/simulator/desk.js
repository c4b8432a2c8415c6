// The desk page: shows what the simulator holds and does what a live agent would do.
"use strict";

const POLL_MS = 1000;
const TYPING_STOP_MS = 4000;
const GROUPS = [["queued", "Waiting"], ["active", "In work"], ["ended", "Ended"]];
const STATUS_WORDS = { queued: "Waiting", active: "Active", ended: "Ended" };
const $ = (id) => document.getElementById(id);

let conversations = [];
let selectedId = null;
let shownState = "";
let typingTimer = 0;

function make(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  if (className) node.className = className;
  return node;
}

async function call(path, body) {
  const options = body === undefined
    ? {}
    : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(path, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.message);
  return answer;
}

function report(error) {
  $("problem").textContent = error ? error.message : "";
  $("problem").hidden = !error;
}

async function act(action, fields = {}) {
  if (!selectedId) return;
  try {
    await call(`conversations/${selectedId}/${action}`, fields);
    report(null);
  } catch (error) {
    report(error);
  }
  await refresh();
}

const selected = () => conversations.find((one) => one.id === selectedId);
const myName = () => $("agent-name").value.trim() || "Noor Halvorsen";
const time = (at) => new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const personName = (one) => {
  const first = one.attributes._firstName || "";
  const last = one.attributes._lastName || "";
  return `${first} ${last}`.trim() || one.end_user.display_name;
};

// -- Live updates --------------------------------------------------------------------------------

let isPolling = false;

async function poll() {
  if (isPolling) return;
  isPolling = true;
  try {
    await refresh();
  } finally {
    isPolling = false;
  }
}

async function refresh() {
  try {
    const [list, switches] = await Promise.all([call("conversations"), call("config")]);
    const state = JSON.stringify([list, switches.agents_offline, selectedId]);
    if (state === shownState) return;
    shownState = state;
    conversations = list;
    $("is-available").checked = !switches.agents_offline;
    render();
  } catch {
    report(new Error("The simulator does not answer. This page goes on when it is back."));
    shownState = "";
    return;
  }
  markRead();
}

// An agent who has the conversation open on screen has read it.
function markRead() {
  const one = selected();
  if (!one || !one.agents.length || document.hidden || !isChatShown()) return;
  const unread = one.messages.filter((message) => message.from === "end_user" && !message.read);
  if (unread.length) call(`conversations/${one.id}/read`, {}).catch(report);
}

document.addEventListener("visibilitychange", markRead);

const isChatShown = () => $("log").offsetParent !== null;

// -- Drawing -------------------------------------------------------------------------------------

function render() {
  if (!selected()) selectedId = null;
  renderInbox();
  renderChat();
  renderDetails();
}

function renderInbox() {
  const focused = document.activeElement?.dataset?.id;
  const parts = GROUPS.flatMap(([status, title]) => {
    const found = conversations.filter((one) => one.status === status);
    if (status === "ended") found.reverse();
    return found.length ? [make("h3", `${title} (${found.length})`), ...found.map(workButton)] : [];
  });
  if (!parts.length) parts.push(make("p", "Nothing here yet.", "empty"));
  $("inbox").replaceChildren(...parts);
  if (focused) $("inbox").querySelector(`[data-id="${focused}"]`)?.focus();
}

function workButton(one) {
  const button = make("button", undefined, "work");
  button.type = "button";
  button.dataset.id = one.id;
  button.setAttribute("aria-current", String(one.id === selectedId));
  const head = make("strong", personName(one));
  head.append(make("span", time(one.started_at)));
  const said = one.messages.at(-1);
  button.append(head, make("span", one.agents.length ? one.agents.join(", ") : `Queue: ${one.queue}`));
  if (said) button.append(make("span", said.text || said.attachments.map((file) => file.name).join(", ")));
  button.addEventListener("click", () => select(one.id));
  return button;
}

function select(id) {
  selectedId = id;
  report(null);
  shownState = "";
  showPane("chat");
  refresh();
}

function renderChat() {
  const one = selected();
  $("actions").hidden = !one;
  $("chat-status").hidden = !one;
  $("composer").hidden = !one || one.status !== "active";
  $("rich").hidden = !one || one.status === "ended" || !$("rich").children.length;
  if (!one) {
    $("chat-title").textContent = "No conversation selected";
    return;
  }
  $("chat-title").textContent = personName(one);
  $("chat-status").textContent = STATUS_WORDS[one.status];
  $("chat-status").className = `badge ${one.status}`;
  renderActions(one);
  renderSpeakers(one);
  renderLog(one);
  $("typing").textContent = one.is_typing ? `${personName(one)} is typing…` : "";
}

function renderActions(one) {
  const shown = {
    accept: one.status === "queued", decline: one.status === "queued",
    transfer: one.status === "active", conference: one.status === "active",
    leave: one.status === "active" && one.agents.length > 1, end: one.status === "active",
  };
  for (const button of $("actions").children) button.hidden = !shown[button.dataset.act];
}

function renderSpeakers(one) {
  const chosen = $("speaker").value;
  $("speaker").replaceChildren(...one.agents.map((name) => new Option(name)));
  $("speaker").value = one.agents.includes(chosen) ? chosen : one.agents[0] || "";
  $("speaker-field").hidden = one.agents.length < 2;
}

function renderLog(one) {
  const log = $("log");
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  const isOther = log.dataset.id !== one.id;
  const told = [
    ...one.messages.map((message) => ({ order: message.order, node: messageNode(message) })),
    ...one.timeline.map((line) => ({ order: line.order, node: lineNode(line) })),
  ].sort((a, b) => a.order - b.order);
  log.dataset.id = one.id;
  log.replaceChildren(...told.map((item) => item.node));
  if (isAtEnd || isOther) log.scrollTop = log.scrollHeight;
}

const lineNode = (line) => make("p", `${line.text} · ${time(line.at)}`, "line");

function messageNode(message) {
  const node = make("div", undefined, `message ${message.from}`);
  const words = make("div", message.text, "words");
  for (const file of message.attachments) words.append(fileLink(file, Boolean(message.text)));
  if (message.options.length) {
    const list = make("ol", undefined, "options");
    list.append(...message.options.map((option) => make("li", option)));
    words.append(list);
  }
  node.append(words, ...(message.answer ? [answerNode(message)] : []), make("div", caption(message), "who"));
  return node;
}

// What came back as more than a text: its label, and the fields of the vendor's own answer. The log
// is drawn anew at every change, so what was unfolded is remembered.
const unfolded = new Set();

function answerNode({ id, answer }) {
  const { label, ...fields } = answer;
  const node = make("details", undefined, "answer");
  const rows = Object.entries(fields).map(([name, value]) =>
    [name, typeof value === "string" ? value : JSON.stringify(value)]);
  const list = make("dl");
  fillList(list, rows);
  node.append(make("summary", `Structured answer: ${label}`), list);
  node.open = unfolded.has(id);
  node.addEventListener("toggle", () => (node.open ? unfolded.add(id) : unfolded.delete(id)));
  return node;
}

function fileLink(file, isAfterText) {
  const line = make("div");
  line.className = isAfterText ? "file spaced" : "file";
  const link = make("a", file.name);
  link.href = file.url;
  link.download = file.name;
  line.append(link);
  return line;
}

function caption(message) {
  const receipt = message.read ? "read" : message.delivered ? "delivered" : "sent";
  const shown = message.from === "system" ? [] : [receipt];
  return [message.name, time(message.at), ...shown].join(" · ");
}

function renderDetails() {
  const one = selected();
  if (!one) {
    $("details").replaceChildren(make("p", "Nothing selected.", "empty"));
    return;
  }
  const parts = $("details-template").content.cloneNode(true);
  const fill = (part, rows) => fillList(parts.querySelector(`[data-part=${part}]`), rows);
  fill("trace", Object.entries(one.attributes).filter(([name]) => /session_?id$/i.test(name)));
  fill("attributes", Object.entries(one.attributes));
  fill("end_user", [
    ["Name", one.end_user.display_name],
    ["Identity", one.end_user.is_authenticated ? "verified" : "anonymous"],
    ["Subject", one.end_user.subject],
    ["Language", one.language || "not given"],
  ]);
  fill("session", sessionRows(one));
  $("details").replaceChildren(parts);
}

function sessionRows(one) {
  return [
    ["Conversation", one.id],
    ["Status", one.session_status || "none"],
    ["Routing", one.routing_status || "none"],
    ["Queue", one.queue || "none"],
    ["Agents", one.agents.join(", ") || "none"],
    ...Object.entries(one.session_fields),
    ["Sessions", String(one.sessions.length)],
    ...(one.cases === undefined ? [] : [["Cases", String(one.cases)]]),
  ];
}

function fillList(list, rows) {
  if (!rows.length) rows = [["None", ""]];
  list.append(...rows.flatMap(([name, value]) => [make("dt", name), make("dd", value)]));
}

// -- What the agent does -------------------------------------------------------------------------

function ask(title, isTargetAsked) {
  $("ask-title").textContent = title;
  $("ask-kind").hidden = !isTargetAsked;
  $("ask-name").value = "";
  $("ask").returnValue = "";
  $("ask").showModal();
  $("ask-name").focus();
  return new Promise((resolve) => {
    $("ask").addEventListener("close", () => {
      const name = $("ask-name").value.trim();
      if ($("ask").returnValue !== "ok" || !name) resolve(null);
      else resolve({ [isTargetAsked ? $("ask").querySelector(":checked").value : "agent_name"]: name });
    }, { once: true });
  });
}

const ACTIONS = {
  accept: () => act("accept", { agent_name: myName() }).then(() => $("text").focus()),
  decline: () => act("decline", { agent_name: myName() }),
  transfer: async () => {
    const target = await ask("Transfer", true);
    if (target) act("transfer", target);
  },
  conference: async () => {
    const colleague = await ask("Add a colleague", false);
    if (colleague) act("accept", colleague);
  },
  leave: () => act("leave", speaker()),
  end: () => act("end"),
};

$("ask-cancel").addEventListener("click", () => $("ask").close());

const speaker = () => ($("speaker").value ? { agent_name: $("speaker").value } : {});

for (const button of $("actions").children) {
  button.addEventListener("click", () => ACTIONS[button.dataset.act]());
}

$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = $("text").value.trim();
  if (!text) return;
  $("text").value = "";
  stopTyping();
  act("say", { text, ...speaker() });
});

async function offerRichKinds() {
  const kinds = await call("rich");
  if (!kinds.length) return;
  $("rich").append(make("span", "Send:"), ...kinds.map(richButton));
  render();
}

function richButton(kind) {
  const button = make("button", kind.replaceAll("_", " "));
  button.type = "button";
  button.addEventListener("click", () => act("rich", { kind }));
  return button;
}

$("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("composer").requestSubmit();
  }
});

$("text").addEventListener("input", () => {
  if (!typingTimer) act("type", { is_typing: true, ...speaker() });
  clearTimeout(typingTimer);
  typingTimer = setTimeout(stopTyping, TYPING_STOP_MS);
});

function stopTyping() {
  if (!typingTimer) return;
  clearTimeout(typingTimer);
  typingTimer = 0;
  act("type", { is_typing: false, ...speaker() });
}

$("file").addEventListener("change", () => {
  const [file] = $("file").files;
  if (!file) return;
  const reader = new FileReader();
  reader.addEventListener("load", () => {
    const content_base64 = reader.result.slice(reader.result.indexOf(",") + 1);
    act("file", { name: file.name, mime_type: file.type, content_base64, ...speaker() });
    $("file").value = "";
  });
  reader.readAsDataURL(file);
});

$("is-available").addEventListener("change", () => {
  cause("agents_offline", { bool: !$("is-available").checked });
});

// -- Faults --------------------------------------------------------------------------------------

async function cause(kind, fields) {
  try {
    await call("faults", { kind, ...fields });
    $("fault-result").textContent = `Done: ${kind.replaceAll("_", " ")}.`;
  } catch (error) {
    $("fault-result").textContent = error.message;
  }
  refresh();
}

function fieldsOf(form) {
  const fields = {};
  for (const input of form.querySelectorAll("[name]")) {
    const { type } = input.dataset;
    if (type === "tick") fields[input.name] = input.checked;
    else fields[input.name] = type === "number" ? Number(input.value) : input.value;
  }
  return fields;
}

$("open-faults").addEventListener("click", () => $("faults").showModal());
for (const form of document.querySelectorAll("form.fault")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    cause(form.dataset.kind, fieldsOf(form));
  });
}
for (const button of document.querySelectorAll("[data-fault]")) {
  button.addEventListener("click", () => cause(button.dataset.fault, {}));
}
document.querySelector("[data-reset]").addEventListener("click", async () => {
  await call("reset", {});
  $("fault-result").textContent = "Everything is forgotten.";
  refresh();
});

// -- Panes on a narrow screen --------------------------------------------------------------------

function showPane(name) {
  document.body.dataset.pane = name;
  for (const button of document.querySelectorAll("[data-show]")) {
    button.setAttribute("aria-pressed", String(button.dataset.show === name));
  }
  markRead();
}

for (const button of document.querySelectorAll("[data-show]")) {
  button.addEventListener("click", () => showPane(button.dataset.show));
}

setInterval(poll, POLL_MS);
poll();
offerRichKinds().catch(report);
