"""Build > Test: whoever builds talks to the draft or an environment, and sees why it answers so."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from conversations.models import Channel, Conversation
from conversations.releases.services import release_publish
from handoffs.models import Handoff
from handoffs.starting.turns.answers import answer_all
from integrations.models import Access, Project
from tests import factories
from tests.members import client_of_admin, client_of_reader, client_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    made = factories.project(no_match_text="I do not know.")
    factories.integration(made)
    factories.topic(made, "I want to talk to a human", factories.tool(made))
    factories.topic(made, "When are you open?", content="From nine to five.")
    return made


@pytest.fixture
def admin(project) -> Client:
    return client_of_admin(project)


def begin(admin: Client, project: Project, where: str, **more: str) -> Conversation:
    address = reverse("test_panel", kwargs={"project_id": project.public_id})
    admin.post(address, {"where": where, **more})
    return Conversation.objects.latest("started_at")


def at(conversation: Conversation, name: str = "test_talk") -> str:
    where = {"project_id": conversation.project.public_id, "conversation_id": conversation.pk}
    return reverse(name, kwargs=where)


def say(admin: Client, conversation: Conversation, text: str) -> str:
    """Send a message, let the AI agent answer, and return the part of the page that changes."""
    admin.post(at(conversation), {"text": text})
    answer_all(conversation.pk)
    return " ".join(admin.get(at(conversation, "test_talk_live")).content.decode().split())


def test_the_panel_shows_the_match_its_score_the_tool_and_the_handoff(project, admin):
    conversation = begin(admin, project, "draft")

    opened = say(admin, conversation, "when are you opne?")
    assert "From nine to five." in opened
    assert "Topic “When are you open?” matched with" in opened
    assert "No topic matched." in say(admin, conversation, "zxqv")
    handed_over = say(admin, conversation, "I want to talk to a human")
    assert "Topic “I want to talk to a human” matched" in handed_over
    assert "transfer_to_salesforce" in handed_over
    assert "A handoff was asked for." in handed_over
    assert '<dt>Tools run</dt><dd dir="auto">transfer_to_salesforce</dd>' in handed_over
    assert '<dt>Likeness</dt><dd dir="auto">77%</dd>' in opened
    assert "&quot;handoff&quot;: { &quot;text_chat&quot;" in handed_over
    assert "Waiting for a worker" in handed_over or "Requested" in handed_over
    assert "&quot;integration&quot;: &quot;salesforce_integration&quot;" in handed_over
    assert Handoff.objects.get().conversation == conversation
    assert conversation.channel_type == "chat.polyai"


def test_the_draft_and_a_release_answer_side_by_side(project, admin):
    release_publish(project=project, actor=None)
    project.topics.filter(name="When are you open?").update(content="Around the clock.")

    assert "Around the clock." in say(admin, begin(admin, project, "draft"), "when are you open?")
    frozen = begin(admin, project, "sandbox")
    assert "From nine to five." in say(admin, frozen, "when are you open?")
    page = admin.get(at(frozen)).content.decode()
    assert "Talking to: Sandbox: release 1" in page


def test_a_conversation_of_the_panel_is_ended_and_says_so(project, admin):
    conversation = begin(admin, project, "live")
    admin.post(at(conversation, "test_talk_end"))

    conversation.refresh_from_db()
    assert conversation.is_over
    assert (
        "The conversation has ended. (REASON_USER_END)"
        in admin.get(at(conversation)).content.decode()
    )
    assert "conversation" in say(admin, conversation, "hello?")


def test_only_who_may_edit_talks_and_only_in_the_panels_own_conversations(project, admin):
    mine, other = begin(admin, project, "draft"), factories.conversation()
    address = reverse("test_panel", kwargs={"project_id": project.public_id})

    assert client_of_reader(project).get(address).status_code == 403
    assert client_with(project, knowledge=Access.EDIT).get(at(mine)).status_code == 200
    assert client_of_admin(factories.project()).get(at(mine)).status_code == 404
    widget = factories.conversation(factories.channel(project))
    assert admin.get(at(widget)).status_code == 404
    assert admin.get(at(mine).replace(mine.pk, other.pk)).status_code == 404
    assert Channel.objects.get(kind=Channel.Kind.CHAT).allowed_origins == []


def test_the_panel_runs_the_start_function_as_a_real_session_does(project, admin):
    source = "def start_function(conv):\n    return 'Welcome to ' + conv.env"
    factories.tool(project, source, name="start_function")

    conversation = begin(admin, project, "draft")

    assert "Welcome to sandbox" in admin.get(at(conversation)).content.decode()
