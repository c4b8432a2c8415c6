"""The Topics pages: what may be stored, who may store it, and what a phrase would do."""

import pytest
from django.urls import reverse

from conversations.models import Topic
from integrations.models import AuditEntry, Project
from tests import factories
from tests.members import client_of_admin, client_of_reader, client_with

pytestmark = pytest.mark.django_db


def url(name: str, project: Project, **more: object) -> str:
    return reverse(name, kwargs={"project_id": project.public_id, **more})


def values(**changed: object) -> dict[str, object]:
    return {
        "name": "Talk to a human",
        "is_enabled": "on",
        "example_queries": "I want to talk to a human\nGet me a person",
        "content": "",
        "actions_text": "",
        **changed,
    }


def test_a_new_project_is_told_what_a_topic_is_and_how_to_begin(admin, project):
    page = admin.get(url("topics", project)).content.decode()

    assert "No topics yet" in page
    assert url("topic_new", project) in page


def test_a_topic_is_saved_with_its_queries_and_its_action(admin, project):
    factories.tool(project)

    answer = admin.post(url("topic_new", project), values(action_target=["transfer_to_salesforce"]))

    topic = Topic.objects.get(project=project)
    assert answer.url == url("topic_edit", project, topic_id=topic.pk)
    assert topic.example_queries == ["I want to talk to a human", "Get me a person"]
    assert topic.actions == [
        {"kind": "run_tool", "target": "transfer_to_salesforce", "when": "always"}
    ]


def test_every_change_leaves_an_audit_entry_that_names_fields_only(admin, project):
    admin.post(url("topic_new", project), values())
    topic = Topic.objects.get(project=project)

    admin.post(url("topic_edit", project, topic_id=topic.pk), values(content="secret answer"))

    entry = AuditEntry.objects.filter(action="topic.changed").get()
    assert entry.fields == ["content"]
    assert entry.subject == "Talk to a human"


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({"name": ""}, "This field is required"),
        ({"name": "x" * 121}, "at most 120 characters"),
        ({"example_queries": "\n".join(f"query {n}" for n in range(21))}, "at most 20 fit"),
        ({"example_queries": "x" * 301}, "longer than 300 characters"),
        ({"content": "x" * 4001}, "at most 4000 characters"),
        ({"action_target": ["gone"]}, "no tool named gone"),
    ],
)
def test_a_bad_value_is_named_and_nothing_is_saved(admin, project, wrong, expected):
    answer = admin.post(url("topic_new", project), values(**wrong))

    assert answer.status_code == 422
    assert expected in answer.content.decode()
    assert not Topic.objects.exists()


def test_a_second_topic_of_the_same_name_is_refused_at_its_name(admin, project):
    factories.topic(project, "Talk to a human")

    answer = admin.post(url("topic_new", project), values())

    assert "exists in this project" in answer.context["form"].errors["name"][0]
    assert Topic.objects.count() == 1


@pytest.mark.parametrize(
    ("rows", "command", "expected"),
    [
        (["a"], "add", ["a", ""]),
        (["a", "b", "c"], "down:0", ["b", "a", "c"]),
        (["a", "b", "c"], "up:2", ["a", "c", "b"]),
        (["a", "b", "c"], "remove:1", ["a", "c"]),
        (["a"], "up:0", ["a"]),
        (["a"], "remove:7", ["a"]),
        (["a"], "down:x", ["a"]),
    ],
)
def test_action_rows_are_added_moved_and_removed_without_script(
    admin, project, rows, command, expected
):
    page = admin.post(
        url("topic_new", project), values(name="Half-way", action_target=rows, rows=command)
    )

    assert [row.name for row in page.context["rows"]] == expected
    assert page.context["form"].initial["name"] == "Half-way"
    assert not Topic.objects.exists()


def test_deleting_asks_first_and_then_removes_the_topic(admin, project):
    topic = factories.topic(project, "Opening hours")
    address = url("topic_delete", project, topic_id=topic.pk)

    asked = admin.get(address)
    still_there = Topic.objects.exists()
    admin.post(address)

    assert "Delete topic" in asked.content.decode()
    assert still_there
    assert not Topic.objects.exists()


def test_a_tried_phrase_shows_the_topic_and_the_tool_and_runs_nothing(admin, project):
    tool = factories.tool(project)
    topic = factories.topic(project, "I want to talk to a human", runs=tool)

    page = admin.post(url("topic_try", project), {"phrase": "i want to talk to a humann"})

    assert page.context["tried"].topic == topic
    assert page.context["tried"].tool_name == "transfer_to_salesforce"
    assert not topic.project.conversations.exists()


def test_a_tried_phrase_that_matches_nothing_shows_what_the_ai_agent_would_say(admin, project):
    factories.topic(project, "Opening hours")
    Project.objects.update(no_match_text="I have no answer.")

    page = admin.post(url("topic_try", project), {"phrase": "quantum chromodynamics"})

    assert "Matches no topic" in page.content.decode()
    assert "I have no answer." in page.content.decode()


def test_what_a_topic_does_without_code_is_said_too(admin, project):
    hands_off = {"kind": "handoff", "target": "Billing", "when": "on_confirm"}
    begins = {"kind": "goto_flow", "target": "Returns", "when": "always"}
    factories.topic(project, "Opening hours", actions=[hands_off, begins])
    factories.topic(project, "Small talk", content="Indeed.")

    listed = " ".join(admin.get(url("topics", project)).content.decode().split())
    tried = admin.post(url("topic_try", project), {"phrase": "opening hours"}).content.decode()

    assert 'Hands off to Billing <span class="muted small">when the end user agrees' in listed
    assert "Begins the flow Returns" in listed
    assert listed.count("Answers only") == 1
    assert "Begins the flow <strong>Returns</strong>" in tried
    assert "nothing to say" not in tried


def test_a_tried_phrase_names_a_tool_that_no_longer_exists(admin, project):
    topic = factories.topic(project, "Opening hours")
    Topic.objects.filter(pk=topic.pk).update(actions=[{"kind": "run_tool", "target": "gone"}])

    page = admin.post(url("topic_try", project), {"phrase": "Opening hours"})

    assert page.context["tried"].missing_tool == "gone"


def test_what_is_typed_is_shown_as_text_never_as_markup(admin, project):
    name = "<script>alert(1)</script>"
    admin.post(url("topic_new", project), values(name=name))

    page = admin.get(url("topics", project)).content.decode()

    assert name not in page
    assert "&lt;script&gt;" in page


def test_a_reader_sees_topics_and_tries_phrases_but_changes_nothing(project):
    topic = factories.topic(project, "Opening hours")
    reader = client_of_reader(project)

    assert reader.get(url("topics", project)).status_code == 200
    assert reader.get(url("topic_edit", project, topic_id=topic.pk)).status_code == 200
    assert reader.post(url("topic_try", project), {"phrase": "hours"}).status_code == 200
    assert reader.post(url("topic_new", project), values()).status_code == 403
    edit = url("topic_edit", project, topic_id=topic.pk)
    assert reader.post(edit, values()).status_code == 403
    assert reader.post(url("topic_delete", project, topic_id=topic.pk)).status_code == 403
    assert Topic.objects.get().name == "Opening hours"


def test_without_access_to_knowledge_the_pages_are_closed(project):
    other_area = client_with(project, tools=2)

    assert other_area.get(url("topics", project)).status_code == 403


def test_a_project_of_another_workspace_does_not_exist(project):
    stranger = client_of_admin(factories.project())

    assert stranger.get(url("topics", project)).status_code == 404


def test_a_topic_of_another_project_is_not_found_under_this_one(admin, project):
    foreign = factories.topic(factories.project(), "Foreign")

    assert admin.get(url("topic_edit", project, topic_id=foreign.pk)).status_code == 404
    assert admin.post(url("topic_delete", project, topic_id=foreign.pk)).status_code == 404


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("number='A-7'", "find has no parameter number; it takes order."),
        ("order='soon'", "order is no whole number"),
    ],
)
def test_an_argument_that_the_tool_does_not_take_is_named(admin, project, arguments, words):
    factories.tool(project, "def find(conv, order: int): ...")
    row = {"action_target": ["run_tool:find"], "action_arguments": [arguments]}

    page = admin.post(url("topic_new", project), values(**row))

    assert words in page.content.decode() and not Topic.objects.exists()
