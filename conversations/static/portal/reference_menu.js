// Typing / in a topic's texts offers tools and destinations and writes the reference.

const PREFIXES = { run_tool: "fn", handoff: "ho" };
const OPENING = /(^|[\s(])\/([\w .-]{0,40})$/;

const references = [...(document.querySelector("[data-references]")?.content.children ?? [])]
  .map((one) => {
    const [kind, ...name] = one.dataset.value.split(":");
    return { kind, name: name.join(":"), group: one.dataset.group };
  })
  .filter(({ kind }) => PREFIXES[kind]);

/** Offers what fits behind the slash, in a list that the keyboard reaches from the text. */
class ReferenceMenu {
  #found = [];
  #at = 0;

  constructor(area) {
    this.area = area;
    this.list = document.createElement("ul");
    this.list.className = "reference-menu";
    this.list.id = `${area.id}_references`;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Tools and destinations");
    this.list.hidden = true;
    const place = document.createElement("div");
    place.className = "reference-place";
    area.after(place);
    place.append(this.list);
    area.setAttribute("aria-controls", this.list.id);
    area.addEventListener("input", () => this.#look());
    area.addEventListener("keydown", (event) => this.#key(event));
    area.addEventListener("blur", () => this.#close());
    this.list.addEventListener("mousedown", (event) => this.#click(event));
  }

  #look() {
    const opened = OPENING.exec(this.area.value.slice(0, this.area.selectionStart));
    if (!opened) return this.#close();
    const wanted = opened[2].toLowerCase();
    this.#found = references.filter(({ name }) => name.toLowerCase().includes(wanted)).slice(0, 30);
    this.#at = 0;
    if (this.#found.length) this.#draw();
    else this.#close();
  }

  #draw() {
    this.list.replaceChildren(...this.#found.map((one, at) => this.#option(one, at)));
    this.list.hidden = false;
    this.area.setAttribute("aria-activedescendant", `${this.list.id}_${this.#at}`);
    this.list.children[this.#at].scrollIntoView({ block: "nearest" });
  }

  #option({ name, group }, at) {
    const option = document.createElement("li");
    option.id = `${this.list.id}_${at}`;
    option.setAttribute("role", "option");
    option.setAttribute("aria-selected", String(at === this.#at));
    option.dataset.at = String(at);
    const what = document.createElement("span");
    what.className = "muted small";
    what.textContent = group;
    option.append(name, what);
    return option;
  }

  #key(event) {
    if (this.list.hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      this.#at = (this.#at + step + this.#found.length) % this.#found.length;
      this.#draw();
    } else if (event.key === "Enter" || event.key === "Tab") this.#take(this.#at);
    else if (event.key === "Escape") this.#close();
    else return;
    event.preventDefault();
  }

  #click(event) {
    const option = event.target.closest("[data-at]");
    if (!option) return;
    event.preventDefault();
    this.#take(Number(option.dataset.at));
  }

  #take(at) {
    const { kind, name } = this.#found[at];
    const end = this.area.selectionStart;
    const before = this.area.value.slice(0, end);
    const start = OPENING.exec(before).index + OPENING.exec(before)[1].length;
    this.area.setRangeText(`{{${PREFIXES[kind]}:${name}}}`, start, end, "end");
    this.#close();
  }

  #close() {
    this.list.hidden = true;
    this.area.removeAttribute("aria-activedescendant");
  }
}

const area = document.querySelector('textarea[name="actions_text"]');
if (area && references.length) new ReferenceMenu(area);
