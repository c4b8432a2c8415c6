// @ts-check
/** The live preview of a widget: its own view, drawn anew from what the form says. */

const stage = /** @type {HTMLElement} */ (document.querySelector("[data-preview]"));
const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-widget-form]"));
const language = /** @type {HTMLSelectElement} */ (document.querySelector("[data-preview-locale]"));
const phase = /** @type {HTMLSelectElement | null} */ (document.querySelector("[data-preview-phase]"));
const looks = JSON.parse(document.getElementById("preview-look")?.textContent ?? "{}");
const base = new URL(stage.dataset.widget ?? "", location.href);
const [{ View }, { wordsOf }, { emptyState }] = await Promise.all(
  ["view.js", "text.js", "store.js"].map((name) => import(new URL(name, base).href)),
);
const css = await (await fetch(new URL("made/styles.css", base))).text();
/** @type {any} */
let view;
/** What was chosen and is not saved yet, by the name of its field. @type {Record<string, string>} */
const pictures = {};
let drawn = 0;

/** @param {string} name */
function value(name) {
  return String(new FormData(form).get(name) ?? "").trim();
}

/** What the form says of the brand; what it does not hold stays as it is saved. @param {string} code */
function look(code) {
  const saved = looks[code];
  if (stage.dataset.state !== "brand") return { ...saved, before: beforeOf(code) };
  const picture = (/** @type {string} */ name, /** @type {string} */ url) =>
    value(`removes_${name}`) === "on" ? "" : pictures[name] || url;
  return {
    ...saved, before: undefined, accent: value("accent"),
    header: value("has_header_colour") && value("header_colour"),
    title: value(`title_${code}`) || (code === "en" ? saved.title : ""),
    agent_name: value(`agent_name_${code}`) || saved.agent_name,
    welcome: value(`welcome_${code}`), launcher: value(`launcher_${code}`),
    avatar_url: picture("avatar", saved.avatar_url),
    header_image_url: picture("header_image", saved.header_image_url),
  };
}

/** @param {string} code */
function beforeOf(code) {
  const text = value(`consent_text_${code}`) || value("consent_text_en");
  const links = (value(`consent_links_${code}`) || value("consent_links")).split("\n").map((line) => /^(.+) (\S+)$/.exec(line.trim())).filter(Boolean);
  const consent = value("consent_is_on") && { version: 1, text, links: links.map((found) => ({ label: found?.[1], url: found?.[2] })) };
  const fields = Array.from({ length: 8 }, (_, index) => `q${index + 1}_`).filter((name) => value(`${name}label`)).map((name) => ({
    name, kind: value(`${name}kind`), is_required: !!value(`${name}is_required`), label: translated(name, code),
    options: options(name, code),
  }));
  return consent || fields.length ? { ...(consent && { consent }), fields } : undefined;
}

/** @param {string} name @param {string} code */
function translated(name, code) {
  return inLanguage(`${name}labels`, code) || value(`${name}label`);
}

/** @param {string} name @param {string} code */
function options(name, code) {
  const called = inLanguage(`${name}option_labels`, code).split("|");
  return value(`${name}options`).split("\n").filter(Boolean)
    .map((one, index) => ({ payload: one, label: called[index]?.trim() || one }));
}

/** What a field of lines such as "de = Worte" says in a language. @param {string} field @param {string} code */
function inLanguage(field, code) {
  const lines = value(field).split("\n").map((line) => line.split("="));
  const found = lines.find(([given, ...label]) => given.trim() === code && label.length);
  return found ? found.slice(1).join("=").trim() : "";
}

async function draw() {
  const turn = ++drawn;
  const code = language.value;
  const words = wordsOf(looks[code], code);
  const style = await new CSSStyleSheet().replace(css);
  if (turn !== drawn) return;
  view?.remove();
  stage.replaceChildren();
  const settings = look(code);
  const options = { key: "", portal: "", locale: code, isAutoOpen: true, isFullscreen: false, hasIcon: true, hasHeader: true, container: stage };
  const acts = new Proxy({}, { get: () => () => {} });
  view = new View(options, settings, words, acts, style);
  view.host.inert = true;
  const name = settings.agent_name || words.say("ai");
  const greeting = { key: "1", from: "ai_agent", name, text: settings.greeting, at: new Date().toISOString(), sequence: 1 };
  const items = stage.dataset.state === "brand" && settings.greeting ? [greeting] : [];
  const state = { ...emptyState(), hasStarted: stage.dataset.state === "brand", aiName: name, aiAvatar: settings.avatar_url, items, phase: phase?.value ?? "ai" };
  view.show(true, false);
  if (settings.before) await view.ask(settings.before, {}, () => {});
  view.render({ state, unread: 0, canCancel: false, now: Date.now });
  launcher(settings);
}

/** The button as it stands on a page. @param {any} settings */
function launcher(settings) {
  const made = document.createElement("p");
  made.className = "preview-launcher";
  made.style.background = settings.accent;
  made.style.color = contrast(settings.accent) ? "#fff" : "#0b0d12";
  made.textContent = settings.launcher || "💬";
  made.setAttribute("aria-hidden", "true");
  if (stage.dataset.state === "brand") stage.after(made);
  for (const old of document.querySelectorAll(".preview-launcher")) if (old !== made) old.remove();
}

/** Whether white text can be read on it. @param {string} colour */
function contrast(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 1.05 / (0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05) >= 4.5;
}

form.addEventListener("input", (event) => {
  const field = /** @type {HTMLInputElement} */ (event.target);
  const file = field.type === "file" ? field.files?.[0] : undefined;
  if (!file) return void draw();
  const reader = new FileReader();
  reader.onload = () => {
    pictures[field.name] = String(reader.result);
    void draw();
  };
  reader.readAsDataURL(file);
});
for (const one of [language, phase]) one?.addEventListener("change", () => void draw());
await draw();
