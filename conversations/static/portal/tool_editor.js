// Comforts of the tool editor: line numbers, Tab indents, Run without leaving the page.

const INDENT = "    ";

/** Numbers the lines beside the source and keeps them level with it. */
function numberLines(area, gutter) {
  gutter.hidden = false;
  const draw = () => {
    const count = area.value.split("\n").length;
    if (gutter.childElementCount !== count)
      gutter.replaceChildren(...Array.from({ length: count }, (_, at) => lineNumber(at + 1)));
    markProblems(gutter);
    gutter.scrollTop = area.scrollTop;
  };
  area.addEventListener("input", draw);
  area.addEventListener("scroll", draw);
  draw();
}

/** Colours the numbers of lines that a problem names. */
function markProblems(gutter) {
  for (const link of document.querySelectorAll(".problem [data-line]")) {
    const isError = link.closest(".problem-error");
    const number = gutter.children[Number(link.dataset.line) - 1];
    number?.classList.add(isError ? "has-error" : "has-warning");
  }
}

function lineNumber(number) {
  const line = document.createElement("span");
  line.textContent = String(number);
  return line;
}

/** Lets Tab indent; after Escape the next Tab leaves the box, so that nobody is trapped. */
function indentWithTab(area) {
  let leaves = false;
  area.addEventListener("keydown", (event) => {
    if (event.key === "Escape") leaves = true;
    else if (event.key === "Tab" && !leaves && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      if (event.shiftKey) takeIndentBack(area);
      else indent(area);
    } else if (event.key !== "Shift") leaves = false;
  });
  area.addEventListener("blur", () => (leaves = false));
}

function indent(area) {
  const start = lineStart(area);
  const isOneLine = area.selectionStart === area.selectionEnd;
  if (isOneLine) return replace(area, area.selectionStart, area.selectionEnd, INDENT);
  const lines = area.value.slice(start, area.selectionEnd);
  replace(area, start, area.selectionEnd, lines.replace(/^(?=.)/gm, INDENT), true);
}

function takeIndentBack(area) {
  const start = lineStart(area);
  const lines = area.value.slice(start, Math.max(area.selectionEnd, start));
  const shorter = lines.replace(/^ {1,4}/gm, "");
  if (shorter !== lines) replace(area, start, area.selectionEnd, shorter, lines.includes("\n"));
}

function lineStart(area) {
  return area.value.lastIndexOf("\n", area.selectionStart - 1) + 1;
}

/** Replaces text so that the browser's own undo still works where it can. */
function replace(area, start, end, text, isSelected = false) {
  area.setSelectionRange(start, end);
  if (!document.execCommand("insertText", false, text)) area.setRangeText(text, start, end, "end");
  if (isSelected) area.setSelectionRange(start, start + text.length);
  area.dispatchEvent(new Event("input"));
}

/** Puts the cursor on the line that a problem names. */
function followProblems(area) {
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-line]");
    if (!link) return;
    event.preventDefault();
    const before = area.value.split("\n").slice(0, Number(link.dataset.line) - 1);
    const start = before.length ? before.join("\n").length + 1 : 0;
    const end = area.value.indexOf("\n", start);
    area.focus();
    area.setSelectionRange(start, end < 0 ? area.value.length : end);
    const lineHeight = parseFloat(getComputedStyle(area).lineHeight);
    area.scrollTop = Math.max(0, (before.length - 4) * lineHeight);
  });
}

/** Runs the source as it stands and shows the result below it. */
function runInPlace(form, button, result) {
  button.addEventListener("click", async (event) => {
    event.preventDefault();
    button.disabled = true;
    result.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(button.formAction, {
        method: "POST",
        body: new FormData(form),
        headers: { "X-Requested-With": "fetch" },
      });
      if (!answer.ok) throw new Error(String(answer.status));
      result.innerHTML = await answer.text();
      result.scrollIntoView({ block: "nearest" });
    } catch {
      form.requestSubmit(button);
    } finally {
      button.disabled = false;
      result.removeAttribute("aria-busy");
    }
  });
}

const area = document.querySelector("[data-code]");
if (area) {
  numberLines(area, document.querySelector("[data-gutter]"));
  indentWithTab(area);
  followProblems(area);
  document.querySelector("[data-tab-help]").hidden = false;
  const button = document.querySelector("[data-run]");
  if (button) runInPlace(area.form, button, document.querySelector("[data-run-result]"));
}
