"""The AI agent's text while it grows: pieces in order, one line in the journal, and no lie."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client as Browser

from conversations.event_loop.executor import run_sync
from conversations.journal.services import agent_join
from conversations.models import Conversation, Event, OutsideAgent
from handoffs.starting.turns.answers import answer_all
from tests import factories
from tests.conversations.widget import Widget
from tests.handoffs.model import KEY, ModelStandIn, calls, model_server, says
from tests.handoffs.outside import Drive

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
        ({"wants": True, "kind": "api", "sends_pieces": True}, True),
        ({"wants": True, "kind": "api"}, False),
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


async def test_an_agent_that_drives_by_rest_sends_pieces_and_then_the_whole():
    conversation = await run_sync(lambda: opened("", wants=True, kind="api", sends_pieces=True))
    drive, message_id = await run_sync(lambda: Drive(conversation.project)), str(uuid.uuid4())
    widget = await run_sync(Widget, conversation)
    client = await widget.open()
    await client.send("REQUEST_POLY_AGENT_JOIN")
    await client.until("POLY_AGENT_MESSAGE")

    def send(index: int, text: str) -> int:
        piece = {"message_id": message_id, "chunk_index": index, "text": text}
        return drive.post(conversation, "messages/chunks", piece)[0]

    answers = [
        await run_sync(send, *one) for one in ((1, "One "), (1, "One "), (3, "no"), (2, "two"))
    ]
    whole = {"message_id": message_id, "text": "One two"}
    said = [await run_sync(drive.post, conversation, "messages", whole) for _ in range(2)]
    late = await run_sync(send, 3, " three")
    frames = [await client.next() for _ in range(3)]
    await widget.close()

    assert answers == [204, 204, 409, 204]
    assert [frame["type"].removeprefix("EVENT_TYPE_POLY_AGENT_") for frame in frames] == [
        "MESSAGE_CHUNK",
        "MESSAGE_CHUNK",
        "MESSAGE",
    ]
    assert [frame["payload"]["text"] for frame in frames] == ["One ", "two", "One two"]
    assert {frame["payload"]["message_id"] for frame in frames} == {message_id}
    assert said[0] == said[1] and said[0][0] == 201
    assert late == 409, "the message is whole"


def test_two_messages_may_grow_at_once_and_none_grows_after_its_last_piece():
    conversation = opened("", wants=True, kind="api", sends_pieces=True)
    agent_join(conversation.pk)
    drive, one, other = Drive(conversation.project), str(uuid.uuid4()), str(uuid.uuid4())

    def send(message_id: str, index: int, **more: bool) -> int:
        piece = {"message_id": message_id, "chunk_index": index, "text": "x", **more}
        return drive.post(conversation, "messages/chunks", piece)[0]

    assert [send(one, 1), send(other, 1), send(one, 2), send(other, 2)] == [204] * 4
    assert [send(one, 3, is_complete=True), send(one, 4)] == [204, 409]
    assert [send(one, 3), send(other, 4), send(other, 3)] == [204, 409, 204]


def test_pieces_that_no_client_was_promised_are_refused():
    conversation = opened("", wants=True, kind="api")
    piece = {"message_id": str(uuid.uuid4()), "chunk_index": 1, "text": "One"}

    found = Drive(conversation.project).post(conversation, "messages/chunks", piece)

    assert (found[0], found[1]["error_code"]) == (409, "NOT_IN_CHARGE")
    agent_join(conversation.pk)
    found = Drive(conversation.project).post(conversation, "messages/chunks", piece)
    assert (found[0], found[1]["error_code"]) == (409, "NOT_STREAMING")
