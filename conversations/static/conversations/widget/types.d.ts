/** Shapes shared by the widget's modules. Never loaded by a browser: types only. */

/** What the script tag's data-* attributes say. */
export interface Options {
  key: string;
  portal: string;
  locale: string;
  variant: string;
  isAutoOpen: boolean;
  isFullscreen: boolean;
  hasIcon: boolean;
  hasHeader: boolean;
  /** Where in the page it stands, as a selector or an element; above the page without one. */
  container?: string | Element;
  platform?: string;
}

/** What the portal says about this widget, every part optional. */
export interface Settings {
  title?: string;
  agent_name?: string;
  accent?: string;
  header?: string;
  avatar_url?: string;
  header_image_url?: string;
  welcome?: string;
  /** Words beside the round button. */
  launcher?: string;
  place?: { corner: "start" | "end"; x: number; y: number };
  before?: Before;
  /** The code of the language that the words are in. */
  language?: string;
  direction?: "ltr" | "rtl";
  /** What the widget says by itself, by key. */
  words?: Record<string, string>;
}

/** What an end user accepts and answers before a conversation begins. */
export interface Before {
  consent?: { version: number; text: string; links: { label: string; url: string }[] };
  fields?: FormField[];
}

/** What an end user has accepted and answered. */
export interface Given {
  consent?: { version: number };
  form?: Record<string, string>;
}

/** Answers that the portal did not take, and its words for why. */
export interface Refused {
  form?: Record<string, string>;
  why?: string;
}

export interface Token {
  access_token: string;
  expires_in: number;
}

export interface Attachment {
  title?: string;
  content_type?: string;
  content_url?: string;
  preview_image_url?: string;
  file_id?: string;
  file_name?: string;
  mime_type?: string;
  size_bytes?: number;
  call_to_action_text?: string;
}

/** Which files the live agent's side takes; an empty list of types means any. */
export interface Limits {
  max_bytes: number;
  mime: string[];
}

export interface Suggestion {
  message_text: string;
}

export interface CallAction {
  title?: string;
  contact_number: string;
}

/** Something to take: an answer, a page, or a phone number. */
export interface Choice {
  payload: string;
  label: string;
  kind: "reply" | "link" | "phone";
  url?: string;
  image_url?: string;
  description?: string;
}

export interface Card {
  title?: string;
  text?: string;
  image_url?: string;
  choices?: Choice[];
}

/** A time to take; `starts_at` is ISO 8601 with its zone. */
export interface Slot {
  payload: string;
  starts_at: string;
  duration_seconds?: number | null;
  label?: string;
}

export interface FormField {
  name: string;
  label: string;
  kind: string;
  options?: { payload: string; label: string }[];
  is_required?: boolean;
  max_length?: number;
  value?: string;
}

export interface Form {
  payload: string;
  title?: string;
  fields: FormField[];
}

/** What a message holds for clients that named the extension rich_content. */
export interface Content {
  text: string;
  markup: "plain" | "markdown";
  choices?: Choice[];
  cards?: Card[];
  slots?: Slot[];
  place?: string;
  form?: Form | null;
  unknown?: { kind: string; url?: string } | null;
}

/** What the end user took: the payload of a choice, of a time, or of a form with its values. */
export interface Answer {
  message_id: string;
  payload: string;
  values?: Record<string, string>;
}

/** What SHOW_CSAT_REQUEST asks; `at` is when. */
export interface Survey {
  title: string;
  questions: { subject: string; question: string }[];
  scale: number;
  asks_comment: boolean;
  deadline_seconds: number;
  at: string;
}

export interface SurveyAnswer {
  scores?: Record<string, number>;
  comment?: string;
}

export interface Agent {
  id: string;
  name: string;
}

/** Every field that any server event may carry in its payload. */
export interface Payload {
  agent?: Agent;
  agent_avatar_url?: string;
  agent_id?: string;
  agent_name?: string;
  answer?: Answer;
  attachments?: Attachment[];
  attachment_limits?: Limits;
  by?: "live_agent" | "vendor_bot";
  capabilities?: { heartbeat_interval_seconds?: number; extensions?: string[] };
  chat_call_actions?: CallAction[];
  chunk_index?: number;
  code?: string;
  content?: Content;
  context_id?: string;
  display_message?: string;
  estimated_wait_seconds?: number;
  events?: WireEvent[];
  is_deleted?: boolean;
  language_code?: string;
  level?: string;
  message?: string;
  message_id?: string;
  position_in_queue?: number;
  response_suggestions?: Suggestion[];
  seconds_left?: number;
  state?: string;
  text?: string;
}

/** One frame from the portal. `sequence` is null for what is not in the journal. */
export interface WireEvent {
  id?: string;
  sequence?: number | null;
  timestamp?: string;
  type: string;
  payload?: Payload;
  metadata?: { custom?: Record<string, string> };
}

export type Speaker = "end_user" | "ai_agent" | "live_agent" | "vendor_bot" | "system";
export type Status = "sending" | "sent" | "delivered" | "read" | "failed";
export type Phase = "ai" | "connecting" | "queued" | "live" | "closed";
export type Link = "idle" | "opening" | "open" | "broken";

/** One line of the log: a message, or a system line (a code to be worded, or the server's text). */
export interface Item {
  key: string;
  from: Speaker;
  text: string;
  at: string;
  sequence: number;
  code?: "joined" | "left" | "failed" | "timeout" | "choiceOver";
  name?: string;
  messageId?: string;
  status?: Status;
  reason?: string;
  /** Nothing that was written, but something that was chosen. */
  isAnswer?: boolean;
  retryOf?: string;
  attachments?: Attachment[];
  actions?: CallAction[];
  suggestions?: Suggestion[];
  content?: Content;
  isEdited?: boolean;
  isDeleted?: boolean;
  /** How many pieces of it have come, while it is still growing. */
  chunks?: number;
}

/** A message of the end user, or a try of one again, whose echo has not arrived yet. */
export interface Unsent {
  id: string;
  text: string;
  at: string;
  retryOf?: string;
  hasFailed?: boolean;
  /** Why the portal refused it, for people. */
  reason?: string;
  files?: Attachment[];
  answer?: Answer;
  /** message_id of the one that the portal is to deliver again. */
  again?: string;
}

export interface Queue {
  position?: number;
  wait?: number;
  text?: string;
}

export interface State {
  phase: Phase;
  link: Link;
  sequence: number;
  items: Item[];
  /** What the AI agent is saying at this moment. */
  growing: Item[];
  outbox: Unsent[];
  agents: Agent[];
  names: Record<string, string>;
  /** Set while somebody takes files. */
  limits?: Limits;
  aiName: string;
  aiAvatar: string;
  hasStarted: boolean;
  hasAiJoined: boolean;
  queue: Queue;
  /** What was taken of which message; empty when nothing can be taken any more. */
  answers: Record<string, string>;
  /** The message whose choices can be taken. */
  offer: string;
  /** Name of the vendor's own bot while it talks, before a person does. */
  bot?: string;
  idle?: { message: string; seconds?: number };
  isCancelling: boolean;
  typing: "" | "ai_agent" | "live_agent";
  /** What a token of verified context is bound to, where the portal takes one. */
  contextId?: string;
  /** What the conversation goes on in, once it has changed. */
  language?: string;
  /** Asked for at the end. */
  survey?: Survey;
  heartbeatSeconds: number;
  extensions: string[];
}

export type Action =
  | { type: "event"; event: WireEvent }
  | { type: "link"; link: Link }
  | { type: "say"; message: Unsent }
  | { type: "discard"; id: string }
  | { type: "cancelling" }
  | { type: "typing_over" }
  | { type: "lost" };

/** What survives a reload, one record per public key. */
export interface Saved {
  session?: string;
  token?: string;
  expiresAt?: number;
  /** WebSockets are not tried before that. */
  blockedUntil?: number;
  sequence?: number;
  received?: number;
  seen?: number;
  outbox?: Unsent[];
}

/** What of a conversation goes by a call of its own, and where. */
export type Part = "files" | "survey" | "context";
export interface Target {
  url: string;
  token: string;
}

/** What the view may ask of the conversation. */
export interface Actions {
  open(): void;
  close(): void;
  say(text: string, files?: Attachment[]): void;
  target(part: Part): Promise<Target>;
  answer(answer: Answer, text: string): void;
  retry(item: Item): void;
  focusField(): void;
  /** Take a message that was refused back into the field. */
  edit(item: Item): void;
  typed(text: string): void;
  cancel(): void;
  end(): void;
  restart(): void;
  /** Give an answer to the survey; resolves to why it was refused, or to nothing. */
  /** Give what was said to the end user, to keep. */
  save(): void;
  /** Show a picture of a message in full size. */
  look(src: string, title: string): void;
}

/** The words of one language and its direction. */
export interface Words {
  locale: string;
  dir: "ltr" | "rtl";
  size(bytes: number): string;
  seconds(count: number): string;
  say(key: string, values?: Record<string, string | number>): string;
}

declare global {
  interface Window {
    HandoffChat?: any;
    WebchatAPI?: any;
  }
}
