"""A turn that only talks takes few statements, and leaves what the services would leave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction

from conversations.ai_agent.runtimes.services import outside_agent_remove
from conversations.ai_agent.turn import AgentMessage, Turn
from conversations.models import (
    Conversation,
    Event,
    OutsideAgent,
    SafetyFilter,
    Tool,
    Topic,
    WebhookDelivery,
    WebhookEndpoint,
)
from handoffs.responder import HandoffResponder, message_accept
from handoffs.starting.turns.answers import answer_all
from handoffs.starting.turns.claims import TURNS
from handoffs.starting.turns.statements import turn_write
from integrations.behaviour.wording import wording_set
from integrations.models import Project
from tests import factories
from tests.handoffs.passing import columns
from tests.statement_log import CONTROL

pytestmark = pytest.mark.django_db(transaction=True)
QUESTION, ANSWER = "When are you open?", "From nine to five."
TOOL = f"def opening_hours(conv):\n    return {ANSWER!r}"
RESPONDER = HandoffResponder()
# Claim and read; write; look who is next. A tool reads the transcript and the handoff besides.
TOPIC_STATEMENTS, TOOL_STATEMENTS, MESSAGE_STATEMENTS = 3, 5, 1


def talking(*, is_tool: bool = False) -> Conversation:
    project = factories.project()
    if is_tool:
        factories.topic(project, QUESTION, factories.tool(project, TOOL))
    else:
        factories.topic(project, QUESTION, content=ANSWER)
    return factories.conversation(factories.channel(project))


def write(conversation: Conversation, text: str = QUESTION) -> None:
    async_to_sync(RESPONDER.on_message)(
        conversation_id=conversation.pk, text=text, client_event_id="", metadata=None
    )


def asked(conversation: Conversation, text: str = QUESTION) -> str:
    """Return the answer to a message; empty where there is none."""
    write(conversation, text)
    lines = Event.objects.filter(conversation=conversation)
    last = lines.latest("sequence").sequence
    answer_all(conversation.pk)
    said = lines.filter(sequence__gt=last, type="POLY_AGENT_MESSAGE")
    return "\n".join(line.payload["text"] for line in said)


# ---- how many statements ----


@pytest.mark.parametrize(
    ("is_tool", "most"), [(False, TOPIC_STATEMENTS), (True, TOOL_STATEMENTS)], ids=["topic", "tool"]
)
def test_a_turn_takes_few_statements(is_tool: bool, most: int, statements_sent: Callable):
    conversation = talking(is_tool=is_tool)
    for _ in range(2):
        assert asked(conversation) == ANSWER
    write(conversation)

    statements_sent()
    answer_all(conversation.pk)

    sent = {text: number for text, number in statements_sent().items() if text not in CONTROL}
    assert sum(sent.values()) == most, sent


def test_a_message_to_the_ai_agent_is_one_statement(statements_sent: Callable):
    conversation = talking()
    write(conversation)

    statements_sent()
    write(conversation)

    assert sum(statements_sent().values()) == MESSAGE_STATEMENTS


# ---- the same as the services ----

OWN = ("id", "payload", "created_at", "conversation_id", "client_event_id")


def rows_of(conversation: Conversation) -> list[Any]:
    lines = Event.objects.filter(conversation=conversation).order_by("sequence")
    found = Conversation.objects.get(pk=conversation.pk)
    but = ("id", "session_id", "token_family", "project_id", "channel_id", "end_user_id")
    moments = ("started_at", "last_seen_at", "turns_booked_until")
    return [
        [columns(line, *OWN) | {"text": line.payload.get("text")} for line in lines],
        columns(found, *but, *moments),
        list(
            WebhookDelivery.objects.filter(conversation=conversation)
            .order_by("pk")
            .values_list("type", "status", "attempts", "environment", "data")
        ),
    ]


def heard(conversation: Conversation) -> None:
    """Let an endpoint listen to what is said."""
    WebhookEndpoint.objects.create(
        project=conversation.project,
        url="https://hooks.example.com",
        event_types=["message.created"],
        secrets={"current": "whsec_x"},
    )


@pytest.mark.parametrize("is_tool", [False, True], ids=["topic", "tool"])
def test_a_plain_turn_leaves_what_the_services_leave(is_tool: bool):
    plain, served = talking(is_tool=is_tool), talking(is_tool=is_tool)
    for one in (plain, served):
        heard(one)

    assert asked(plain) == ANSWER
    # Inside of a transaction nothing is plain.
    with transaction.atomic():
        message_accept(conversation_id=served.pk, text=QUESTION, client_event_id="", metadata=None)
        answer_all(served.pk)

    assert rows_of(plain) == rows_of(served)


def test_a_message_that_comes_while_the_ai_agent_thinks_is_left_to_the_services():
    conversation = talking()
    write(conversation)
    claim = TURNS.claim(conversation.pk)
    assert claim is not None
    assert claim.facts is not None
    with TURNS.kept(claim):
        write(conversation, "And on Sundays?")

        assert not turn_write(claim.facts, claim.id, Turn(messages=[AgentMessage(text="Late")]))

    assert Conversation.objects.get(pk=conversation.pk).turn_id == claim.id


# ---- what an admin saves counts from the next turn on ----


def _topic(project: Project) -> None:
    Topic.objects.filter(project=project).update(content="Now.")


def _topic_twice(project: Project) -> None:
    with transaction.atomic():
        Topic.objects.filter(project=project).update(content="Then.")
        Topic.objects.filter(project=project).update(content="Now.")


def _topic_gone(project: Project) -> None:
    Topic.objects.filter(project=project).delete()
    Project.objects.filter(pk=project.pk).update(no_match_text="Now.")


def _topic_new(project: Project) -> None:
    Topic.objects.filter(project=project).update(is_enabled=False)
    factories.topic(project, QUESTION + " Now?", content="Now.", example_queries=[QUESTION])


def _policy(project: Project) -> None:
    Topic.objects.filter(project=project).delete()
    wording_set(project, "en", {"no_match": "Now."}, actor=None)
    Project.objects.filter(pk=project.pk).update(
        no_match_text=Project._meta.get_field("no_match_text").default
    )


def _filter(project: Project) -> None:
    wording_set(project, "en", {"safety_blocked": "Now."}, actor=None)
    SafetyFilter.objects.create(
        project=project,
        is_enabled=True,
        options={"actions": {"hate": "block"}, "words": {"hate": ["open"]}},
        secrets={},
    )


@pytest.mark.parametrize(
    "change", [_topic, _topic_twice, _topic_gone, _topic_new, _policy, _filter]
)
def test_what_is_saved_counts_from_the_next_turn_on(change: Callable[[Project], None]):
    conversation = talking()
    assert [asked(conversation), asked(conversation)] == [ANSWER] * 2

    change(conversation.project)

    assert asked(conversation) == "Now."


def test_a_tool_that_is_saved_runs_from_the_next_turn_on():
    conversation = talking(is_tool=True)
    assert asked(conversation) == ANSWER

    Tool.objects.filter(project=conversation.project).update(source=TOOL.replace(ANSWER, "Now."))

    assert asked(conversation) == "Now."


def test_an_outside_agent_takes_over_with_the_next_turn_and_gives_back():
    conversation = talking()
    assert asked(conversation) == ANSWER

    OutsideAgent.objects.create(project=conversation.project, kind="api", secrets={})
    assert asked(conversation) == ""

    outside_agent_remove(project=Project.objects.get(pk=conversation.project_id), actor=None)
    Conversation.objects.update(answered_sequence=0)
    assert asked(conversation).startswith(ANSWER)


def test_a_project_keeps_nothing_of_another():
    one, other = talking(), talking()
    Topic.objects.filter(project=other.project).update(content="Ours.")

    assert [asked(one), asked(other), asked(one)] == [ANSWER, "Ours.", ANSWER]


def test_a_secret_is_not_kept():
    conversation = talking()
    asked(conversation)
    write(conversation)
    claim = TURNS.claim(conversation.pk)

    assert claim is not None
    assert claim.facts is not None
    assert "context_keys" in claim.facts.conversation.channel.get_deferred_fields()
    with TURNS.kept(claim):
        connection.close()
