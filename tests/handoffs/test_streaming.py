"""The AI agent's text while it grows: pieces in order, one line in the journal, and no lie."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client as Browser

from conversations.event_loop.executor import run_sync
from conversations.models import Conversation, Event, OutsideAgent
from handoffs.starting.answers import answer_all
from tests import factories
from tests.conversations.widget import Widget
from tests.handoffs.model import KEY, ModelStandIn, calls, model_server, says

pytestmark = pytest.mark.django_db(transaction=True)
WORDS = "One two three four five six."


@pytest.fixture(scope="module")
def model() -> Iterator[ModelStandIn]:
    with model_server() as served:
        yield served


def opened(url: str, *, wants: bool, kind: str = "openai", **options: Any) -> Conversation:
    """Open a session by the API in a project with an outside agent."""
    project = factories.project()
    OutsideAgent.objects.create(
        project=project,
        kind=kind,
        url=url,
        secrets={"api_key": KEY},
        options={"model": "small", **options},
    )
    token = factories.access_token(factories.conversation(factories.channel(project)))
    answer = Browser().post(
        "/api/v1/sessions",
        {"streaming_enabled": wants},
        content_type="application/json",
        headers={"authorization": f"Bearer {token}"},
    )
    return Conversation.objects.get(session_id=answer.json()["session_id"])


def capability(conversation: Conversation) -> bool:
    start = Event.objects.get(conversation=conversation, type="SESSION_START")
    return bool(start.payload["capabilities"]["streaming"])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"wants": True}, True),
        ({"wants": False}, False),
        ({"wants": True, "kind": "webhook"}, False),
        ({"wants": True, "asks_whole": True}, False),
    ],
)
def test_the_capability_is_what_the_client_will_see(
    model: ModelStandIn, options: dict[str, Any], expected: bool
):
    assert capability(opened(model.url, **options)) is expected


async def heard_until_said(conversation: Conversation, number: int) -> list[dict[str, Any]]:
    """Ask through a socket and return the frames up to so many messages of the AI agent."""
    widget = await run_sync(Widget, conversation)
    client = await widget.open()
    await client.send("REQUEST_POLY_AGENT_JOIN")
    await client.until("POLY_AGENT_MESSAGE")
    await client.send("USER_MESSAGE", {"text": "Count"}, client_event_id="m1")
    await client.until("USER_MESSAGE")
    await run_sync(answer_all, conversation.pk)
    frames: list[dict[str, Any]] = []
    while sum(frame["type"] == "EVENT_TYPE_POLY_AGENT_MESSAGE" for frame in frames) < number:
        frames.append(await client.next())
    await widget.close()
    return frames


async def test_pieces_come_in_order_and_the_journal_gets_one_line_of_their_id(
    model: ModelStandIn,
):
    conversation = await run_sync(lambda: opened(model.url, wants=True))
    model.script, model.pause = [says(WORDS)], 0.06

    frames = await heard_until_said(conversation, 1)

    pieces = [one["payload"] for one in frames if one["type"].endswith("MESSAGE_CHUNK")]
    [line] = [one for one in frames if one["type"] == "EVENT_TYPE_POLY_AGENT_MESSAGE"]
    assert len(pieces) > 2
    assert [piece["chunk_index"] for piece in pieces] == list(range(1, len(pieces) + 1))
    assert [piece["is_complete"] for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    assert "".join(piece["text"] for piece in pieces) == WORDS == line["payload"]["text"]
    assert {piece["message_id"] for piece in pieces} == {line["payload"]["message_id"]}
    assert all(one["sequence"] is None for one in frames if one["type"].endswith("CHUNK"))
    types = await run_sync(
        lambda: list(Event.objects.filter(conversation=conversation).values_list("type", flat=True))
    )
    assert "POLY_AGENT_MESSAGE_CHUNK" not in types


async def test_a_call_after_words_ends_the_bubble_and_what_follows_is_another(
    model: ModelStandIn,
):
    conversation = await run_sync(lambda: opened(model.url, wants=True))
    model.script, model.pause = [calls(("nobody", {}), text="I look."), says("Found.")], 0.0

    frames = await heard_until_said(conversation, 2)

    ends = [
        one["payload"]["message_id"]
        for one in frames
        if one["type"].endswith("CHUNK") and one["payload"]["is_complete"]
    ]
    lines = [one["payload"] for one in frames if one["type"] == "EVENT_TYPE_POLY_AGENT_MESSAGE"]
    assert [line["text"] for line in lines] == ["I look.", "Found."]
    assert ends == [line["message_id"] for line in lines]


async def test_who_did_not_ask_for_it_gets_whole_messages_alone(model: ModelStandIn):
    conversation = await run_sync(lambda: opened(model.url, wants=False))
    model.script, model.pause = [says(WORDS)], 0.0

    frames = await heard_until_said(conversation, 1)

    assert not [one for one in frames if one["type"].endswith("CHUNK")]
