// @ts-check
/** Build elements without ever parsing text as HTML. */

/** @type {Record<string, string>} icon outlines on a 24 x 24 grid */
const ICONS = {
  chat: "M5 4h14a3 3 0 0 1 3 3v7a3 3 0 0 1-3 3h-6l-5 4v-4H5a3 3 0 0 1-3-3V7a3 3 0 0 1 3-3Z",
  down: "m5 9 7 7 7-7",
  end: "M14 4h4a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2h-4M9 16l-4-4 4-4M5 12h10",
  send: "M4 12 3 4l18 8-18 8 1-8Zm0 0h8",
  sparkle: "M11 4l1.9 5.1L18 11l-5.1 1.9L11 18l-1.9-5.1L4 11l5.1-1.9ZM18.5 15.5l.8 2.2 2.2.8-2.2.8-.8 2.2-.8-2.2-2.2-.8 2.2-.8Z",
  clip: "M14 3H7a2 2 0 0 0-2 2v14a2 2 0 0 0 2 2h10a2 2 0 0 0 2-2V8l-5-5Zm0 0v5h5",
  phone: "M5 4h4l2 5-2.5 1.5a11 11 0 0 0 5 5L15 13l5 2v4a2 2 0 0 1-2 2A15 15 0 0 1 3 6a2 2 0 0 1 2-2Z",
  sending: "M12 7v5l3 2M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z",
  sent: "m5 12.5 4.5 4.5L19 7.5",
  delivered: "m2 12.5 4.5 4.5L16 7.5M11 16l1 1 9.5-9.5",
  failed: "M12 8v5m0 3v.1M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z",
};
ICONS.read = ICONS.delivered;

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [attributes] `on…` functions are listeners; false and null are left out
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** @param {string} name @param {string} [outline] of one that is not among the icons */
export function icon(name, outline = ICONS[name]) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", `icon icon-${name}`);
  path.setAttribute("d", outline);
  svg.append(path);
  return svg;
}

/** A picture that makes way for what stands beside it when it cannot be shown.
 * @param {string} src @param {string} alt @param {Record<string, any>} [more] */
export function picture(src, alt, more) {
  const onerror = (/** @type {Event} */ { target }) => /** @type {Element} */ (target).remove();
  return h("img", { src, alt, onerror, ...more });
}

/** Dress a shadow tree in one more sheet; a constructed one needs nothing of the host page's policy.
 * @param {Element} inside any element of the tree @param {string} style */
export function adopt(inside, style) {
  const root = /** @type {ShadowRoot} */ (inside.getRootNode());
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
}

/** Write only what differs, so that nothing is announced or repainted twice.
 * @param {Element} element @param {string} text */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
