// What `conv` and its parts offer, from the same stub by which a source is checked at saving.

import { pythonLanguage } from "@codemirror/lang-python";

/** @returns {Record<string, {label: string, type: string, detail: string}[]>} */
function offered() {
  const element = document.getElementById("conv-completions");
  return element ? JSON.parse(element.textContent) : {};
}

export function convCompletion() {
  const places = offered();
  return pythonLanguage.data.of({ autocomplete: (context) => complete(context, places) });
}

function complete(context, places) {
  const path = context.matchBefore(/\bconv(\.\w+)*\.\w*$/);
  if (path) {
    const dot = path.text.lastIndexOf(".");
    const options = places[path.text.slice(0, dot)];
    return options ? { from: path.from + dot + 1, options, validFor: /^\w*$/ } : null;
  }
  const secret = context.matchBefore(/get_secret\(["'][\w.-]*$/);
  if (secret) {
    const quote = secret.text.search(/["']/);
    return { from: secret.from + quote + 1, options: places["get_secret("] ?? [], validFor: /^[\w.-]*$/ };
  }
  const word = context.matchBefore(/(?<![.\w])[A-Za-z_]\w*$/);
  if (!word || (word.from === word.to && !context.explicit)) return null;
  return { from: word.from, options: places[""] ?? [], validFor: /^\w*$/ };
}
