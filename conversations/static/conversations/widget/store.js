// @ts-check
/** @import {Action, Item, Payload, State, Unsent, WireEvent} from "./types" */
/** The widget's state as a pure function of what happened. No DOM, no network, no clock. */

/** Server errors that are about our protocol, not about the conversation: never shown. */
const TECHNICAL = new Set([
  "unknown_event", "event_not_allowed", "bad_json", "session_not_found", "conversation_not_found",
  // Said by HANDOFF_FAILED and LIVE_AGENT_JOINED already, in the end user's language.
  "handoff_invalid", "conference_joined",
]);

/** @returns {State} */
export function emptyState() {
  return {
    phase: "ai", link: "idle", sequence: 0, items: [], outbox: [], agents: [], names: {},
    aiName: "", hasStarted: false, hasAiJoined: false, queue: {}, isCancelling: false, typing: "",
    heartbeatSeconds: 30, extensions: [],
  };
}

/**
 * @param {State} state
 * @param {Action} action
 * @returns {State}
 */
export function reduce(state, action) {
  switch (action.type) {
    case "event": return applyEvent(state, action.event);
    case "link": return { ...state, link: action.link, typing: "" };
    case "say": return { ...state, outbox: [...state.outbox, action.message] };
    case "discard": return { ...state, outbox: without(state.outbox, action.id) };
    case "cancelling": return { ...state, isCancelling: true };
    case "typing_over": return { ...state, typing: "" };
    case "lost": return closed(state);
  }
}

/**
 * The lines to draw, oldest first: the journal without messages that were tried again, then
 * what is still unsent.
 * @param {State} state
 * @returns {Item[]}
 */
export function visibleItems(state) {
  const unsent = state.outbox.map(unsentItem);
  const retried = new Set([...state.items, ...unsent].map((item) => item.retryOf));
  return [...state.items.filter((item) => !item.messageId || !retried.has(item.messageId)), ...unsent];
}

/**
 * How many messages of an agent came after `sequence`.
 * @param {State} state
 * @param {number} sequence
 */
export function unreadCount(state, sequence) {
  return state.items.filter((item) => isFromAgent(item) && item.sequence > sequence).length;
}

/** @param {Item} item */
export function isFromAgent(item) {
  return item.from === "ai_agent" || item.from === "live_agent";
}

/** @type {Record<string, (state: State, payload: Payload, event: WireEvent) => State>} */
const HANDLERS = {
  SESSION_START: (state, { capabilities = {} }) => ({
    ...state,
    hasStarted: true,
    heartbeatSeconds: capabilities.heartbeat_interval_seconds || state.heartbeatSeconds,
    extensions: capabilities.extensions ?? [],
  }),
  POLY_AGENT_JOINED: (state, payload) => ({
    ...idleQueue(state),
    phase: "ai", agents: [], limits: undefined, hasAiJoined: true, aiName: payload.agent_name || state.aiName,
  }),
  POLY_AGENT_THINKING: (state) => ({ ...state, typing: "ai_agent" }),
  POLY_AGENT_MESSAGE: (state, payload, event) =>
    addItem({ ...state, typing: "" }, event, { ...said(payload), from: "ai_agent", name: state.aiName }),
  POLY_AGENT_TRIGGERED_HANDOFF: (state) => ({ ...state, phase: "connecting", typing: "" }),
  POLY_AGENT_LEFT: (state) => ({ ...state, phase: "connecting", typing: "" }),
  HANDOFF_ACCEPTED: (state) => ({ ...idleQueue(state), phase: "queued" }),
  HANDOFF_QUEUE_STATUS: (state, payload) => queueStatus(state, payload),
  HANDOFF_FAILED: (state, payload, event) => handoffOver(state, payload, event, "failed"),
  HANDOFF_TIMEOUT: (state, payload, event) => handoffOver(state, payload, event, "timeout"),
  LIVE_AGENT_JOINED: (state, payload, event) => agentJoined(state, payload, event),
  LIVE_AGENT_TYPING: (state, payload) =>
    ({ ...state, typing: payload.state === "TYPING_STATE_STARTED" ? "live_agent" : "" }),
  LIVE_AGENT_MESSAGE: (state, payload, event) => agentSaid(state, payload, event),
  LIVE_AGENT_LEFT: (state, payload, event) => agentLeft(state, payload, event),
  LIVE_AGENT_RECEIVED_MESSAGE: (state, { message_id: id }) =>
    raiseStatus(state, "delivered", (item) => item.messageId === id),
  LIVE_AGENT_READ_MESSAGE: (state, { message_id: id }) => {
    const upTo = state.items.find((item) => item.messageId === id)?.sequence ?? 0;
    return raiseStatus(state, "read", (item) => item.sequence <= upTo);
  },
  USER_MESSAGE: (state, payload, event) => echoed(state, payload, event),
  SYSTEM_MESSAGE: (state, payload, event) => systemSaid(state, payload, event),
  SESSION_END: (state) => closed(state),
};

/**
 * A journaled event counts once: its sequence is above all that were applied before.
 * @param {State} state
 * @param {WireEvent} event
 */
function applyEvent(state, event) {
  const payload = event.payload ?? {};
  const sequence = event.sequence ?? 0;
  if (sequence && sequence <= state.sequence) return settle(state, event);
  const handle = HANDLERS[event.type];
  const next = handle ? handle(state, payload, event) : state;
  return sequence ? { ...next, sequence } : next;
}

/**
 * @param {State} state
 * @param {WireEvent} event
 * @param {Partial<Item> & Pick<Item, "from">} item
 */
function addItem(state, event, item) {
  const id = event.id ?? `${event.sequence}`;
  if (state.items.some((known) => known.key === id)) return state;
  const line = { key: id, text: "", at: event.timestamp ?? "", sequence: event.sequence || state.sequence };
  return { ...state, items: [...state.items, { ...line, ...item }] };
}

/** @param {Payload} payload */
function said(payload) {
  return {
    text: payload.text ?? "", messageId: payload.message_id, attachments: payload.attachments,
    actions: payload.chat_call_actions, suggestions: payload.response_suggestions,
  };
}

/** @param {State} state @returns {State} */
function idleQueue(state) {
  return { ...state, queue: {}, isCancelling: false, typing: "" };
}

/** @param {State} state @returns {State} */
function closed(state) {
  const outbox = state.outbox.map((message) => ({ ...message, hasFailed: true }));
  return { ...idleQueue(state), phase: "closed", agents: [], limits: undefined, outbox };
}

/** @param {State} state @param {Payload} payload @returns {State} */
function queueStatus(state, payload) {
  if (state.phase !== "connecting" && state.phase !== "queued") return state;
  const queue = {
    position: payload.position_in_queue,
    wait: payload.estimated_wait_seconds,
    text: payload.display_message,
  };
  return { ...state, phase: "queued", queue };
}

/**
 * The portal's own words for it come first, then ours in the end user's language.
 * @param {State} state
 * @param {Payload} payload
 * @param {WireEvent} event
 * @param {"failed" | "timeout"} code
 */
function handoffOver(state, { message }, event, code) {
  const line = message ? { text: message } : { code };
  return addItem(
    { ...idleQueue(state), phase: "ai", agents: [], limits: undefined }, event, { from: "system", ...line },
  );
}

/** @param {State} state @param {Payload} payload @param {WireEvent} event */
function agentJoined(state, { agent, attachment_limits: limits }, event) {
  const { id = "", name = "" } = agent ?? {};
  const others = state.agents.filter((known) => known.id !== id);
  const isBack = others.length < state.agents.length;
  /** @type {State} */
  const next = {
    ...idleQueue(state), phase: "live", limits,
    agents: [...others, { id, name }], names: { ...state.names, [id]: name },
  };
  return isBack ? next : addItem(next, event, { from: "system", code: "joined", name });
}

/** @param {State} state @param {Payload} payload @param {WireEvent} event */
function agentSaid(state, payload, event) {
  const id = payload.agent_id ?? "";
  const speaker = state.agents.find((agent) => agent.id === id);
  const agents = speaker ? [...state.agents.filter((agent) => agent !== speaker), speaker] : state.agents;
  const name = state.names[id] || agents.at(-1)?.name;
  const next = { ...state, agents, typing: /** @type {const} */ ("") };
  return addItem(next, event, { ...said(payload), from: "live_agent", name });
}

/** @param {State} state @param {Payload} payload @param {WireEvent} event */
function agentLeft(state, payload, event) {
  const id = payload.agent_id;
  const agents = id ? state.agents.filter((agent) => agent.id !== id) : [];
  const name = payload.agent_name || state.names[id ?? ""] || state.agents.at(-1)?.name;
  const next = { ...state, agents, typing: /** @type {const} */ ("") };
  return addItem(next, event, { from: "system", code: "left", name });
}

const RANK = { sending: 0, sent: 1, delivered: 2, read: 3, failed: 4 };

/**
 * Raise the status of own messages, never lower it.
 * @param {State} state
 * @param {"delivered" | "read" | "failed"} status
 * @param {(item: Item) => boolean} matches
 * @returns {State}
 */
function raiseStatus(state, status, matches) {
  const items = state.items.map((item) =>
    item.status && RANK[item.status] < RANK[status] && matches(item) ? { ...item, status } : item,
  );
  return { ...state, items };
}

/** @param {State} state @param {Payload} payload @param {WireEvent} event */
function echoed(state, payload, event) {
  const custom = event.metadata?.custom ?? {};
  const own = { ...said(payload), from: /** @type {const} */ ("end_user"), retryOf: custom.retry_of };
  const key = custom.client_event_id || event.id || `${event.sequence}`;
  return addItem(settle(state, event), event, { ...own, key, status: "sent" });
}

/**
 * Take the message that this event echoes out of the outbox.
 * @param {State} state
 * @param {WireEvent} event
 */
function settle(state, event) {
  const id = event.type === "USER_MESSAGE" ? event.metadata?.custom?.client_event_id : undefined;
  return id ? { ...state, outbox: without(state.outbox, id) } : state;
}

/** @param {State} state @param {Payload} payload @param {WireEvent} event */
function systemSaid(state, payload, event) {
  const { code = "", message_id: id } = payload;
  if (code === "handoff_forward_failed" && id) {
    return raiseStatus(state, "failed", (item) => item.messageId === id);
  }
  const refused = event.metadata?.custom?.client_event_id;
  const isError = payload.level === "SYSTEM_MESSAGE_LEVEL_ERROR";
  const outbox = state.outbox.map((message) =>
    isError && message.id === refused ? { ...message, hasFailed: true } : message,
  );
  const next = { ...state, outbox, typing: isError ? /** @type {const} */ ("") : state.typing };
  if (TECHNICAL.has(code) || !payload.message) return next;
  return addItem(next, event, { from: "system", text: payload.message });
}

/** @param {Unsent} message @returns {Item} */
function unsentItem(message) {
  return {
    key: message.id, from: "end_user", text: message.text, at: message.at, retryOf: message.retryOf,
    sequence: Infinity, status: message.hasFailed ? "failed" : "sending", attachments: message.files,
  };
}

/** @param {Unsent[]} outbox @param {string} id */
function without(outbox, id) {
  return outbox.filter((message) => message.id !== id);
}
