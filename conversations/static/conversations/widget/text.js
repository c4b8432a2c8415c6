// @ts-check
/** @import {Settings, Words} from "./types" */
/** Every word the widget says by itself, in the one language that the portal answered in. */

/**
 * @param {Settings} settings
 * @param {string} given the locale that was asked for
 * @returns {Words}
 */
export function wordsOf({ language = "en", direction = "ltr", words = {} }, given) {
  const wanted = localeOf(given);
  const locale = wanted.split("-")[0] === language ? wanted : language;
  return {
    locale,
    dir: direction,
    seconds: (count) => inUnit(count, "second", locale),
    size: (bytes) => fileSize(bytes, locale),
    say: (key, values = {}) => (words[key] ?? "").replace(/\{(\w+)\}/g, (_, name) => `${values[name]}`),
  };
}

/** A locale that the browser takes; systems write theirs as de_DE@euro or C. @param {string} given */
function localeOf(given) {
  const wanted = `${given}`.trim().replace(/[.@].*$/, "").replaceAll("_", "-");
  for (const one of [wanted, wanted.split("-")[0]]) {
    try {
      if (new Intl.NumberFormat(one).resolvedOptions()) return Intl.getCanonicalLocales(one)[0] ?? "en";
    } catch {
      // not one of these
    }
  }
  return "en";
}

/** A file's size as people read it, never less than it is. @param {number} bytes @param {string} locale */
function fileSize(bytes, locale) {
  const power = bytes < 1024 ? 0 : bytes < 1024 ** 2 ? 1 : 2;
  const unit = ["byte", "kilobyte", "megabyte"][power];
  return inUnit(Math.ceil((bytes / 1024 ** power) * 100) / 100, unit, locale);
}

/** @param {number} count @param {string} unit @param {string} locale */
function inUnit(count, unit, locale) {
  return new Intl.NumberFormat(locale, { style: "unit", unit }).format(count);
}
