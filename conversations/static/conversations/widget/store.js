// @ts-check
/** @import {Action, Content, Item, Payload, State, Unsent, WireEvent} from "./types" */
/** The widget's state as a pure function of what happened. No DOM, no network, no clock. */
import { isOffer } from "./offers.js";

/** Server errors that are about our protocol, not about the conversation: never shown. */
const TECHNICAL = new Set([
  "unknown_event", "event_not_allowed", "bad_json", "session_not_found", "conversation_not_found",
  // Said by HANDOFF_FAILED and LIVE_AGENT_JOINED already, in the end user's language.
  "handoff_invalid", "conference_joined",
]);

const ECHOES = new Set(["USER_MESSAGE", "USER_RETRY_MESSAGE"]);

/** @returns {State} */
export function emptyState() {
  return {
    phase: "ai", link: "idle", sequence: 0, items: [], growing: [], outbox: [], agents: [], names: {},
    aiName: "", aiAvatar: "", hasStarted: false, hasAiJoined: false, queue: {}, answers: {}, offer: "",
    isCancelling: false, typing: "", heartbeatSeconds: 30, extensions: [],
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
    case "link": return { ...state, link: action.link, typing: "", growing: [] };
    case "say": return { ...state, idle: undefined, outbox: [...state.outbox, action.message] };
    case "discard": return { ...state, outbox: without(state.outbox, action.id) };
    case "cancelling": return { ...state, isCancelling: true };
    case "typing_over": return { ...state, typing: "" };
    case "lost": return closed(state);
  }
}

/**
 * The lines to draw, oldest first: the journal without messages that were said again, what the AI
 * agent is saying, then what is still unsent. One that is to be delivered again reads as sending.
 * @param {State} state
 * @returns {Item[]}
 */
export function visibleItems(state) {
  const again = new Set(state.outbox.map((message) => message.again));
  const unsent = state.outbox.filter((message) => !message.again).map(unsentItem);
  const retried = new Set([...state.items, ...unsent].map((item) => item.retryOf));
  const kept = state.items.filter((item) => !item.messageId || !retried.has(item.messageId));
  const said = kept.map((item) => (item.messageId && again.has(item.messageId) ? sending(item) : item));
  return [...said, ...state.growing, ...unsent];
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
  return item.from === "ai_agent" || isFromVendor(item);
}

/** From the vendor's side: a person, or the vendor's own bot. @param {Item} item */
export function isFromVendor(item) {
  return item.from === "live_agent" || item.from === "vendor_bot";
}

/** @type {Record<string, (state: State, payload: Payload, event: WireEvent) => State>} */
const HANDLERS = {
  SESSION_START: (state, { capabilities = {}, context_id: contextId }) => ({
    ...state,
    contextId,
    hasStarted: true,
    heartbeatSeconds: capabilities.heartbeat_interval_seconds || state.heartbeatSeconds,
    extensions: capabilities.extensions ?? [],
  }),
  POLY_AGENT_JOINED: (state, payload) => ({
    ...withoutVendor(state), phase: "ai", hasAiJoined: true, aiName: payload.agent_name || state.aiName,
    aiAvatar: payload.agent_avatar_url ?? "",
  }),
  POLY_AGENT_THINKING: (state) => ({ ...state, typing: "ai_agent", growing: [] }),
  POLY_AGENT_MESSAGE_CHUNK: grown,
  POLY_AGENT_MESSAGE: (state, payload, event) =>
    addMessage(withoutGrowing(state, payload), event, { ...said(payload), from: "ai_agent", name: state.aiName }),
  POLY_AGENT_TRIGGERED_HANDOFF: (state) => ({ ...state, phase: "connecting", typing: "" }),
  POLY_AGENT_LEFT: (state) => ({ ...state, phase: "connecting", typing: "", growing: [] }),
  HANDOFF_ACCEPTED: (state) => ({ ...idleQueue(state), phase: "queued" }),
  HANDOFF_QUEUE_STATUS: queueStatus,
  HANDOFF_FAILED: (state, payload, event) => handoffOver(state, payload, event, "failed"),
  HANDOFF_TIMEOUT: (state, payload, event) => handoffOver(state, payload, event, "timeout"),
  LIVE_AGENT_JOINED: agentJoined,
  LIVE_AGENT_TYPING: (state, payload) =>
    ({ ...state, typing: payload.state === "TYPING_STATE_STARTED" ? "live_agent" : "" }),
  LIVE_AGENT_MESSAGE: agentSaid,
  LIVE_AGENT_MESSAGE_CHANGED: messageChanged,
  LIVE_AGENT_LEFT: agentLeft,
  LIVE_AGENT_RECEIVED_MESSAGE: (state, { message_id: id }) =>
    raiseStatus(state, "delivered", (item) => item.messageId === id),
  LIVE_AGENT_READ_MESSAGE: (state, { message_id: id }) => {
    const upTo = state.items.find((item) => item.messageId === id)?.sequence ?? 0;
    return raiseStatus(state, "read", (item) => item.sequence <= upTo);
  },
  USER_MESSAGE: echoed,
  USER_RETRY_MESSAGE: (state, { message_id: id }, event) => {
    const items = state.items.map((item) => (item.messageId === id ? sending(item) : item));
    return { ...settle(state, event), items };
  },
  SESSION_IDLE_WARNING: (state, { message = "", seconds_left: seconds }) => ({ ...state, idle: { message, seconds } }),
  LANGUAGE_CHANGED: (state, { language_code: language }) => ({ ...state, language }),
  SHOW_CSAT_REQUEST: (state, /** @type {any} */ payload, { timestamp }) => ({ ...state, survey: { ...payload, at: timestamp } }),
  SYSTEM_MESSAGE: systemSaid,
  SESSION_END: closed,
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

/**
 * A message that says nothing makes no line; one that offers something takes the place of the
 * offer before it.
 * @param {State} state @param {WireEvent} event @param {Partial<Item> & Pick<Item, "from">} item
 */
function addMessage(state, event, item) {
  const { text, content, messageId, attachments = [], actions = [], suggestions = [] } = item;
  const isEmpty = !(text || attachments.length || actions.length || suggestions.length || isDrawn(content));
  if (isEmpty) return state;
  const offer = isOffer(content) && messageId ? messageId : state.offer;
  return addItem({ ...state, offer }, event, item);
}

/**
 * A piece of what the AI agent is saying; the journal's line takes its place in the end. Who came
 * too late for the beginning waits for that line.
 * @param {State} state @param {Payload} payload @param {WireEvent} event
 */
function grown(state, { message_id: id = "", text = "", chunk_index: index = 0 }, event) {
  const known = state.growing.find((item) => item.messageId === id);
  const isSaid = state.items.some((item) => item.messageId === id);
  if (isSaid || index !== (known?.chunks ?? 0) + 1) return state;
  /** @type {Item} */
  const item = known ?? {
    key: id, messageId: id, from: "ai_agent", name: state.aiName, text: "", at: event.timestamp ?? "",
    sequence: Infinity,
  };
  const others = state.growing.filter((other) => other !== known);
  const typing = /** @type {const} */ ("");
  return { ...state, typing, growing: [...others, { ...item, text: item.text + text, chunks: index }] };
}

/** A line that was not seen growing is another answer than the one that was begun.
 * @param {State} state @param {Payload} payload @returns {State} */
function withoutGrowing(state, { message_id: id }) {
  const isKnown = state.growing.some((item) => item.messageId === id);
  const growing = isKnown ? state.growing.filter((item) => item.messageId !== id) : [];
  return { ...state, typing: "", growing };
}

/** @param {Content | undefined} content */
function isDrawn(content) {
  const { text, choices, cards, slots, form, unknown } = content ?? {};
  return !!(text || choices?.length || cards?.length || slots?.length || form || unknown);
}

/** @param {Payload} payload */
function said(payload) {
  return {
    content: payload.content,
    text: payload.text ?? "", messageId: payload.message_id, attachments: payload.attachments,
    actions: payload.chat_call_actions, suggestions: payload.response_suggestions,
  };
}

/** @param {State} state @returns {State} */
function idleQueue(state) {
  return { ...state, queue: {}, isCancelling: false, typing: "", bot: undefined, idle: undefined };
}

/** Nobody at the vendor listens any more: what was offered there is over. @param {State} state @returns {State} */
function withoutVendor(state) {
  return { ...idleQueue(state), agents: [], limits: undefined, offer: "" };
}

/** @param {State} state @returns {State} */
function closed(state) {
  const outbox = state.outbox.map((message) => ({ ...message, hasFailed: true }));
  return { ...withoutVendor(state), phase: "closed", outbox, growing: [] };
}

/** @param {State} state @param {Payload} payload @returns {State} */
function queueStatus(state, payload) {
  if (state.phase !== "connecting" && state.phase !== "queued") return state;
  const queue = {
    position: payload.position_in_queue,
    wait: payload.estimated_wait_seconds,
    text: payload.display_message,
  };
  const isSame = JSON.stringify(queue) === JSON.stringify(state.queue); // said again, while the bot talks
  return { ...state, phase: "queued", queue, bot: isSame ? state.bot : undefined };
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
  return addItem({ ...withoutVendor(state), phase: "ai" }, event, { from: "system", ...line });
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
  if (payload.by === "vendor_bot") return botSaid(state, payload, event);
  const id = payload.agent_id ?? "";
  const speaker = state.agents.find((agent) => agent.id === id);
  const agents = speaker ? [...state.agents.filter((agent) => agent !== speaker), speaker] : state.agents;
  const name = state.names[id] || agents.at(-1)?.name;
  const next = { ...state, agents, typing: /** @type {const} */ ("") };
  return addMessage(next, event, { ...said(payload), from: "live_agent", name });
}

/** The vendor's bot is nobody who joined, but while it talks nobody is waited for.
 * @param {State} state @param {Payload} payload @param {WireEvent} event */
function botSaid(state, payload, event) {
  const name = payload.agent_name ?? "";
  const bot = state.phase === "live" ? undefined : name;
  const next = { ...state, bot, typing: /** @type {const} */ ("") };
  return addMessage(next, event, { ...said(payload), from: "vendor_bot", name });
}

/** @param {State} state @param {Payload} payload @returns {State} */
function messageChanged(state, { message_id: id, text = "", is_deleted: isDeleted, content }) {
  const items = state.items.map((item) => {
    if (!id || item.messageId !== id) return item;
    const now = { ...item, text, content, isEdited: true };
    return isDeleted ? { ...now, text: "", content: undefined, attachments: [], actions: [], suggestions: [], isDeleted } : now;
  });
  return { ...state, items, offer: isDeleted && state.offer === id ? "" : state.offer };
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
  const { message_id: offer, payload: taken } = payload.answer ?? {};
  const answers = offer ? { ...state.answers, [offer]: taken ?? "" } : state.answers;
  return addItem(settle({ ...state, answers, idle: undefined }, event), event, { ...own, key, status: "sent" });
}

/**
 * Take what this event echoes out of the outbox.
 * @param {State} state
 * @param {WireEvent} event
 */
function settle(state, event) {
  const id = ECHOES.has(event.type) ? event.metadata?.custom?.client_event_id : undefined;
  return id ? { ...state, outbox: without(state.outbox, id) } : state;
}

/** @param {State} state @param {Payload} payload @param {WireEvent} event */
function systemSaid(state, payload, event) {
  const { code = "", message_id: id } = payload;
  if (code === "handoff_forward_failed" && id) {
    return raiseStatus(state, "failed", (item) => item.messageId === id);
  }
  const refused = refusedMessage(state, event);
  if (refused && (refused.again || code === "choice_closed")) return withdrawn(state, event, refused);
  const isError = payload.level === "SYSTEM_MESSAGE_LEVEL_ERROR";
  // Why a message is not taken is a sentence for people, unless it is about the frame.
  const isForPeople = !TECHNICAL.has(code) || (!!refused && code === "event_not_allowed");
  const reason = isForPeople ? payload.message : undefined;
  const outbox = state.outbox.map((message) =>
    message === refused ? { ...message, hasFailed: true, reason } : message,
  );
  const next = { ...state, outbox, typing: isError ? /** @type {const} */ ("") : state.typing };
  if (refused || !reason) return next; // said at the message itself
  return addItem(next, event, { from: "system", text: payload.message });
}

/** The unsent message that an error of the portal is about.
 * @param {State} state @param {WireEvent} event */
function refusedMessage(state, { type, payload, metadata }) {
  const id = metadata?.custom?.client_event_id;
  const isError = type === "SYSTEM_MESSAGE" && payload?.level === "SYSTEM_MESSAGE_LEVEL_ERROR";
  return isError && id ? state.outbox.find((message) => message.id === id) : undefined;
}

/**
 * What can never be taken is no message that waits to be tried again: it goes, with one line.
 * @param {State} state @param {WireEvent} event @param {Unsent} message
 */
function withdrawn(state, event, { id, again, answer }) {
  const offer = answer?.message_id ?? "";
  const answers = offer ? { ...state.answers, [offer]: state.answers[offer] ?? "" } : state.answers;
  const next = { ...state, answers, outbox: without(state.outbox, id) };
  const text = event.payload?.message ?? "";
  return addItem(next, event, again ? { from: "system", text } : { from: "system", code: "choiceOver" });
}

/** @param {Item} item @returns {Item} */
function sending(item) {
  return { ...item, status: "sending" };
}

/** @param {Unsent} message @returns {Item} */
function unsentItem(message) {
  return {
    key: message.id, from: "end_user", text: message.text, at: message.at, retryOf: message.retryOf,
    sequence: Infinity, status: message.hasFailed ? "failed" : "sending", attachments: message.files,
    reason: message.reason, isAnswer: !!message.answer,
  };
}

/** @param {Unsent[]} outbox @param {string} id */
function without(outbox, id) {
  return outbox.filter((message) => message.id !== id);
}
