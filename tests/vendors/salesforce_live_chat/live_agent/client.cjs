// Runs rx-sfliveagent-client, unmodified: orders come in as lines, events go out as lines.
"use strict";

const { createRequire } = require("node:module");
const readline = require("node:readline");

const [modules, host, organizationId, deploymentId, buttonId] = process.argv.slice(2);
const { startSession } = createRequire(`${modules}/`)("rx-sfliveagent-client");
const tell = (kind, value) => process.stdout.write(`${JSON.stringify({ kind, value })}\n`);

const session = startSession(
  { host, organizationId, deploymentId, buttonId, version: "42" },
  {
    language: "en", userAgent: "Test", visitorName: "Ines", screenResolution: "1900x1200",
    prechatDetails: [], prechatEntities: [], receiveQueueUpdates: true, isPost: true,
  },
);
session.all$.subscribe((event) => {
  if (event instanceof Error) tell("error", { message: event.message });
  else if (event && event.type) tell(event.type, event.message);
});

const ORDERS = {
  available: () => session.api.availability(),
  type: () => session.api.chasitorTyping(),
  say: (text) => session.api.chatMessage({ text }),
  end: () => session.api.chatEnd(),
};
readline.createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const { order, value } = JSON.parse(line);
    await ORDERS[order](value);
    tell(`${order} done`);
  })
  .on("close", () => process.exit(0));
