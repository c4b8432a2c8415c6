// Runs the vendor's Node SDK: judges signatures, and calls the simulator; orders on stdin.
const { createRequire } = require("node:module");
const path = require("node:path");
const readline = require("node:readline");

const [modules, url, account, token] = process.argv.slice(2);
const load = createRequire(path.join(modules, "package.json"));
const twilio = load("twilio");
const { SegmentedMessage } = load("sms-segments-calculator");

const client = twilio(account, token);
client.api.baseUrl = url;
const tell = (kind, value) => process.stdout.write(`${JSON.stringify({ kind, value })}\n`);
const shown = ({ sid, status, body, to, from, numSegments, direction, dateCreated }) => (
  { sid, status, body, to, from, numSegments, direction, dateCreated }
);
const orders = {
  sign: (calls) => calls.map(({ url: at, form }) => twilio.getExpectedTwilioSignature(token, at, form)),
  judge: (calls) => calls.map(({ given, url: at, form }) => twilio.validateRequest(token, given, at, form)),
  judgeBody: (calls) => calls.map(({ given, url: at, body }) => (
    twilio.validateRequestWithBody(token, given, at, body)
  )),
  segments: (texts) => texts.map((text) => {
    const counted = new SegmentedMessage(text);
    return { encoding: counted.encodingName, count: counted.segmentsCount };
  }),
  create: async (message) => shown(await client.messages.create(message)),
  list: async (query) => (await client.messages.list(query)).map(shown),
  fetch: async (sid) => shown(await client.messages(sid).fetch()),
  refused: (message) => client.messages.create(message).then(
    () => null,
    ({ status, code, message: words, moreInfo }) => ({ status, code, words, moreInfo }),
  ),
  number: async (phoneNumber) => (await client.incomingPhoneNumbers.list({ phoneNumber })).map(
    ({ sid, capabilities, smsUrl }) => ({ sid, capabilities, smsUrl }),
  ),
  bring: async ({ sid, smsUrl }) => (await client.incomingPhoneNumbers(sid).update({ smsUrl })).smsUrl,
  account: async () => (await client.api.v2010.accounts(account).fetch()).status,
};

readline.createInterface({ input: process.stdin }).on("line", async (line) => {
  const { order, value } = JSON.parse(line);
  try {
    tell(`${order} done`, await orders[order](value));
  } catch (error) {
    tell("error", { order, text: String(error?.stack ?? error) });
  }
}).on("close", () => process.exit(0));
