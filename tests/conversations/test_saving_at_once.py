"""Two who save at the same time keep one another's changes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from conversations.ai_agent.destinations.services import destination_update
from conversations.ai_agent.flows.services import flow_update, step_save
from conversations.ai_agent.means.services import api_save
from conversations.ai_agent.services import tool_update, topic_update
from conversations.ai_agent.variants.services import variant_update
from conversations.models import Flow, Tool, ToolApi, Topic, Variant
from conversations.widget.channels import channel_update
from integrations.models import AuditEntry, Project
from tests import factories

STEPS: list[dict[str, Any]] = [{"name": "Start", "kind": "default"}]


@pytest.fixture
def project(db) -> Project:
    return factories.project()


def updated(kind: str, row: Any, **values: Any) -> None:
    if kind == "tool_api":
        api_save(project=row.project, actor=None, api=row, values=values)
        return
    update: Any = {
        "topic": topic_update,
        "tool": tool_update,
        "flow": flow_update,
        "variant": variant_update,
        "destination": destination_update,
        "channel": channel_update,
    }[kind]
    update(**{kind: row}, actor=None, values=values)


def made(kind: str, project: Project) -> Any:
    makers: dict[str, Any] = {
        "topic": lambda: factories.topic(project, "hello"),
        "tool": lambda: factories.tool(project),
        "flow": lambda: factories.flow(project, "Returns", STEPS),
        "variant": lambda: Variant.objects.create(project=project, name="Brand"),
        "destination": lambda: factories.destination(project),
        "channel": lambda: factories.channel(project),
        "tool_api": lambda: ToolApi.objects.create(
            project=project,
            name="shop",
            base_urls={"sandbox": "https://shop.example"},
            operations=[{"name": "orders", "method": "GET", "path": "/orders"}],
        ),
    }
    return makers[kind]()


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        ("topic", {"content": "Hello."}, {"is_enabled": False}),
        ("tool", {"description": "Hands over."}, {"timeout_seconds": 3}),
        ("flow", {"description": "Brings it back."}, {"name": "Bring back"}),
        ("variant", {"greeting": "Hello."}, {"language": "de"}),
        ("destination", {"description": "Invoices."}, {"queue_name": "billing"}),
        ("channel", {"title": "Ask us"}, {"is_enabled": False}),
        ("tool_api", {"header_prefix": "Bearer"}, {"timeout_seconds": 9}),
    ],
)
def test_what_somebody_else_has_saved_since_a_row_was_read_stays(
    project: Project, kind: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    row = made(kind, project)
    early, late = (type(row).objects.get(pk=row.pk) for _ in range(2))

    updated(kind, early, **one)
    updated(kind, late, **other)

    row.refresh_from_db()
    assert {name: getattr(row, name) for name in (*one, *other)} == {**one, **other}
    assert list(AuditEntry.objects.order_by("pk").values_list("fields", flat=True)) == [
        list(one),
        list(other),
    ]


def test_a_tool_that_gets_two_names_at_once_is_followed_from_the_first_to_the_second(
    project: Project,
) -> None:
    tool = factories.tool(project)
    topic = factories.topic(project, "a person, please", runs=tool)
    early, late = (Tool.objects.get(pk=tool.pk) for _ in range(2))

    tool_update(tool=early, actor=None, values={"name": "hand_over"})
    tool_update(tool=late, actor=None, values={"name": "to_a_person"})

    assert [one["target"] for one in Topic.objects.get(pk=topic.pk).actions] == ["to_a_person"]


def test_steps_that_two_add_at_once_are_both_there(project: Project) -> None:
    flow = factories.flow(project, "Returns", STEPS)
    early, late = (Flow.objects.get(pk=flow.pk) for _ in range(2))

    step_save(flow=early, actor=None, old_name="", step={"name": "Ask", "kind": "default"})
    step_save(flow=late, actor=None, old_name="", step={"name": "Thanks", "kind": "default"})

    flow.refresh_from_db()
    assert [step["name"] for step in flow.steps] == ["Start", "Ask", "Thanks"]


@pytest.mark.django_db(transaction=True)
def test_of_variants_that_are_made_the_default_at_once_one_is() -> None:
    project = factories.project()
    rows = [Variant.objects.create(project=project, name=f"Brand {n}") for n in range(8)]

    def choose(row: Variant) -> None:
        try:
            variant_update(variant=row, actor=None, values={"is_default": True})
        finally:
            connection.close()

    with ThreadPoolExecutor(len(rows)) as pool:
        list(pool.map(choose, rows))

    assert project.variants.filter(is_default=True).count() == 1
