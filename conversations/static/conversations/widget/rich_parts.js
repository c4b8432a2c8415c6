// @ts-check
/** What draws more than plain text, once it is here. */
import { later } from "./later.js";

/** @type {typeof import("./rich.js") | undefined} */
export let rich;

/** Load it; a message that comes before it is drawn as plain text, and then anew. */
export async function enrich() {
  rich = await later("rich");
  return /** @type {typeof import("./rich.js")} */ (rich);
}
