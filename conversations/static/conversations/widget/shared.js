// @ts-check
/** What the modules that are loaded later take from the bundle, so that it is loaded but once. */
export { adopt, h, icon, picture } from "./dom.js";
export { json } from "./json.js";
export { addresses, call, link, linked } from "./links.js";
