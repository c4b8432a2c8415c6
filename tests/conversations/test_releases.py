"""A release is the AI agent's knowledge at one moment; each environment answers with one."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.ai_agent.services import tool_update, topic_update
from conversations.ai_agent.turn import turn_run
from conversations.models import Conversation, Deployment, Release, Tool, Topic
from conversations.releases.compare import changes_counted, contents_compare
from conversations.releases.content import (
    RELEASED,
    Frozen,
    content_in,
    content_of,
    digest_of,
    snapshot,
)
from conversations.releases.services import (
    NothingToDoError,
    StaleDeploymentError,
    draft_follow,
    release_deploy,
    release_publish,
)
from integrations.models import AuditEntry, Environment, Project
from tests import factories

pytestmark = pytest.mark.django_db
LIVE, SANDBOX = Environment.LIVE.value, Environment.SANDBOX.value
ASKED = "where is my parcel"


@pytest.fixture
def project() -> Project:
    made = factories.project()
    tool = factories.tool(made, "def find(conv):\n    return 'old'\n")
    factories.topic(made, ASKED, tool)
    return made


def begun(project: Project, environment: str) -> Conversation:
    on = factories.channel(project, environment=environment)
    return factories.conversation(on)


def answer(conversation: Conversation) -> list[str]:
    event = factories.said(conversation, ASKED)
    return [message.text for message in turn_run(conversation, event, None).messages]


def edit(project: Project, text: str) -> None:
    source = f"def find(conv):\n    return '{text}'\n"
    tool_update(tool=project.tools.get(), actor=None, values={"source": source})


def publish(project: Project, **more: Any) -> Release:
    made = release_publish(project=project, actor=None, **more).release
    assert made is not None
    return made


def test_without_a_release_each_save_acts_at_once_in_every_environment(project):
    conversation = begun(project, LIVE)
    edit(project, "new")

    assert answer(conversation) == ["new"]


def test_a_tool_changed_in_the_draft_is_not_seen_in_live_until_it_is_promoted(project):
    release_deploy(release=publish(project), environment=LIVE, actor=None)
    edit(project, "new")

    assert answer(begun(project, LIVE)) == ["old"]
    second = publish(project)
    assert answer(begun(project, SANDBOX)) == ["new"]
    assert answer(begun(project, LIVE)) == ["old"]
    release_deploy(release=second, environment=LIVE, actor=None)
    assert answer(begun(project, LIVE)) == ["new"]


def test_an_older_release_brings_back_what_it_held(project):
    first = publish(project)
    edit(project, "new")
    topic_update(topic=project.topics.get(), actor=None, values={"example_queries": ["hello"]})
    release_deploy(release=publish(project), environment=LIVE, actor=None)

    back = release_deploy(release=first, environment=LIVE, actor=None)

    assert back.kind == Deployment.Kind.ROLL_BACK
    assert answer(begun(project, LIVE)) == ["old"]
    assert AuditEntry.objects.filter(action="release.roll_back", project=project).exists()


def test_a_conversation_keeps_what_it_was_begun_with(project):
    first = publish(project)
    running = begun(project, SANDBOX)
    edit(project, "new")
    publish(project)

    assert running.release_id == first.pk
    assert answer(running) == ["old"]
    assert answer(begun(project, SANDBOX)) == ["new"]


def test_an_environment_can_follow_the_draft_again(project):
    publish(project)
    draft_follow(project=project, environment=SANDBOX, actor=None)
    edit(project, "new")

    assert answer(begun(project, SANDBOX)) == ["new"]


def test_the_greeting_of_a_release_is_said_until_the_next_one(project):
    publish(project)
    Project.objects.filter(pk=project.pk).update(greeting="Good evening.")

    def greeting() -> str:
        said = begun(project, SANDBOX).events.get(type="POLY_AGENT_MESSAGE")
        return str(said.payload["text"])

    assert greeting() == "Hello from Birch."
    project.refresh_from_db()
    publish(project)
    assert greeting() == "Good evening."


def test_a_draft_that_equals_the_newest_release_makes_no_second_one(project):
    first = publish(project)
    edit(project, "new")
    edit(project, "old")

    with pytest.raises(NothingToDoError):
        release_publish(project=project, actor=None)
    release_deploy(release=first, environment=LIVE, actor=None)
    assert project.releases.count() == 1


def test_of_two_who_move_an_environment_the_second_is_told(project):
    first = publish(project, seen="none")
    edit(project, "new")

    with pytest.raises(StaleDeploymentError):
        publish(project, seen="none")
    with pytest.raises(StaleDeploymentError):
        publish(project, draft_digest=first.digest)


def test_every_field_of_every_released_model_travels(project):
    kept = snapshot(project)

    for one in RELEASED:
        own = {field.name for field in one.model._meta.concrete_fields}
        assert own - set(one.fields()) <= {"project", "created_at", "updated_at"}
    assert set(kept) == {"texts", *(one.key for one in RELEASED)}
    assert digest_of(kept) == digest_of(snapshot(project))


def test_a_release_of_an_older_version_is_read_with_todays_fields(project):
    release = publish(project)
    [topic] = release.content["topics"]
    del topic["is_enabled"]
    topic["colour"] = "green"
    release.content.pop("flows")

    frozen = Frozen(release)

    assert frozen.rows(Topic)[0].is_enabled
    assert frozen.named(Tool, ["find", "gone"]).keys() == {"find"}


def test_two_contents_are_compared_name_by_name_and_line_by_line(project):
    before = snapshot(project)
    edit(project, "new")
    factories.topic(project, "opening hours")
    changes = contents_compare(before, snapshot(project))

    assert [(one.kind, one.name, one.sign) for one in changes] == [
        ("Topic", "opening hours", "added"),
        ("Tool", "find", "changed"),
    ]
    [source] = changes[1].fields
    assert [(line.mark, line.text) for line in source.lines if line.mark in "+-"] == [
        ("-", "    return 'old'"),
        ("+", "    return 'new'"),
    ]
    assert changes_counted(changes) == "1 changed, 1 added"


def test_a_release_is_of_its_own_project_alone(project):
    publish(project)
    other = factories.project()

    assert content_in(other, SANDBOX).version == ("draft", other.pk)
    assert content_of(begun(project, SANDBOX)).rows(Topic)[0].project_id == project.pk
