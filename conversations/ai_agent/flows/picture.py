"""Draws a flow: steps as boxes in layers, ways as lines with their labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from conversations.ai_agent.flows.steps import STEP_KINDS, FlowPlan, step_links

BOX_WIDTH, BOX_HEIGHT = 190, 54
GAP_X, GAP_Y, MARGIN = 46, 62, 16
LABEL_ROOM = 60
LABEL_MAX = 28
NAME_MAX = 24
END = "End of the flow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A step at its place; `kind` is empty for the end."""

    name: str
    title: str
    note: str
    kind: str
    x: int
    y: int

    @property
    def middle(self) -> int:
        """Return where its name is centred."""
        return self.x + BOX_WIDTH // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A way from one box to another."""

    path: str
    label: str
    label_x: int
    label_y: int
    is_failure: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A drawing and the same in words."""

    width: int
    height: int
    boxes: Sequence[Box]
    lines: Sequence[Line]
    words: Sequence[str]
    box_width: int = BOX_WIDTH
    box_height: int = BOX_HEIGHT


def flow_picture(plan: FlowPlan) -> Picture:
    """Return the drawing of a flow; steps that no way reaches stand in the last row."""
    layers = _layers(plan)
    places = _places(layers)
    boxes = [_box(plan, name, *place) for name, place in places.items()]
    widest = max((len(layer) for layer in layers), default=1)
    links = [
        (name, target, label)
        for name, step in plan.steps.items()
        for target, label in _targets(plan, step.name)
    ]
    back = _lanes(links, places)
    lines = [_line(places, link, back.get(number)) for number, link in enumerate(links)]
    width = MARGIN * 2 + widest * BOX_WIDTH + (widest - 1) * GAP_X + 34 * len(back)
    width += LABEL_ROOM if back else 0
    height = MARGIN * 2 + len(layers) * BOX_HEIGHT + (len(layers) - 1) * GAP_Y
    return Picture(
        width=width, height=max(height, BOX_HEIGHT), boxes=boxes, lines=lines, words=_words(plan)
    )


def _targets(plan: FlowPlan, name: str) -> list[tuple[str, str]]:
    """Return the ways from a step, those to the end under its name, without what is missing."""
    found = [(target or END, label) for target, label in step_links(plan.steps[name])]
    return [(target, label) for target, label in found if target == END or target in plan.steps]


def _layers(plan: FlowPlan) -> list[list[str]]:
    layers: list[list[str]] = []
    seen: set[str] = {END}
    row = [plan.start_step] if plan.start_step in plan.steps else []
    while row:
        layers.append(row)
        seen.update(row)
        ways = (target for name in row for target, _ in _targets(plan, name))
        row = [name for name in dict.fromkeys(ways) if name not in seen]
    lost = [name for name in plan.steps if name not in seen]
    if lost:
        layers.append(lost)
    if any(target == END for name in plan.steps for target, _ in _targets(plan, name)):
        layers.append([END])
    return layers


def _places(layers: Sequence[Sequence[str]]) -> dict[str, tuple[int, int]]:
    widest = max((len(layer) for layer in layers), default=1)
    whole = widest * BOX_WIDTH + (widest - 1) * GAP_X
    found = {}
    for row, layer in enumerate(layers):
        own = len(layer) * BOX_WIDTH + (len(layer) - 1) * GAP_X
        left = MARGIN + (whole - own) // 2
        for column, name in enumerate(layer):
            x = left + column * (BOX_WIDTH + GAP_X)
            found[name] = (x, MARGIN + row * (BOX_HEIGHT + GAP_Y))
    return found


def _box(plan: FlowPlan, name: str, x: int, y: int) -> Box:
    if name == END:
        return Box(name=name, title=name, note="", kind="", x=x, y=y)
    step = plan.steps[name]
    note = STEP_KINDS[step.kind]
    if name == plan.start_step:
        note = f"Start · {note}"
    return Box(name=name, title=_short(name, NAME_MAX), note=note, kind=step.kind, x=x, y=y)


def _lanes(
    links: Sequence[tuple[str, str, str]], places: dict[str, tuple[int, int]]
) -> dict[int, int]:
    """Give each way that does not lead to the next row a lane of its own at the right."""
    right = max((x for x, _ in places.values()), default=0) + BOX_WIDTH
    lanes: dict[int, int] = {}
    for number, (start, target, _) in enumerate(links):
        step_down = places[target][1] - places[start][1]
        if step_down != BOX_HEIGHT + GAP_Y:
            lanes[number] = right + 16 + 34 * len(lanes)
    return lanes


def _line(places: dict[str, tuple[int, int]], link: tuple[str, str, str], lane: int | None) -> Line:
    start, target, label = link
    (x1, y1), (x2, y2) = places[start], places[target]
    is_failure = label == "handoff failed"
    if lane is None:
        return _straight(x1, y1, x2, y2, label, is_failure)
    from_x, from_y = x1 + BOX_WIDTH, y1 + BOX_HEIGHT // 2 + 8
    to_x, to_y = x2 + BOX_WIDTH, y2 + BOX_HEIGHT // 2 - 8
    has_neighbour = any(y == y1 and x > x1 for x, y in places.values())
    # Below its neighbours, so that it does not seem to come out of them.
    below = y1 + BOX_HEIGHT + 10
    leaves = f"H{from_x + GAP_X // 3}V{below}" if has_neighbour else ""
    path = f"M{from_x} {from_y}{leaves}H{lane}V{to_y}H{to_x + 6}"
    return Line(
        path=path,
        label=_short(label, LABEL_MAX),
        label_x=lane,
        label_y=((below if has_neighbour else from_y) + to_y) // 2,
        is_failure=is_failure,
    )


def _straight(x1: int, y1: int, x2: int, y2: int, label: str, is_failure: bool) -> Line:
    from_x, from_y = x1 + BOX_WIDTH // 2, y1 + BOX_HEIGHT
    to_x, to_y = x2 + BOX_WIDTH // 2, y2 - 6
    if x2 != x1:
        from_x += 24 if x2 > x1 else -24
    half = (from_y + to_y) // 2
    path = f"M{from_x} {from_y}C{from_x} {half} {to_x} {half} {to_x} {to_y}"
    return Line(
        path=path,
        label=_short(label, LABEL_MAX),
        label_x=(from_x + to_x) // 2,
        label_y=half + 4,
        is_failure=is_failure,
    )


def _words(plan: FlowPlan) -> list[str]:
    """Say the same as the drawing, one sentence for each step."""
    found = []
    for name, step in plan.steps.items():
        ways: defaultdict[str, list[str]] = defaultdict(list)
        for target, label in _targets(plan, name):
            ways[target].append(label)
        leads = "; ".join(
            f"to {_place(target)}{_reasons(labels)}" for target, labels in ways.items()
        )
        begin = "Start: " if name == plan.start_step else ""
        found.append(f"{begin}{name} ({STEP_KINDS[step.kind].lower()}) leads {leads or 'nowhere'}.")
    return found


def _reasons(labels: Sequence[str]) -> str:
    said = ", ".join(filter(None, labels))
    return f" ({said})" if said else ""


def _place(target: str) -> str:
    return "the end" if target == END else target


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
