// @ts-check
/** Make any brand colour readable: WCAG contrast, darkened or lightened as far as needed. */

const DEFAULT_ACCENT = "#3056d3";
const TEXT_CONTRAST = 4.5;
const SHAPE_CONTRAST = 1.6;

/** @typedef {[number, number, number]} Rgb */

/**
 * The colours of one theme: fill, text on the fill, accent as text on either ground.
 * @param {{surface: string, raised: string}} theme the two grounds text stands on, as in styles.css
 * @param {string} [accent] as #rgb or #rrggbb; anything else means the default
 * @returns {{fill: string, on: string, link: string}}
 */
export function accentOn({ surface, raised }, accent) {
  const brand = rgbOf(/^#([\da-f]{3}|[\da-f]{6})$/i.test(accent ?? "") ? `${accent}` : DEFAULT_ACCENT);
  const fill = away(brand, rgbOf(surface), SHAPE_CONTRAST);
  const white = rgbOf("#fff");
  const on = contrast(fill, white) >= TEXT_CONTRAST ? white : rgbOf("#0b0d12");
  return { fill: css(fill), on: css(on), link: css(away(brand, rgbOf(raised), TEXT_CONTRAST)) };
}

/** @param {string} hex @returns {Rgb} */
function rgbOf(hex) {
  const long = hex.length === 4 ? hex.replace(/\w/g, "$&$&") : hex;
  const part = (/** @type {number} */ at) => parseInt(long.slice(at, at + 2), 16);
  return [part(1), part(3), part(5)];
}

/** @param {Rgb} rgb */
function css(rgb) {
  return `rgb(${rgb.map(Math.round).join(" ")})`;
}

/** Mix towards black or white, whichever leads away from the ground, until the contrast is there.
 * @param {Rgb} colour @param {Rgb} ground @param {number} least @returns {Rgb} */
function away(colour, ground, least) {
  const target = luminance(ground) > 0.18 ? 0 : 255;
  for (let step = 0; step <= 20; step++) {
    const mixed = /** @type {Rgb} */ (colour.map((part) => part + ((target - part) * step) / 20));
    if (contrast(mixed, ground) >= least) return mixed;
  }
  return [target, target, target];
}

/** @param {Rgb} a @param {Rgb} b */
function contrast(a, b) {
  const [dark, light] = [luminance(a), luminance(b)].sort((one, two) => one - two);
  return (light + 0.05) / (dark + 0.05);
}

/** @param {Rgb} rgb */
function luminance(rgb) {
  const [r, g, b] = rgb.map((part) => {
    const share = part / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
