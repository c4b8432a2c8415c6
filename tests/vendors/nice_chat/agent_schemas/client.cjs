// Judges what CXone would tell its agents' side by the vendor's own schemas; orders on stdin.
const { createRequire } = require("node:module");
const path = require("node:path");
const readline = require("node:readline");

const [modules] = process.argv.slice(2);
const load = createRequire(path.join(modules, "package.json"));
globalThis.window = globalThis;
globalThis.self = globalThis;
const schemas = load("@nice-devone/common-sdk");

const tell = (kind, value) => process.stdout.write(`${JSON.stringify({ kind, value })}\n`);
const faults = ({ schema, body }) => {
  try {
    schemas[schema].validateSync(body, { abortEarly: false });
    return [];
  } catch (error) {
    return error.errors;
  }
};
// Many at once; what is wrong with each, by its place.
const orders = { judge: (list) => ({ faults: list.map(faults) }) };
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const { order, value } = JSON.parse(line);
  try {
    tell(`${order} done`, orders[order](value));
  } catch (error) {
    tell("error", `${order}: ${error}`);
  }
}).on("close", () => process.exit(0));
