// Microsoft's own Direct Line client: it connects, speaks, and tells what it sees.
const path = require("node:path");
const readline = require("node:readline");

const modules = path.join(process.argv[2], "node_modules");
global.XMLHttpRequest = require(path.join(modules, "xhr2"));
global.WebSocket = require(path.join(modules, "ws"));
global.window = global;
const { ConnectionStatus, DirectLine } = require(path.join(modules, "botframework-directlinejs"));

const from = { id: "dl_judge", name: "Judge", role: "user" };
const tell = (kind, value) => console.log(JSON.stringify({ kind, value }));
const failed = (error) => tell("error", String(error));
let line;

const orders = {
  connect(options) {
    line = new DirectLine(options);
    line.connectionStatus$.subscribe((status) => tell("status", { name: ConnectionStatus[status] }));
    line.activity$.subscribe(({ id, type, name, text, value, from: who }) => {
      tell("activity", { id, type, name, text, state: value?.state, who: who.id });
    }, failed);
  },
  say(text) {
    line.postActivity({ type: "message", from, text }).subscribe((id) => tell("sent", { id }), failed);
  },
  end() {
    line.end();
    process.exit(0);
  },
};

readline.createInterface({ input: process.stdin }).on("line", (raw) => {
  const { order, value } = JSON.parse(raw);
  orders[order](value);
  tell(`${order} done`);
}).on("close", () => process.exit(0));
