"""/ws/agent: an agent hears what webhooks tell, resumes by its cursor, and misses nothing."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from channels.testing import WebsocketCommunicator
from django.db import connection
from django.utils import timezone

from config.asgi import application
from conversations.api.hearing import agent_socket
from conversations.event_loop.executor import run_sync
from conversations.models import (
    Conversation,
    Event,
    OutsideAgent,
    WebhookDelivery,
    WebhookEndpoint,
)
from conversations.tasks import send_webhooks
from conversations.webhooks.asyncapi import HEARD
from conversations.webhooks.endpoints import deliveries_purge
from conversations.webhooks.event_types import WebhookType
from conversations.webhooks.stream import stream_read, stream_start
from handoffs.models import Handoff
from handoffs.responder import message_accept
from handoffs.states import State
from integrations.entry.keys import api_key_revoke
from integrations.models import ApiKey
from tests import factories
from tests.conversations.hooks import endpoint_at, long_ago, send_due, types_heard
from tests.documented_frames import document
from tests.handoffs.mcp_client import portal
from tests.handoffs.outside import webhook_agent
from tests.handoffs.passing import active, hear, write
from tests.waiting import database_threads_rest, eventually

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "socket_agent.py"
PATIENCE = 20.0
Frame = dict[str, Any]


@pytest.fixture(autouse=True)
def quick(settings: Any) -> None:
    """Look again often enough for a test: no worker passes wake-ups on here."""
    settings.JOURNAL_RECHECK_SECONDS = 0.1


@pytest.fixture
async def talk() -> Any:
    """Return a conversation of a project that has a key, and close what was opened."""
    made = await run_sync(factories.conversation)
    yield made
    for socket in _opened:
        await socket.disconnect(timeout=PATIENCE)
    _opened.clear()
    await database_threads_rest()


_opened: list[WebsocketCommunicator] = []


def key_of(talk: Conversation, permission: str = ApiKey.Permission.CHAT) -> str:
    return factories.api_key(talk.project, permission)[1]


async def dial(key: str, **query: str) -> tuple[WebsocketCommunicator, bool, Any]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    headers = [(b"x-api-key", key.encode())] if key else []
    socket = WebsocketCommunicator(application, f"/ws/agent?{asked}", headers)
    is_accepted, code = await socket.connect(timeout=PATIENCE)
    return socket, is_accepted, code


async def listen(key: str, **query: str) -> tuple[WebsocketCommunicator, Frame]:
    """Connect; return the socket and its first frame."""
    socket, is_accepted, _ = await dial(key, **query)
    assert is_accepted
    _opened.append(socket)
    opened = await next_frame(socket)
    assert opened["type"] == "stream.opened"
    return socket, opened


async def next_frame(socket: WebsocketCommunicator) -> Frame:
    """Return the next frame, which is as /api/asyncapi says."""
    frame = dict(json.loads(await socket.receive_from(timeout=PATIENCE)))
    parts = document()["components"]
    schema = {**parts["messages"][f"{HEARD}.{frame['type']}"]["payload"], "components": parts}
    # What else a line of the journal has is that line's matter.
    schema["components"]["schemas"]["ToldMessage"].pop("additionalProperties", None)
    jsonschema.Draft7Validator(schema).validate(frame)
    return frame


async def heard(socket: WebsocketCommunicator, number: int) -> list[Frame]:
    return [await next_frame(socket) for _ in range(number)]


def texts(frames: list[Frame]) -> list[str]:
    return [frame["data"]["text"] for frame in frames]


async def test_an_agent_hears_the_same_bodies_as_an_endpoint_and_in_their_order(talk):
    with webhook_agent() as receiver:
        await run_sync(lambda: endpoint_at(receiver, talk.project))
        socket, _ = await listen(await run_sync(key_of, talk))

        await run_sync(factories.said, talk, "Hello")
        await run_sync(lambda: factories.handoff(talk, state=State.ENDED))
        await asyncio.to_thread(send_due)

        frames = await heard(socket, len(types_heard(receiver)))
        bodies = [one.body for one in receiver.heard]
        cursors = [frame.pop("cursor") for frame in frames]
        assert [frame["type"] for frame in frames] == types_heard(receiver)
        assert frames == bodies
        assert len(set(cursors)) == len(cursors)


async def test_every_event_that_can_be_chosen_is_documented():
    names = {name.removeprefix(f"{HEARD}.") for name in document()["components"]["messages"]}

    assert names >= set(WebhookType.values)


async def test_after_a_break_the_cursor_brings_what_was_missed_once_and_in_order(talk):
    key = await run_sync(key_of, talk)
    socket, _ = await listen(key)
    for text in ("one", "two"):
        await run_sync(factories.said, talk, text)
    first, second = await heard(socket, 2)
    await socket.disconnect()
    _opened.remove(socket)

    for text in ("three", "four"):
        await run_sync(factories.said, talk, text)
    again, opened = await listen(key, cursor=first["cursor"])

    assert (opened["cursor"], opened["has_missed"]) == (first["cursor"], False)
    resumed = await heard(again, 3)
    assert texts(resumed) == ["two", "three", "four"]
    assert resumed[0] == second
    from_oldest, _ = await listen(key, cursor="0")
    assert texts(await heard(from_oldest, 4)) == ["one", "two", "three", "four"]


async def test_without_a_cursor_it_begins_now(talk):
    key = await run_sync(key_of, talk)
    await listen(key)
    await run_sync(factories.said, talk, "before")

    socket, _ = await listen(key)
    await run_sync(factories.said, talk, "after")

    assert texts(await heard(socket, 1)) == ["after"]


def test_an_event_that_is_committed_late_is_passed_by_no_cursor():
    talk = factories.conversation()
    other = factories.conversation(talk.channel)
    stream = stream_start(talk.project, "").stream
    factories.said(talk, "late")
    late = WebhookDelivery.objects.get()
    # As another process sees it whose transaction is still open.
    WebhookDelivery.objects.all().delete()
    factories.said(other, "early")
    [early] = stream_read(stream, 0, 10)

    late.save(force_insert=True)

    assert [line.type for line in stream_read(stream, early.position, 10)] == [late.type]


async def test_messages_of_the_hot_path_are_heard_both_ways():
    handoff = await active()
    key = await run_sync(key_of, handoff.conversation)
    socket, _ = await listen(key, events="message.created")

    assert await write(handoff, "Where is it?")
    assert await hear(handoff, factories.spoke("On its way."))

    frames = await heard(socket, 2)
    assert texts(frames) == ["Where is it?", "On its way."]
    assert [frame["data"]["sender"] for frame in frames] == ["user", "live_agent"]
    await socket.disconnect()
    _opened.remove(socket)
    await database_threads_rest()


async def test_a_wake_up_brings_an_event_at_once(talk, settings):
    settings.JOURNAL_RECHECK_SECONDS = 600.0
    socket, _ = await listen(await run_sync(key_of, talk))
    await asyncio.sleep(0.1)

    await run_sync(factories.said, talk, "Hello")
    await asyncio.to_thread(send_webhooks)

    assert texts(await heard(socket, 1)) == ["Hello"]


async def test_only_what_was_asked_for_of_the_own_project_is_heard(talk):
    key = await run_sync(key_of, talk)
    stranger = await run_sync(factories.conversation)
    await listen(await run_sync(key_of, stranger))
    socket, _ = await listen(key, events="conversation.ended,message.created", client_env="sandbox")
    live, _ = await listen(key, client_env="live")

    await run_sync(factories.said, stranger, "not yours")
    await run_sync(lambda: factories.handoff(talk, state=State.QUEUED))
    await run_sync(factories.said, talk, "yours")

    assert texts(await heard(socket, 1)) == ["yours"]
    await live.send_to(text_data='{"type": "heartbeat"}')
    assert (await next_frame(live))["type"] == "heartbeat"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"cursor": "nonsense"}, "cursor is none of this stream"),
        ({"cursor": "00000000-1"}, "cursor is none of this stream"),
        ({"events": "message.novel"}, "there is no message.novel"),
        ({"client_env": "moon"}, "client_env is one of"),
        ({"curser": "1"}, "There is no parameter curser"),
    ],
)
async def test_a_parameter_that_is_wrong_is_named(talk, query, told):
    refused = await refusal(await run_sync(key_of, talk), **query)

    assert refused[0] == 400
    assert told in refused[1]


async def test_only_a_key_that_works_and_may_chat_opens_a_socket(talk):
    assert (await refusal(""))[0] == 401
    assert (await refusal("bk_wrong"))[0] == 401
    other = await run_sync(key_of, talk, ApiKey.Permission.HANDOFF)
    assert (await refusal(other))[0] == 403


async def test_whoever_guesses_keys_is_slowed_down(monkeypatch):
    monkeypatch.setattr("conversations.api.access.WRONG_KEYS_PER_MINUTE", 2)

    found = [(await refusal(f"bk_wrong{number}"))[0] for number in range(6)]

    # The minute may end in between.
    assert found[:2] == [401, 401]
    assert 429 in found


async def refusal(key: str, **query: str) -> tuple[int, str]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    headers = [(b"x-api-key", key.encode())] if key else []
    socket = WebsocketCommunicator(application, f"/ws/agent?{asked}", headers)
    socket.scope["extensions"] = {"websocket.http.response": {}}
    await socket.send_input({"type": "websocket.connect"})
    start = await socket.receive_output(timeout=PATIENCE)
    body = await socket.receive_output(timeout=PATIENCE)
    await socket.wait(timeout=PATIENCE)
    return start["status"], json.loads(body["body"])["error_message"]


async def test_a_project_has_so_many_sockets_and_one_that_goes_makes_room(talk, settings):
    settings.SOCKETS_PER_SESSION = 1
    key = await run_sync(key_of, talk)
    socket, _ = await listen(key)

    assert (await refusal(key))[0] == 429
    await socket.disconnect()
    _opened.remove(socket)
    await listen(key)


async def test_a_key_that_is_revoked_closes_its_socket(talk, monkeypatch):
    monkeypatch.setattr(agent_socket, "KEY_SECONDS", 0.05)
    row, key = await run_sync(lambda: factories.api_key(talk.project, ApiKey.Permission.CHAT))
    socket, _ = await listen(key)

    await run_sync(lambda: api_key_revoke(key=row, actor=None))

    closed = await socket.receive_output(timeout=PATIENCE)
    assert (closed["type"], closed["code"]) == ("websocket.close", agent_socket.KEY_REFUSED)
    _opened.remove(socket)


async def test_an_outage_while_the_key_is_looked_at_leaves_no_socket_deaf(talk, monkeypatch):
    monkeypatch.setattr(agent_socket, "KEY_SECONDS", 0.05)
    socket, _ = await listen(await run_sync(key_of, talk))

    await run_sync(keys_are_called, "integrations_apikey", "away")
    await asyncio.sleep(0.5)
    await run_sync(keys_are_called, "away", "integrations_apikey")
    await run_sync(factories.said, talk, "Anybody there?")

    assert (await next_frame(socket))["type"] == "message.created"


def keys_are_called(before: str, after: str) -> None:
    """Take the table of keys away, or bring it back."""
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {before} RENAME TO {after}")


async def test_a_frame_that_means_nothing_is_answered_and_the_socket_stays_open(talk):
    socket, _ = await listen(await run_sync(key_of, talk))

    for text in ("nonsense", '{"type": "say"}', "[]", "[" * 5000):
        await socket.send_to(text_data=text)
        assert (await next_frame(socket))["error_code"] == "UNKNOWN_FRAME"

    await run_sync(factories.said, talk, "Hello")
    assert texts(await heard(socket, 1)) == ["Hello"]


async def test_what_is_not_kept_any_more_is_told_as_missed(talk):
    key = await run_sync(key_of, talk)
    socket, _ = await listen(key)
    for text in ("one", "two"):
        await run_sync(factories.said, talk, text)
    first, _ = await heard(socket, 2)
    await run_sync(factories.said, talk, "three")
    await heard(socket, 1)
    old = WebhookDelivery.objects.filter(position__lte=2)
    await run_sync(lambda: old.update(created_at=long_ago()))
    await run_sync(deliveries_purge)

    again, resumed = await listen(key, cursor=first["cursor"])

    assert resumed["has_missed"]
    assert texts(await heard(again, 1)) == ["three"]
    assert not (await listen(key, cursor="0"))[1]["has_missed"]


def test_a_stream_that_nobody_reads_is_given_up_and_never_shown_among_endpoints():
    project = factories.project()
    start = stream_start(project, "")
    endpoints = WebhookEndpoint.objects.filter(pk=start.stream.pk)
    deliveries_purge()
    assert endpoints.exists()

    endpoints.update(updated_at=timezone.now() - timedelta(days=400))
    deliveries_purge()

    assert not endpoints.exists()


# ---- the example of docs/ai_agents.md ----


@contextmanager
def example(base: str, key: str, cursor: Path) -> Iterator[None]:
    names = {"BASE": base, "KEY": key, "CURSOR_FILE": str(cursor)}
    process = subprocess.Popen([sys.executable, str(EXAMPLE)], env={**os.environ, **names})
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def say(conversation: Conversation, text: str) -> None:
    message_accept(conversation_id=conversation.pk, text=text, client_event_id="", metadata=None)


def agent_lines(conversation: Conversation) -> list[str]:
    rows = Event.objects.filter(conversation=conversation, type="POLY_AGENT_MESSAGE")
    found = [row.payload["text"] for row in rows.order_by("sequence")]
    return [text for text in found if text.startswith(("You said", "I get"))]


def test_the_example_answers_resumes_after_a_break_and_hands_off(tmp_path: Path):
    project = factories.project()
    factories.integration(project, is_default=True)
    OutsideAgent.objects.create(project=project, kind="api")
    conversation = factories.conversation(factories.channel(project))
    key = key_of(conversation)
    streams = WebhookEndpoint.objects.filter(project=project, kind="socket")
    with portal() as base:
        with example(base, key, tmp_path / "cursor"):
            eventually(streams.exists)
            eventually((tmp_path / "cursor").exists)
            say(conversation, "Hello")
            eventually(lambda: agent_lines(conversation) == ["You said: Hello"])
        say(conversation, "Still there?")
        with example(base, key, tmp_path / "cursor"):
            eventually(lambda: "You said: Still there?" in agent_lines(conversation))
            say(conversation, "A human, please")
            eventually(Handoff.objects.filter(conversation=conversation).exists)
    assert agent_lines(conversation) == [
        "You said: Hello",
        "You said: Still there?",
        "I get somebody for you.",
    ]
