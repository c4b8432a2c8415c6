// Runs cometd and jsforce, unmodified: orders come in as lines, events go out as lines.
"use strict";

const { createRequire } = require("node:module");
const readline = require("node:readline");

const [modules, url, token, topic] = process.argv.slice(2);
const load = createRequire(`${modules}/`);
const tell = (kind, value) => process.stdout.write(`${JSON.stringify({ kind, value })}\n`);
const heard = (by) => (message) => {
  const event = message.data || message;
  tell(by, { text: event.payload.Payload__c, type: event.payload.EventType__c });
};

const replaying = {
  outgoing(message) {
    if (message.channel === "/meta/subscribe") message.ext = { replay: { [topic]: -2 } };
    return message;
  },
};
const greeted = (comet, done, failed) => comet.handshake((answer) => {
  if (!answer.successful) return failed(new Error(JSON.stringify(answer)));
  comet.subscribe(topic, heard("cometd"), (subscribed) =>
    subscribed.successful ? done() : failed(new Error(JSON.stringify(subscribed))));
});
const salesforce = () => {
  const jsforce = load("jsforce");
  return new jsforce.Connection({ instanceUrl: url, accessToken: token, version: "60.0" });
};

const ORDERS = {
  // Its stand-ins for a browser make jsforce believe that it is in one: one of them in a process.
  cometd: () => new Promise((done, failed) => {
    load("cometd-nodejs-client").adapt();
    const comet = new (load("cometd").CometD)();
    comet.unregisterTransport("websocket");
    comet.configure({
      url: `${url}/cometd/60.0`,
      requestHeaders: { Authorization: `Bearer ${token}` },
      appendMessageTypeToURL: false,
    });
    comet.registerExtension("replay", replaying);
    greeted(comet, done, failed);
  }),
  query: async (soql) => (await salesforce().query(soql)).totalSize,
  jsforce: () => new Promise((done, failed) => {
    const { StreamingExtension } = load("jsforce/lib/api/streaming");
    const client = salesforce().streaming.createClient([new StreamingExtension.Replay(topic, -2)]);
    client.subscribe(topic, heard("jsforce")).then(() => done(), failed);
  }),
};
readline.createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const { order, value } = JSON.parse(line);
    try {
      tell(`${order} done`, { result: await ORDERS[order](value) });
    } catch (error) {
      tell("error", { message: String(error) });
    }
  })
  .on("close", () => process.exit(0));
