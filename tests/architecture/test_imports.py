"""Dependencies point one way: config, handoffs, conversations, integrations, vendors."""

from __future__ import annotations

import ast
import re

import pytest

from tests.architecture.rules import RULES, Rule
from tests.architecture.sources import (
    APPS,
    Sources,
    imports,
    module_of,
    parsed,
    project,
    room_of,
)

# Rooms that name everybody's modules by their nature.
WIRING = r".*/(urls|apps|admin)\.py|.*/(management|urls)/.*"
# What a string must not do for an import: reach an app above by a model's name.
APPS_ABOVE = re.compile(r"(handoffs?|conversations?)(\.[A-Za-z]+|__\w+)")
RELATED = ("handoffs", "handoff_set", "conversations")
PLANTS = [(rule, *plant) for rule in RULES for plant in rule.plants]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_rule_is_kept(rule: Rule) -> None:
    assert rule.offences(project()) == []


@pytest.mark.parametrize(
    ("rule", "path", "text"), PLANTS, ids=[f"{rule.name}: {text}" for rule, _, text in PLANTS]
)
def test_a_planted_offence_is_found(rule: Rule, path: str, text: str) -> None:
    found = rule.offences({**project(), path: text})

    assert [line for line in found if line.startswith(f"{path}:")], "the rule is blind here"


def test_integrations_reaches_no_app_above_by_a_models_name() -> None:
    assert _reached_by_name(project()) == []


@pytest.mark.parametrize(
    "text",
    [
        "apps.get_model('handoffs.Handoff')",
        "Integration.objects.filter(handoffs__state='queued')",
        "models.ForeignKey('conversations.Conversation')",
        "rows.values('handoffs__id')",
        "integration.handoffs.first()",
    ],
)
def test_a_planted_models_name_is_found(text: str) -> None:
    assert len(_reached_by_name({"integrations/connect/novel.py": text})) == 1


@pytest.mark.parametrize("app", APPS)
def test_the_rooms_of_an_app_do_not_import_each_other_in_circles(app: str) -> None:
    assert _circles(project(), app) == []


@pytest.mark.parametrize(
    "planted",
    [
        {
            "handoffs/relay/novel.py": "from handoffs.portal.novel import page",
            "handoffs/portal/novel.py": "from ..relay import novel",
        },
        {
            "handoffs/models.py": "import handoffs.lifecycle.novel",
            "handoffs/lifecycle/novel.py": "from handoffs.models import Handoff",
        },
    ],
    ids=["two rooms", "a room and a file"],
)
def test_a_planted_circle_is_found(planted: Sources) -> None:
    assert _circles(planted, "handoffs") != []


def test_only_one_module_sends_to_groups() -> None:
    users = [path for path, text in project().items() if re.search(r"\.groups?_send\(", text)]

    # The layer is what publish.py sends through.
    assert sorted(users) == [
        "conversations/journal/channel_layer.py",
        "conversations/journal/publish.py",
    ]


def _reached_by_name(sources: Sources) -> list[str]:
    return [
        f"{path}:{getattr(node, 'lineno', 0)} {name}"
        for path, text in sources.items()
        if path.startswith("integrations/") and "/vendors/" not in path
        for node in ast.walk(parsed(text))
        if (name := _name_in(node))
    ]


def _name_in(node: ast.AST) -> str:
    """Return the word by which a node reaches a model above: a look-up, a label, a relation."""
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("integration", "row"):
        return node.attr if node.attr in RELATED else ""
    name = getattr(node, "arg", None) if isinstance(node, ast.keyword) else None
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        name = node.value
    return name if name and APPS_ABOVE.fullmatch(name) else ""


def _circles(sources: Sources, app: str) -> list[str]:
    """Return each import between two rooms from which a way leads back."""
    edges = _edges(sources, app)
    return sorted(f"{a} -> {b}: {why}" for (a, b), why in edges.items() if a in _reach(edges, b))


def _edges(sources: Sources, app: str) -> dict[tuple[str, str], str]:
    known = {module_of(path) for path in sources}
    edges: dict[tuple[str, str], str] = {}
    for path, text in sources.items():
        if not path.startswith(f"{app}/") or "/vendors/" in path or re.match(WIRING, path):
            continue
        here = room_of(module_of(path), known)
        for found in imports(path, text):
            there = room_of(found.name, known)
            is_ours = found.name.startswith(f"{app}.") and ".vendors." not in found.name
            if is_ours and there != here and not found.is_typing:
                edges.setdefault((here, there), f"{path}:{found.line} imports {found.name}")
    return edges


def _reach(edges: dict[tuple[str, str], str], start: str) -> set[str]:
    seen, open_ends = {start}, [start]
    while open_ends:
        here = open_ends.pop()
        new = {b for a, b in edges if a == here} - seen
        seen |= new
        open_ends += new
    return seen
