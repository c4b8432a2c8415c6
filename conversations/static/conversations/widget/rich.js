// @ts-check
/** All that a message can be beyond plain text. Loaded as soon as there is a conversation. */
export { FormView } from "./rich/form.js";
export { link, linked } from "./rich/links.js";
export { Offer } from "./rich/offer.js";
export { said } from "./rich/said.js";
export { STYLE } from "./rich/style.js";
