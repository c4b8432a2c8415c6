// Runs the vendor's browser client, unmodified: orders come in as lines, events go out as lines.
"use strict";

const { createRequire } = require("node:module");
const readline = require("node:readline");

const [modules, endpoint, region, chat] = process.argv.slice(2);
const load = createRequire(`${modules}/`);
const tell = (kind, value) => process.stdout.write(`${JSON.stringify({ kind, value })}\n`);

// What a browser has and Node lacks.
globalThis.WebSocket = load("ws").WebSocket;
globalThis.window = globalThis.self = globalThis;
Object.defineProperty(globalThis, "navigator", {
  value: { onLine: true, userAgent: "node" }, configurable: true,
});
globalThis.location = { protocol: "http:", href: "http://127.0.0.1/" };
globalThis.addEventListener = () => {};

load("amazon-connect-chatjs");
const { ChatSession } = globalThis.connect;
ChatSession.setGlobalConfig({
  endpoint, region, features: { messageReceipts: { shouldSendMessageReceipts: true } },
});
const session = ChatSession.create({
  chatDetails: JSON.parse(chat), options: { region }, type: "CUSTOMER", disableCSM: true,
});

session.onMessage((event) => tell("item", event.data));
session.onTyping((event) => tell("typing", event.data));
session.onEnded((event) => tell("ended", event.data));
session.onReadReceipt((event) => tell("read", event.data));
session.onDeliveredReceipt((event) => tell("delivered", event.data));
session.onConnectionEstablished(() => tell("established"));
session.onConnectionBroken(() => tell("broken"));

const text = (words) => ({ contentType: "text/plain", message: words });
const EVENT = "application/vnd.amazonaws.connect.event.";
const ORDERS = {
  connect: () => session.connect(),
  say: (words) => session.sendMessage(text(words)),
  type: () => session.sendEvent({ contentType: `${EVENT}typing` }),
  read: (messageId) => session.sendEvent({
    contentType: `${EVENT}message.read`, content: JSON.stringify({ messageId }),
  }),
  attach: ({ name, words }) => session.sendAttachment({
    attachment: new File([words], name, { type: "text/plain" }),
  }),
  transcript: () => session.getTranscript({
    scanDirection: "BACKWARD", sortOrder: "ASCENDING", maxResults: 100,
  }),
  leave: () => session.disconnectParticipant(),
};

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const { order, value } = JSON.parse(line);
  try {
    const answer = await ORDERS[order](value);
    tell(`${order} done`, answer && answer.data);
  } catch (error) {
    tell("error", `${order}: ${(error && error.stack) || JSON.stringify(error)}`);
  }
}).on("close", () => process.exit(0));
