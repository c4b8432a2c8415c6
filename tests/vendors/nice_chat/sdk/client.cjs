// Runs the vendor's guest SDK in a page of jsdom; takes orders on stdin, tells on stdout.
const { createRequire } = require("node:module");
const path = require("node:path");
const readline = require("node:readline");

const [modules, url, brand, channel] = process.argv.slice(2);
const load = createRequire(path.join(modules, "package.json"));
const { JSDOM } = load("jsdom");
const page = new JSDOM("<!doctype html>", { url: "http://127.0.0.1/" }).window;
for (const name of [
  "document", "localStorage", "Event", "EventTarget", "CustomEvent", "ErrorEvent",
  "CloseEvent", "MessageEvent", "WebSocket",
]) {
  globalThis[name] = page[name];
}
globalThis.window = page;
globalThis.self = globalThis;
Object.defineProperty(globalThis, "navigator", {
  value: { onLine: true, language: "en-GB", userAgent: "Mozilla/5.0 (X11; Linux) Chrome/120.0" },
  configurable: true,
});
const { ChatSdk } = load("@nice-devone/nice-cxone-chat-web-sdk");

const tell = (kind, value) => process.stdout.write(`${JSON.stringify({ kind, value })}\n`);
// What a frame is called, and the text of a message in it.
const said = (detail) => {
  const frame = typeof detail?.data === "string" ? JSON.parse(detail.data) : detail;
  const content = frame?.data?.message?.messageContent;
  return { name: frame?.eventType, text: content?.payload?.text, status: frame?.data?.case?.status };
};
const local = url.replace(/^http/, "ws");
const sdk = new ChatSdk({
  brandId: Number(brand),
  channelId: channel,
  customerId: "guest-of-the-sdk",
  environment: "custom",
  customEnvironment: { name: "local", chat: url, gateway: local, authorize: url },
  storage: null,
  cacheStorage: null,
  isLivechat: false,
  isAuthorizationEnabled: false,
  onError: (error) => tell("error", String(error)),
  onRawEvent: (event) => tell("event", said(event.detail)),
});
let thread = null;
const orders = {
  connect: async () => {
    await sdk.connect();
    return (await sdk.authorize()).consumerIdentity.idOnExternalPlatform;
  },
  channel: () => sdk.getChannelInfo(),
  open: async (id) => {
    thread = await sdk.getThread(id);
    return null;
  },
  // Nothing is there before the first message, which the SDK takes for an error.
  look: () => thread.recover().then((found) => found.messages.length, () => "nothing"),
  recover: () => thread.recover().then((found) => found.messages.length),
  say: (text) => thread.sendTextMessage(text).then(() => null),
  answer: ({ text, postback }) => thread.sendPostbackMessage(postback, text).then(() => null),
};
readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const { order, value } = JSON.parse(line);
  try {
    tell(`${order} done`, await orders[order](value));
  } catch (error) {
    tell("error", `${order}: ${error}`);
  }
}).on("close", () => process.exit(0));
