// The editor of a tool: CodeMirror over the form's text box, which stays what is sent and works alone.

import { acceptCompletion } from "@codemirror/autocomplete";
import { indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { indentUnit } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { unifiedMergeView } from "@codemirror/merge";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { basicSetup } from "codemirror";
import { convCompletion } from "./completion.js";
import { look } from "./look.js";
import { runInPlace } from "./run.js";

const compared = new Compartment();
const area = document.querySelector("[data-code]");
if (area) begin(area);

function begin(area) {
  const view = editorOver(area);
  markProblems(view);
  followProblems(view);
  compareWithLive(view);
  document.querySelector("[data-tab-help]").hidden = false;
  const button = document.querySelector("[data-run]");
  if (button) runInPlace(area.form, button, document.querySelector("[data-run-result]"));
}

/** Puts the editor where the box is. It lives in a shadow root, so that its styles are sheets of
 * the document's own and no inline style has to be allowed. */
function editorOver(area) {
  const host = document.createElement("div");
  host.className = "code-host";
  area.before(host);
  const root = host.attachShadow({ mode: "open" });
  const isUsed = document.activeElement === area;
  area.hidden = true;
  area.required = false;
  const label = document.querySelector(`label[for="${area.id}"]`);
  const view = new EditorView({ root, parent: root, state: stateOf(area, label?.textContent.trim()) });
  // Who wrote in the box before this script came goes on writing where they were.
  if (isUsed) view.focus();
  label?.addEventListener("click", () => view.focus());
  area.form.addEventListener("reset", () => location.reload());
  return view;
}

function stateOf(area, name) {
  const isFixed = area.disabled || area.matches("fieldset[disabled] *");
  return EditorState.create({
    doc: area.value,
    selection: { anchor: area.selectionStart, head: area.selectionEnd },
    extensions: [
      // Tab takes what is offered, else it indents. Escape, then Tab, leaves: the view's own rule.
      keymap.of([{ key: "Tab", run: acceptCompletion }, indentWithTab]),
      basicSetup,
      python(),
      indentUnit.of("    "),
      convCompletion(),
      lintGutter(),
      look,
      compared.of([]),
      EditorState.readOnly.of(isFixed),
      EditorView.contentAttributes.of({
        "aria-label": name || "Python source",
        spellcheck: "false",
        tabindex: "0",
      }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        area.value = update.state.doc.toString();
        area.dispatchEvent(new Event("input", { bubbles: true }));
      }),
    ],
  });
}

/** Underlines what the check at saving found, at its line. */
function markProblems(view) {
  const { doc } = view.state;
  const found = [...document.querySelectorAll(".problem [data-line]")].map((link) => {
    const line = doc.line(Math.min(doc.lines, Math.max(1, Number(link.dataset.line))));
    const from = Math.min(line.to, line.from + Math.max(0, Number(link.dataset.column || 1) - 1));
    const item = link.closest(".problem");
    return {
      from,
      to: Math.max(from, line.to),
      severity: item.classList.contains("problem-error") ? "error" : "warning",
      message: item.querySelector("[data-message]").textContent,
    };
  });
  if (found.length) view.dispatch(setDiagnostics(view.state, found));
}

/** Puts the cursor on the line that a problem below names. */
function followProblems(view) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("[data-line]");
    if (!link) return;
    event.preventDefault();
    const { doc } = view.state;
    const line = doc.line(Math.min(doc.lines, Math.max(1, Number(link.dataset.line))));
    view.dispatch({
      selection: { anchor: line.from, head: line.to },
      effects: EditorView.scrollIntoView(line.from, { y: "center" }),
    });
    view.focus();
  });
}

/** Shows what differs from the source that Live runs, line by line, while the button is pressed. */
function compareWithLive(view) {
  const button = document.querySelector("[data-compare]");
  const live = document.querySelector("[data-live]");
  if (!button || !live) return;
  button.hidden = false;
  document.querySelector("[data-live-text]")?.remove();
  button.addEventListener("click", () => {
    const isOn = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isOn));
    const shown = isOn ? unifiedMergeView({ original: live.value, mergeControls: false, gutter: true }) : [];
    view.dispatch({ effects: compared.reconfigure(shown) });
  });
}
