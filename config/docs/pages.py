"""The pages of docs/ that are made from data, so that they cannot be wrong."""

from __future__ import annotations

from collections.abc import Iterable

from django.conf import settings

from config.docs.vendor_sizes import sizes_table, sizes_wrong
from conversations.ai_agent.sandbox.served import ATTRIBUTES, CALLS
from handoffs.lifecycle.deadlines import DEADLINES, Deadline
from handoffs.states import FINAL_STATES, TRANSITIONS, State, Trigger
from integrations.behaviour.languages import languages
from integrations.connect.steps import troubles
from integrations.contract.manifest import Capability, Manifest, Support
from integrations.contract.registry import all_manifests, manifests, planned_keys
from integrations.contract.tool_operations import ToolOperation

CONV_INTRO = (
    "Every attribute and call that the reference product documents. A test runs an example of "
    "each in the sandbox. What is refused raises `NotImplementedError` with the reason; what has "
    "no effect in a text conversation does nothing, and **Operate > Log** says so. How they are "
    "used stands in [builders.md](builders.md#conv)."
)
TOOLS_INTRO = (
    "A tool calls a connected system by `conv.integrations.<name>.<call>(…)`, with every argument "
    'by name. `credential_set="…"` chooses among several connections of one vendor; without it '
    "the set of the conversation's variant is taken. Arguments with `=None` may be left "
    "out. A call that cannot be meant raises "
    "`ValueError`, a refused connection `PermissionError`, no answer `ConnectionError` or "
    "`TimeoutError`, any other refusal `RuntimeError`; the message has the vendor's own code and "
    "never a credential. The time that a call takes counts as the tool's. A turn that is run again "
    "after a crash runs its tools again: what they have opened may be there twice."
)
BEGIN, END = "<!-- generated: begin -->", "<!-- generated: end -->"
SUPPORT = {
    Support.LIVE_TESTED: "tested with a live account",
    Support.SIMULATED: "tested with the simulator",
    Support.EXPERIMENTAL: "experimental",
}


def generated_pages() -> dict[str, str]:
    """Return the content of each generated page by its name in docs/."""
    architecture = _between_marks(_written("architecture.md"), state_table())
    return {
        "vendors.md": vendors_page(),
        "conv.md": conv_page(),
        "integrations_for_tools.md": tool_operations_page(),
        "architecture.md": _between_marks(architecture, deadline_table(), what="deadlines"),
        "widget.md": _between_marks(_written("widget.md"), languages_table(), what="languages"),
        "vendor_sizes.md": _sizes_page(_written("vendor_sizes.md")),
        **dict(map(_vendor_page, manifests())),
    }


def _vendor_page(manifest: Manifest) -> tuple[str, str]:
    """Return a connector's page with what its tile says of trouble."""
    name = f"../integrations/vendors/{manifest.key}/README.md"
    return name, _between_marks(_written(name), troubles_table(manifest), what="troubles")


def troubles_table(manifest: Manifest) -> str:
    """Return the table of what can go wrong, as the connection's page shows it."""
    rows = [_row("What is seen, or the check", "Cause", "Cure"), _row("---", "---", "---")]
    rows += [_row(label, help_.cause, help_.cure) for label, help_ in troubles(manifest)]
    return "\n".join(rows)


def languages_table() -> str:
    """Return the languages in which end users are spoken to."""
    rows = [_row("Language", "Code", "Written"), _row("---", "---", "---")]
    way = {"ltr": "left to right", "rtl": "right to left"}
    rows += [_row(one.name, _code([one.code]), way[one.direction]) for one in languages().values()]
    return "\n".join(rows)


def _sizes_page(page: str) -> str:
    """Leave the page as it stands while it is true: a line more in a vendor's file is no change."""
    return _between_marks(page, sizes_table()) if sizes_wrong(page) else page


def vendors_page() -> str:
    """Return the feature matrix of all connectors."""
    found = sorted(manifests(), key=lambda manifest: manifest.name)
    head = ["# What each connector can do", "", f"{BEGIN[:-4]} by make docs -->", ""]
    names = [f"[{m.name}](../integrations/vendors/{m.key}/README.md)" for m in found]
    rows = [_row("", *names), _row("---", *["---"] * len(found))]
    rows.append(_row("How we know", *(SUPPORT[m.support] for m in found)))
    rows.append(_row("Payload key", *(f"`{m.integration_key}`" for m in found)))
    rows.append(_row("A tool may also call it", *(_code(m.aliases) for m in found)))
    rows.append(_row("Hints of its own", *(_code(h.name for h in m.hints) for m in found)))
    rows.append(_row("Events reach us by", *(m.delivery.value for m in found)))
    rows += [
        _row(_words(capability), *("yes" if capability in m.capabilities else "–" for m in found))
        for capability in Capability
    ]
    rows.append(_row("Private note (`note`)", *(m.private_note or "–" for m in found)))
    rows.append(_row("A crash may repeat", *(_repeats(m) for m in found)))
    return "\n".join([*head, *rows, "", _planned(), ""])


def conv_page() -> str:
    """Return what `conv` serves, name by name; a test tries each example in the sandbox."""
    head = ["# What `conv` offers to tools", "", f"{BEGIN[:-4]} by make docs -->", "", CONV_INTRO]
    for title, served in (("Attributes", ATTRIBUTES), ("Calls", CALLS)):
        head += ["", f"## {title}", "", _row("Name", "Here", "What it is, or why it is refused")]
        head.append(_row("---", "---", "---"))
        head += [_row(f"`{one.name}`", one.support.value, _capital(one.about)) for one in served]
    return "\n".join([*head, ""])


def tool_operations_page() -> str:
    """Return what tools can call of connected systems."""
    head = ["# What connected systems offer to tools", "", f"{BEGIN[:-4]} by make docs -->", ""]
    head.append(TOOLS_INTRO)
    for found in sorted(manifests(), key=lambda manifest: manifest.name):
        if not found.tool_operations:
            continue
        head += [
            "",
            f"## {found.name}",
            "",
            f"Connected under **Configure > Integrations > {found.tile}**.",
        ]
        head += ["", _row("Call", "What it does"), _row("---", "---")]
        for one in found.tool_operations:
            call = f"`conv.integrations.{found.tool_name}.{one.name}({_arguments(one)})`"
            head.append(_row(call, one.about))
    return "\n".join([*head, ""])


def _arguments(operation: ToolOperation) -> str:
    optional = [f"{name}=None" for name in (*operation.one_of, *operation.optional)]
    return ", ".join(["*", *operation.required, *optional])


def _capital(sentence: str) -> str:
    return sentence if sentence.startswith("`") else sentence[:1].upper() + sentence[1:]


def _planned() -> str:
    """Say which vendors have a manifest and no connector yet."""
    planned = [m for m in all_manifests() if m.key in planned_keys()]
    if not planned:
        return "Every vendor that has a tile has a connector."
    names = ", ".join(f"{m.name} (`{m.key}`)" for m in sorted(planned, key=lambda one: one.name))
    return f"Planned, and not available yet: {names}."


def state_table() -> str:
    """Return the table of transitions as it is in handoffs/states.py."""
    rows = [_row("From", *(trigger.value for trigger in Trigger))]
    rows.append(_row("---", *["---"] * len(Trigger)))
    for state in State:
        if state in FINAL_STATES:
            continue
        targets = (TRANSITIONS.get((state, trigger)) for trigger in Trigger)
        rows.append(_row(f"`{state.value}`", *(f"`{t.value}`" if t else "–" for t in targets)))
    return "\n".join(rows)


def deadline_table() -> str:
    """Return the table of deadlines as it is in handoffs/lifecycle/deadlines.py."""
    rows = [_row("What lasts", "How long", "What happens then"), _row("---", "---", "---")]
    return "\n".join([*rows, *(_row(one.lasts, _how_long(one), one.then) for one in DEADLINES)])


def _how_long(deadline: Deadline) -> str:
    seconds = int(deadline.fixed.total_seconds())
    days, rest = divmod(seconds, 86400)
    fixed = f"{seconds} seconds" if rest else f"{days} day{'s' if days > 1 else ''}"
    by_deployment = f"`{deadline.setting}`" if deadline.setting else fixed
    return f"{by_deployment}, *{deadline.behaviour}*" if deadline.behaviour else by_deployment


def _repeats(manifest: Manifest) -> str:
    if manifest.repeat_note:
        return manifest.repeat_note
    is_safe = Capability.IDEMPOTENT_SEND in manifest.capabilities
    return "nothing" if is_safe else "one message"


def _words(capability: Capability) -> str:
    return capability.value.replace("_", " ").capitalize()


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "–"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _written(name: str) -> str:
    return (settings.BASE_DIR / "docs" / name).read_text(encoding="utf-8")


def _between_marks(page: str, text: str, *, what: str = "generated") -> str:
    begin, end = BEGIN.replace("generated", what), END.replace("generated", what)
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{text}\n{end}{after}"
