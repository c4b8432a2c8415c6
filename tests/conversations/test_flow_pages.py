"""Build > Flows: a flow is built in forms, drawn, and told in words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from conversations.ai_agent.flows.picture import flow_picture
from conversations.ai_agent.flows.services import step_save
from conversations.ai_agent.flows.steps import Known, plan_of, plan_problems
from conversations.models import Flow
from integrations.models import Project
from tests import factories
from tests.members import client_of_admin, client_of_reader

RETURNS: list[dict[str, Any]] = [
    {
        "name": "Start",
        "entities": [{"name": "order_number", "kind": "alphanumeric", "question": "Which order?"}],
        "conditions": [
            {"description": "a refund", "phrases": ["refund"], "child_step": "Person"},
            {"description": "never mind", "phrases": ["forget it"]},
        ],
    },
    {"name": "Person", "kind": "handoff", "next_step": "Thanks", "on_failed": "Start"},
    {"name": "Thanks", "prompt": "Thank you."},
]


@pytest.fixture
def project(db) -> Project:
    return factories.project()


def at(project: Project, name: str, **more: Any) -> str:
    return reverse(name, kwargs={"project_id": project.public_id, **more})


def text_of(client: Client, address: str) -> str:
    return " ".join(client.get(address).content.decode().split())


def filled(kind: str, name: str, **fields: Any) -> dict[str, Any]:
    """Return what the form of a step sends, its rows included."""
    rows = {
        f"{prefix}-{count}": value
        for prefix in ("entities", "conditions")
        for count, value in {"TOTAL_FORMS": 2, "INITIAL_FORMS": 0}.items()
    }
    rows |= {"entities-0-kind": "free_text", "entities-1-kind": "free_text"}
    return {"step_name": name, "kind": kind, **rows, **fields}


def test_a_flow_with_a_transfer_is_built_in_forms(project):
    admin = client_of_admin(project)
    factories.destination(project, name="Parcels desk")
    admin.post(at(project, "flow_new"), {"name": "Returns", "description": "Brings things back"})
    flow = Flow.objects.get(project=project)
    steps = at(project, "flow_step", flow_id=flow.pk)
    told = {"destination": "Parcels desk", "reason": "return", "note": "A regular."}
    admin.post(steps, filled("handoff", "Person", prompt="One moment.", **told))
    first = at(project, "flow_step", flow_id=flow.pk, at=0)
    fields = {
        "prompt": "Let us bring it back.",
        "next_step": "Person",
        "entities-0-name": "order_number",
        "entities-0-kind": "alphanumeric",
        "entities-0-question": "Which order?",
    }
    answer = admin.post(first, filled("default", "Ask", **fields))

    assert answer.status_code == 302
    flow.refresh_from_db()
    assert flow.start_step == "Ask"
    assert flow.steps == [
        {
            "name": "Ask",
            "kind": "default",
            "prompt": "Let us bring it back.",
            "next_step": "Person",
            "entities": [
                {"name": "order_number", "kind": "alphanumeric", "question": "Which order?"}
            ],
        },
        {"name": "Person", "kind": "handoff", "prompt": "One moment.", **told},
    ]
    page = text_of(admin, at(project, "flow", flow_id=flow.pk))
    assert "Start: Ask (say and ask) leads to Person." in page
    assert 'role="img"' in page


def test_a_step_that_gets_another_name_keeps_the_ways_to_it(project):
    flow = factories.flow(project, "Returns", RETURNS)

    step_save(flow=flow, actor=None, old_name="Person", step={**RETURNS[1], "name": "Live agent"})
    step_save(flow=flow, actor=None, old_name="Start", step={**flow.steps[0], "name": "Begin"})

    assert flow.start_step == "Begin"
    assert flow.steps[0]["conditions"][0]["child_step"] == "Live agent"
    assert flow.steps[1]["on_failed"] == "Begin"


def test_what_is_wrong_with_a_flow_is_said_with_its_step():
    steps = [
        {"name": "A", "conditions": [{"child_step": "Gone", "required_entities": ["size"]}]},
        {"name": "B", "kind": "function"},
        {"name": "C", "kind": "handoff", "waiting_flow": "Music", "destination": "Sales"},
        {"name": "D", "kind": "handoff", "destination": "billing"},
    ]
    found = plan_problems(plan_of("X", "A", steps), Known(tools={}, flows=[], places=["Billing"]))

    assert {(one.step, one.message) for one in found} == {
        ("A", "Leads to “Gone”, which does not exist."),
        ("A", "A condition needs “size”, which no step collects."),
        ("B", "Pick the function to run."),
        ("C", "There is no flow “Music”. This project has none yet."),
        ("C", "Hands over to “Sales”, which does not exist. This project has Billing."),
        ("B", "No way leads here."),
        ("C", "No way leads here."),
        ("D", "No way leads here."),
    }


def test_a_tool_that_needs_what_no_step_collects_is_named_with_its_step(project):
    admin = client_of_admin(project)
    source = "def ship(conv, flow, order_number, country, express=False):\n    return 'Sent.'"
    factories.tool(project, source)
    asks = {"name": "Ask", "entities": [{"name": "order_number", "kind": "alphanumeric"}]}
    flow = factories.flow(project, "Shipping", [{**asks, "tools": ["ship"]}])

    page = text_of(admin, at(project, "flow", flow_id=flow.pk))
    assert "The tool ship needs “country”, which no step collects." in page
    assert page.count("which no step collects") == 1

    flow.steps[0]["entities"].append({"name": "country", "kind": "free_text"})
    flow.save()
    assert "which no step collects" not in text_of(admin, at(project, "flow", flow_id=flow.pk))


def test_the_picture_has_each_step_once_and_each_way():
    picture = flow_picture(plan_of("Returns", "Start", RETURNS))

    assert [box.name for box in picture.boxes] == ["Start", "Person", "Thanks", "End of the flow"]
    assert len(picture.lines) == 5
    assert [line.label for line in picture.lines if line.is_failure] == ["handoff failed"]
    assert all(box.x >= 0 and box.x + picture.box_width <= picture.width for box in picture.boxes)
    assert len({(box.x, box.y) for box in picture.boxes}) == len(picture.boxes)
    assert picture.words[1] == (
        "Person (agent transfer) leads to Thanks (after the live agent); to Start (handoff failed)."
    )


def hidden(client: Client, address: str) -> dict[str, str]:
    """Return what the form of a step, as it is drawn now, says that it is of."""
    page = client.get(address).content.decode()
    return {
        name: re.search(f'name="{name}" value="([^"]*)"', page)[1]
        for name in ("old_name", "version")
    }


def test_a_form_finds_its_step_although_another_was_deleted_before_it(project):
    admin = client_of_admin(project)
    flow = factories.flow(project, "Returns", RETURNS)
    person, thanks = (at(project, "flow_step", flow_id=flow.pk, at=place) for place in (1, 2))
    drawn = [hidden(admin, address) for address in (person, thanks)]
    admin.post(at(project, "flow_step", flow_id=flow.pk, at=0), {"delete": "1"})

    saved = admin.post(person, filled("handoff", "Person", reason="return", **drawn[0]))
    admin.post(thanks, {"delete": "1", **drawn[1]})

    assert saved.status_code == 302
    flow.refresh_from_db()
    assert flow.steps == [{"name": "Person", "kind": "handoff", "reason": "return"}]


def test_a_form_of_a_step_that_somebody_else_has_changed_is_stale_and_may_be_saved_again(project):
    admin = client_of_admin(project)
    flow = factories.flow(project, "Returns", RETURNS)
    thanks = at(project, "flow_step", flow_id=flow.pk, at=2)
    drawn = hidden(admin, thanks)
    admin.post(thanks, filled("default", "Thanks", prompt="Theirs.", **drawn))

    told = admin.post(thanks, filled("default", "Thanks", prompt="Mine.", **drawn))
    kept = admin.post(thanks, {"delete": "1", **drawn})

    page = told.content.decode()
    assert (told.status_code, kept.status_code) == (409, 409)
    assert "Not saved: somebody else changed this step." in page
    assert "Mine." in page
    assert Flow.objects.get().steps[2]["prompt"] == "Theirs."
    version = re.search('name="version" value="([^"]*)"', page)[1]
    again = filled("default", "Thanks", prompt="Mine.", old_name="Thanks", version=version)
    assert admin.post(thanks, again).status_code == 302
    assert Flow.objects.get().steps[2]["prompt"] == "Mine."


def test_a_form_of_a_step_that_somebody_else_has_deleted_may_add_it_anew(project):
    admin = client_of_admin(project)
    flow = factories.flow(project, "Returns", RETURNS)
    thanks = at(project, "flow_step", flow_id=flow.pk, at=2)
    drawn = hidden(admin, thanks)
    admin.post(thanks, {"delete": "1", **drawn})

    told = admin.post(thanks, filled("default", "Thanks", prompt="Mine.", **drawn))
    assert told.status_code == 409
    assert "Not saved: somebody else deleted or renamed this step." in told.content.decode()
    assert len(Flow.objects.get().steps) == 2

    again = filled("default", "Thanks", prompt="Mine.", old_name="", version="")
    assert admin.post(thanks, again).status_code == 302
    assert [step["name"] for step in Flow.objects.get().steps] == ["Start", "Person", "Thanks"]


def test_two_steps_or_flows_of_one_name_are_refused(project):
    admin = client_of_admin(project)
    flow = factories.flow(project, "Returns", RETURNS)
    steps = at(project, "flow_step", flow_id=flow.pk)

    again = admin.post(steps, filled("default", "Person"))
    assert again.status_code == 422
    assert "There are two steps named “Person”." in again.content.decode()
    assert admin.post(at(project, "flow_new"), {"name": "Returns"}).status_code == 422
    assert len(Flow.objects.get().steps) == 3


def test_a_reader_sees_a_flow_and_changes_nothing(project):
    reader = client_of_reader(project)
    flow = factories.flow(project, "Returns", RETURNS)

    assert "Save flow" not in text_of(reader, at(project, "flow", flow_id=flow.pk))
    assert reader.get(at(project, "flow_step", flow_id=flow.pk, at=0)).status_code == 403
    assert reader.post(at(project, "flow", flow_id=flow.pk), {"name": "X"}).status_code == 403
    outsider = client_of_admin(factories.project())
    assert outsider.get(at(project, "flow", flow_id=flow.pk)).status_code == 404


def test_a_deleted_step_leaves_its_ways_marked_and_a_deleted_flow_is_gone(project):
    admin = client_of_admin(project)
    flow = factories.flow(project, "Returns", RETURNS)
    admin.post(at(project, "flow_step", flow_id=flow.pk, at=1), {"delete": "1"})

    page = text_of(admin, at(project, "flow", flow_id=flow.pk))
    assert "Leads to “Person”, which does not exist." in page
    assert "Person (no longer exists)" in text_of(
        admin, at(project, "flow_step", flow_id=flow.pk, at=0)
    )
    admin.post(at(project, "flow_delete", flow_id=flow.pk))
    assert "No flows yet" in text_of(admin, at(project, "flows"))
