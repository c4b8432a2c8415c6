"""The topic editor's actions, and Build > Handoff rules."""

from __future__ import annotations

import pytest
from django.urls import reverse

from conversations.models import Destination, Topic
from integrations.models import AuditEntry, Project
from tests import factories
from tests.members import client_of_reader

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    made = factories.project()
    Destination.objects.create(project=made, name="Billing", is_default=True)
    return made


def url(name: str, project: Project, **more: object) -> str:
    return reverse(name, kwargs={"project_id": project.public_id, **more})


def row(**changed: str) -> dict[str, object]:
    names = ("target", "when", "arguments", "reason", "utterance", "answers", "fact", "op", "value")
    typed = dict.fromkeys(names, "") | {"when": "always", "op": "is"} | changed
    return {f"action_{name}": [value] for name, value in typed.items()}


def topic(**changed: str) -> dict[str, object]:
    words = {
        "name": "Bill",
        "is_enabled": "on",
        "example_queries": "my bill",
        "content": "Shall I?",
    }
    return {**words, **row(**changed)}


def test_a_handoff_is_built_without_code_and_shown_again(admin, project):
    typed = {"target": "handoff:Billing", "when": "on_confirm", "reason": "bill"}

    admin.post(url("topic_new", project), topic(**typed, utterance="One moment."))

    saved = Topic.objects.get()
    assert saved.actions == [
        {
            "kind": "handoff",
            "target": "Billing",
            "when": "on_confirm",
            "args": {"reason": "bill", "utterance": "One moment."},
        }
    ]
    page = admin.get(url("topic_edit", project, topic_id=saved.pk))
    assert (page.context["rows"][0].name, page.context["rows"][0].reason) == ("Billing", "bill")


def test_a_tools_arguments_a_condition_and_answers_are_kept(admin, project):
    factories.tool(project, "def find(conv, order, is_gift=False): ...")
    tool = {"target": "run_tool:find", "arguments": 'order="A-7", is_gift=True'}

    admin.post(
        url("topic_new", project), topic(**tool, when="condition", fact="state.tier", value="x")
    )
    admin.post(
        url("topic_new", project),
        topic(target="handoff:", when="on_answer", answers="bill, my invoice") | {"name": "Other"},
    )

    first, second = Topic.objects.order_by("pk")
    assert first.actions[0]["args"] == {"order": "A-7", "is_gift": True}
    assert first.actions[0]["condition"] == {"fact": "state.tier", "op": "is", "value": "x"}
    assert second.actions[0]["answers"] == ["bill", "my invoice"]


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"target": "handoff:Gone"}, "there is no destination named Gone"),
        ({"target": "goto_flow:Gone"}, "there is no flow named Gone"),
        ({"target": "handoff:Billing", "when": "condition", "fact": "tier"}, "name a value"),
        ({"target": "handoff:Billing", "when": "on_answer"}, "write the answers"),
        ({"target": "handoff:Billing", "when": "never"}, "choose when"),
        ({"target": "run_tool:x", "arguments": "open('f')"}, "neither"),
        ({"target": "run_tool:x", "arguments": "order="}, "no list of arguments"),
        ({"target": "run_tool:x", "arguments": "'A-7'"}, "Name each argument"),
    ],
)
def test_an_action_at_fault_is_named_with_its_number(admin, project, wrong, expected):
    answer = admin.post(url("topic_new", project), topic(**wrong))

    assert answer.status_code == 422
    said = " ".join(answer.context["form"].non_field_errors())
    assert "Action 1:" in said
    assert expected in said


def test_a_question_needs_a_text(admin, project):
    typed = topic(target="handoff:Billing", when="on_confirm") | {"content": ""}

    answer = admin.post(url("topic_new", project), typed)

    assert "write into the content" in str(answer.context["form"].non_field_errors())


def test_references_in_a_content_are_told_of(admin, project):
    answer = admin.post(
        url("topic_new", project), topic() | {"content": "See {{ho:Billing}}"}, follow=True
    )

    assert "References in the content do nothing" in answer.content.decode()


def values(**changed: object) -> dict[str, object]:
    return {"level": "balanced", "on_wish": "on", "misses": "3", **changed}


def test_rules_are_saved_shown_and_audited(admin, project):
    rule = {"fact_1": "state.tier", "op_1": "is", "value_1": "gold", "to_1": "Billing"}

    admin.post(url("handoff_rules", project), values(**rule))

    project.refresh_from_db()
    assert project.trigger_policy == {
        "level": "balanced",
        "on_wish": True,
        "on_anger": False,
        "misses": 3,
        "rules": [
            {
                "condition": {"fact": "state.tier", "op": "is", "value": "gold"},
                "destination": "Billing",
            }
        ],
    }
    page = admin.get(url("handoff_rules", project))
    assert page.context["form"]["value_1"].value() == "gold"
    assert AuditEntry.objects.filter(fields=["trigger_policy"]).exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"level": "wild"}, "level"),
        ({"misses": "11"}, "misses"),
        ({"fact_2": "tier", "op_2": "is", "value_2": "x", "to_2": "Billing"}, "fact_2"),
        ({"to_1": "Gone"}, "to_1"),
    ],
)
def test_a_rule_at_fault_is_named_and_nothing_is_saved(admin, project, wrong, field):
    answer = admin.post(url("handoff_rules", project), values(**wrong))

    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    project.refresh_from_db()
    assert project.trigger_policy == {}


def test_a_destination_that_rules_name_stays_and_takes_its_new_name_along(admin, project):
    rule = {"fact_1": "language", "op_1": "is", "value_1": "de", "to_1": "Billing"}
    admin.post(url("handoff_rules", project), values(**rule))
    place = Destination.objects.get()

    page = admin.post(
        url("destination_delete", project, destination_id=place.pk), {"confirm_name": "Billing"}
    )
    admin.post(
        url("destination", project, destination_id=place.pk),
        {"name": "Money", "kind": "text_chat", "client_reason": "AGENT_DECISION"},
    )

    project.refresh_from_db()
    assert page.status_code == 422
    assert project.trigger_policy["rules"][0]["destination"] == "Money"


def test_a_reader_sees_the_rules_and_changes_nothing(project):
    reader = client_of_reader(project)

    assert reader.get(url("handoff_rules", project)).status_code == 200
    assert reader.post(url("handoff_rules", project), values()).status_code == 403
