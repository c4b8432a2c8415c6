// @ts-check
/** @import {Words} from "./types" */
/** Every word the widget says by itself, from the one language in words/ that is loaded. */

const LANGUAGES = ["en", "de", "ar"];
const RIGHT_TO_LEFT = ["ar"];

/**
 * The words for a locale; a language without words here speaks English.
 * @param {string} locale
 * @returns {Promise<Words>}
 */
export async function wordsFor(locale) {
  const wanted = localeOf(locale);
  const spoken = wanted.toLowerCase().split("-")[0];
  const language = LANGUAGES.includes(spoken) ? spoken : "en";
  /** @type {{words: Record<string, string>}} */
  const { words: usual } = await import(`./words/${language}.js`);
  const words = { ...usual };
  const locales = language === spoken ? wanted : "en";
  return {
    locale: locales,
    own: (texts) => void Object.assign(words, texts),
    dir: RIGHT_TO_LEFT.includes(language) ? "rtl" : "ltr",
    seconds: (count) => inUnit(count, "second", locales),
    size: (bytes) => fileSize(bytes, locales),
    say: (key, values = {}) => words[key].replace(/\{(\w+)\}/g, (_, name) => `${values[name]}`),
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
