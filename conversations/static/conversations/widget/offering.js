// @ts-check
/** What a message offers beside its text. Loaded with the first one that does. */
export { FormView } from "./offering/form.js";
export { Offer } from "./offering/offer.js";
export { STYLE } from "./offering/style.js";
