// The command box: Ctrl+K opens it, arrow keys choose, Enter goes there.

const PAUSE_MS = 120;

export function enableCommandBox() {
  const dialog = document.querySelector("[data-find]");
  const opener = document.querySelector("[data-find-open]");
  if (!dialog || !opener) return;
  const box = new CommandBox(dialog);
  const hint = document.querySelector("[data-find-key]");
  hint.hidden = false;
  if (navigator.platform.startsWith("Mac")) hint.textContent = "⌘ K";
  opener.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    box.open();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
    if (event.shiftKey || event.altKey) return;
    event.preventDefault();
    box.open();
  });
}

/** A text field with a list below it: the field keeps the focus, the list has the choice. */
class CommandBox {
  constructor(dialog) {
    this.dialog = dialog;
    this.input = dialog.querySelector("input");
    this.list = dialog.querySelector("[role=listbox]");
    this.status = dialog.querySelector("[data-find-none]");
    this.asked = 0;
    this.at = -1;
    this.input.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.ask(), PAUSE_MS);
    });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) location.assign(option.dataset.href);
    });
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    dialog.querySelector("form").addEventListener("submit", (event) => this.submit(event));
  }

  open() {
    if (this.dialog.open) return;
    for (const other of document.querySelectorAll("dialog[open]")) other.close();
    this.dialog.showModal();
    this.input.select();
    this.ask();
  }

  /** Asks for what fits what is typed; only the answer to the newest question is drawn. */
  async ask() {
    const number = ++this.asked;
    const text = this.input.value;
    try {
      const answer = await fetch(`${this.dialog.dataset.find}?q=${encodeURIComponent(text)}`);
      if (!answer.ok) throw new Error(String(answer.status));
      const { found } = await answer.json();
      if (number === this.asked) this.draw(found, text);
    } catch {
      if (number === this.asked) this.status.textContent = "Not found out: Baton did not answer.";
    }
  }

  draw(found, text) {
    this.list.replaceChildren(...found.map((one, at) => this.option(one, at)));
    this.drawnFor = text;
    this.input.setAttribute("aria-expanded", String(found.length > 0));
    const count = found.length === 1 ? "1 found" : `${found.length} found`;
    this.status.textContent = found.length ? count : "Nothing is called that or bears that id.";
    this.choose(found.length ? 0 : -1);
  }

  option(one, at) {
    const option = document.createElement("li");
    option.id = `find-option-${at}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", "false");
    option.dataset.href = one.href;
    const label = document.createElement("span");
    label.dir = "auto";
    label.textContent = one.label;
    const kind = document.createElement("span");
    kind.className = "small muted";
    kind.textContent = one.kind;
    option.append(label, " ", kind);
    return option;
  }

  choose(at) {
    const options = [...this.list.children];
    this.at = at;
    options.forEach((one, number) => one.setAttribute("aria-selected", String(number === at)));
    const chosen = options[at];
    if (!chosen) return this.input.removeAttribute("aria-activedescendant");
    this.input.setAttribute("aria-activedescendant", chosen.id);
    chosen.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    const last = this.list.children.length - 1;
    const moves = {
      ArrowDown: this.at >= last ? 0 : this.at + 1,
      ArrowUp: this.at <= 0 ? last : this.at - 1,
    };
    if (!(event.key in moves) || last < 0) return;
    event.preventDefault();
    this.choose(moves[event.key]);
  }

  /** Goes to what is chosen; what was typed since the list was drawn is left to the page. */
  submit(event) {
    const chosen = this.list.children[this.at];
    if (!chosen || this.drawnFor !== this.input.value) return;
    event.preventDefault();
    location.assign(chosen.dataset.href);
  }
}
