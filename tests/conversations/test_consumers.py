"""The widget's socket: what it sends on connect, how it answers, and how it loses nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from urllib.parse import quote

import pytest
import uvicorn
from channels.testing import WebsocketCommunicator
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from config.asgi import application
from conversations.executor import run_sync
from conversations.frames import EventType
from conversations.models import Conversation, Event
from conversations.services import agent_join
from handoffs.states import State
from tests import factories
from tests.waiting import database_threads_rest, eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_SECONDS = 5.0
ERROR = "SYSTEM_MESSAGE_LEVEL_ERROR"
Frame = dict[str, Any]


class Client:
    """One socket of a widget, in process."""

    def __init__(self, communicator: WebsocketCommunicator) -> None:
        self._communicator = communicator

    async def send(self, kind: str, payload: Any = None, **custom: str) -> None:
        frame: Frame = {"type": f"EVENT_TYPE_{kind}", "payload": payload or {}}
        if custom:
            frame["metadata"] = {"custom": custom}
        await self.send_text(json.dumps(frame))

    async def send_text(self, text: str) -> None:
        await self._communicator.send_to(text_data=text)

    async def send_bytes(self, data: bytes) -> None:
        await self._communicator.send_to(bytes_data=data)

    async def next(self, seconds: float = PATIENCE_SECONDS) -> Frame:
        return json.loads(await self._communicator.receive_from(timeout=seconds))

    async def until(self, kind: str, seconds: float = PATIENCE_SECONDS) -> Frame:
        """Return the next frame of a kind, skipping others."""
        deadline = time.monotonic() + seconds
        while (frame := await self.next(max(0.01, deadline - time.monotonic())))["type"] != (
            f"EVENT_TYPE_{kind}"
        ):
            pass
        return frame

    async def events(self, until_sequence: int) -> list[Frame]:
        """Return the journaled frames up to a sequence, as they come."""
        found: list[Frame] = []
        while not found or found[-1]["sequence"] < until_sequence:
            frame = await self.next()
            if frame["sequence"] is not None:
                found.append(frame)
        return found

    async def is_alive(self) -> bool:
        mark = str(uuid.uuid4())
        await self.send("HEARTBEAT", mark=mark)
        while (await self.until("HEARTBEAT")).get("metadata") != {"custom": {"mark": mark}}:
            pass
        return True

    def has_frame(self) -> bool:
        return not self._communicator.output_queue.empty()

    async def close(self) -> None:
        with suppress(asyncio.CancelledError, TimeoutError):
            await self._communicator.disconnect(timeout=PATIENCE_SECONDS)


class Widget:
    """Everything one end user's browser may open for one conversation."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.token = factories.access_token(conversation)
        self._clients: list[Client] = []

    def path(self, *, cursor: str | None = None, **query: str) -> str:
        given = {"session_id": str(self.conversation.session_id), "access_token": self.token}
        given |= query | ({} if cursor is None else {"cursor": cursor})
        return "/ws?" + "&".join(f"{key}={quote(value)}" for key, value in given.items() if value)

    async def connect(self, *, cursor: str | None = None, origin: str = "") -> Client:
        headers = [(b"origin", origin.encode())] if origin else []
        communicator = WebsocketCommunicator(application, self.path(cursor=cursor), headers)
        is_accepted, _ = await communicator.connect(timeout=PATIENCE_SECONDS)
        assert is_accepted
        self._clients.append(Client(communicator))
        return self._clients[-1]

    async def open(self, *, cursor: str | None = None) -> Client:
        """Connect and skip the batch."""
        client = await self.connect(cursor=cursor)
        await client.until("EVENT_BATCH")
        return client

    async def close(self) -> None:
        for client in self._clients:
            await client.close()
        await database_threads_rest()


async def write_elsewhere(conversation: Conversation, text: str) -> Event:
    """Append a line as another process would, with the wake-up that follows the commit."""
    return await run_sync(factories.said, conversation, text, EventType.POLY_AGENT_MESSAGE)


@pytest.fixture
async def widget() -> AsyncIterator[Widget]:
    made = await run_sync(lambda: Widget(factories.conversation()))
    yield made
    await made.close()


@asynccontextmanager
async def widget_of(make: Callable[[], Conversation]) -> AsyncIterator[Widget]:
    made = await run_sync(lambda: Widget(make()))
    yield made
    await made.close()


@pytest.fixture
def quick(settings: Any) -> None:
    """Re-check the journal often enough for a test."""
    settings.JOURNAL_RECHECK_SECONDS = 0.2


# ---- on connect ----


async def test_the_first_frame_holds_the_journal_so_far(widget):
    client = await widget.connect()

    batch = await client.next()

    events = batch["payload"]["events"]
    assert (batch["type"], batch["sequence"]) == ("EVENT_TYPE_EVENT_BATCH", None)
    assert [event["type"] for event in events] == [
        "EVENT_TYPE_SESSION_START",
        "EVENT_TYPE_POLY_AGENT_JOINED",
        "EVENT_TYPE_POLY_AGENT_MESSAGE",
    ]
    assert [event["sequence"] for event in events] == [1, 2, 3]
    assert set(events[0]) == {"id", "sequence", "timestamp", "type", "payload"}


@pytest.mark.parametrize(
    ("cursor", "expected"),
    [("0", [1, 2, 3]), ("2", [3]), ("seq:2", [3]), ("3", []), ("", [1, 2, 3])],
)
async def test_a_cursor_skips_what_the_client_has(widget, cursor, expected):
    client = await widget.connect(cursor=cursor)

    batch = await client.next()

    assert [event["sequence"] for event in batch["payload"]["events"]] == expected
    assert await client.is_alive()


@pytest.mark.parametrize(
    "cursor", ["garbage", "-1", "1.5", "seq:", "9" * 30, "4", "999999", "\x00"]
)
async def test_a_cursor_that_is_none_of_this_session_is_zero_with_a_warning(widget, cursor):
    client = await widget.connect(cursor=cursor)

    batch, warning = await client.next(), await client.next()
    line = await write_elsewhere(widget.conversation, "Still heard")

    assert [event["sequence"] for event in batch["payload"]["events"]] == [1, 2, 3]
    assert (warning["type"], warning["payload"]["code"]) == (
        "EVENT_TYPE_SYSTEM_MESSAGE",
        "bad_json",
    )
    assert (await client.next())["sequence"] == line.sequence


async def test_a_long_journal_comes_in_several_batches_without_gap_or_repeat(widget):
    def write_many() -> None:
        for number in range(230):
            factories.said(widget.conversation, str(number))

    await run_sync(write_many)
    client = await widget.connect()

    batches = [await client.next() for _ in range(3)]

    sequences = [event["sequence"] for batch in batches for event in batch["payload"]["events"]]
    assert sequences == list(range(1, 234))


async def test_the_place_in_the_queue_is_replayed_on_connect():
    def queued() -> Conversation:
        handoff = factories.handoff(state=State.QUEUED)
        position = factories.vendor_events.QueuePositionChanged
        factories.apply(factories.lease_of(handoff), factories.vendor_event(position, position=2))
        return handoff.conversation

    async with widget_of(queued) as widget:
        client = await widget.connect()

        status = await client.until("HANDOFF_QUEUE_STATUS")

    assert (status["sequence"], status["payload"]) == (None, {"position_in_queue": 2})


# ---- frames ----


async def test_joining_is_answered_in_the_documented_order():
    async with widget_of(lambda: factories.conversation(state="created")) as widget:
        client = await widget.open()

        await client.send("REQUEST_POLY_AGENT_JOIN", tag="j")
        frames = [await client.next() for _ in range(4)]

    assert [frame["type"].removeprefix("EVENT_TYPE_") for frame in frames] == [
        "REQUEST_POLY_AGENT_JOIN",
        "POLY_AGENT_JOINED",
        "POLY_AGENT_THINKING",
        "POLY_AGENT_MESSAGE",
    ]
    assert frames[0]["metadata"] == {"custom": {"tag": "j"}}
    assert frames[1]["payload"] == {"agent_name": "Birch", "agent_avatar_url": ""}
    assert frames[3]["payload"]["text"] == "Hello from Birch."
    assert [frame["sequence"] for frame in frames] == [None, 2, None, 3]


async def test_a_message_is_echoed_with_its_metadata_and_an_id(widget):
    client = await widget.open()

    await client.send("USER_MESSAGE", {"text": "Hi"}, client_event_id="c-1", colour="green")
    echo = await client.next()

    assert (echo["type"], echo["sequence"]) == ("EVENT_TYPE_USER_MESSAGE", 4)
    assert echo["metadata"] == {"custom": {"client_event_id": "c-1", "colour": "green"}}
    assert echo["payload"] == {"message_id": echo["id"], "text": "Hi", "attachments": []}


async def test_a_resend_is_answered_with_the_first_echo_and_stored_once(widget):
    client = await widget.open()
    for _ in range(2):
        await client.send("USER_MESSAGE", {"text": "Hi"}, client_event_id="c-1")

    first, second = await client.next(), await client.next()

    assert first == second
    assert await run_sync(Event.objects.filter(type="USER_MESSAGE").count) == 1


async def test_a_heartbeat_is_echoed_and_keeps_the_conversation_alive(widget):
    client = await widget.open()

    await client.send("HEARTBEAT", beat="7")
    echo = await client.next()

    assert (echo["type"], echo["sequence"]) == ("EVENT_TYPE_HEARTBEAT", None)
    assert echo["metadata"] == {"custom": {"beat": "7"}}


@pytest.mark.parametrize("kind", ["USER_MESSAGE", "USER_TYPING", "HEARTBEAT", "NONSENSE"])
async def test_any_frame_keeps_the_conversation_from_being_abandoned(widget, kind, settings):
    settings.SOCKET_HEARTBEAT_SECONDS = 0
    client = await widget.open()
    await run_sync(Conversation.objects.update, last_seen_at=widget.conversation.started_at)

    await client.send(kind, {"text": "Hi", "state": "TYPING_STATE_STARTED"})
    assert await client.is_alive()

    row = await run_sync(Conversation.objects.get)
    assert row.last_seen_at > widget.conversation.started_at


async def test_ending_is_echoed_and_closes_the_journal(widget):
    client = await widget.open()

    await client.send("USER_END_SESSION", tag="e")
    echo, end = await client.next(), await client.next()

    assert (echo["type"], echo["metadata"]) == (
        "EVENT_TYPE_USER_END_SESSION",
        {"custom": {"tag": "e"}},
    )
    assert (end["type"], end["payload"]) == (
        "EVENT_TYPE_SESSION_END",
        {"reason": "REASON_USER_END"},
    )


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("USER_MESSAGE", {"text": "Hi"}),
        ("REQUEST_POLY_AGENT_JOIN", {}),
        ("USER_CANCEL_HANDOFF", {}),
    ],
)
async def test_nothing_is_written_after_the_end_and_the_client_is_told(kind, payload):
    async with widget_of(lambda: factories.conversation(state="ended")) as widget:
        client = await widget.open()

        await client.send(kind, payload, tag="late")
        refusal = await client.until("SYSTEM_MESSAGE")

        assert refusal["payload"]["code"] == "event_not_allowed"
        assert refusal["metadata"] == {"custom": {"tag": "late"}}
        assert (await run_sync(factories.journal, widget.conversation))[-1] == "SESSION_END"


async def test_a_message_before_the_ai_agent_joined_is_refused_and_works_afterwards():
    async with widget_of(lambda: factories.conversation(state="created")) as widget:
        client = await widget.open()
        await client.send("USER_MESSAGE", {"text": "Hi"})
        assert (await client.next())["payload"]["code"] == "event_not_allowed"

        await client.send("REQUEST_POLY_AGENT_JOIN")
        await client.until("POLY_AGENT_MESSAGE")
        await client.send("USER_MESSAGE", {"text": "Hi"})

        assert (await client.next())["type"] == "EVENT_TYPE_USER_MESSAGE"


BAD_FRAMES: dict[str, tuple[str, str]] = {
    "no JSON": ("{nope", "bad_json"),
    "a list": ("[1]", "bad_json"),
    "too deep": ("[" * 60_000, "bad_json"),
    "no type": ("{}", "unknown_event"),
    "a number as type": ('{"type": 5}', "unknown_event"),
    "an unknown type": ('{"type": "EVENT_TYPE_DANCE"}', "unknown_event"),
    "a type without its prefix": (
        '{"type": "USER_MESSAGE", "payload": {"text": "x"}}',
        "unknown_event",
    ),
    "a server's type": ('{"type": "EVENT_TYPE_SESSION_END"}', "unknown_event"),
    "a type half a character long": ('{"type": "\\ud800"}', "bad_json"),
    "payload a list": ('{"type": "EVENT_TYPE_USER_MESSAGE", "payload": []}', "bad_json"),
    "no text": ('{"type": "EVENT_TYPE_USER_MESSAGE"}', "bad_json"),
    "blank text": ('{"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": " \\n"}}', "bad_json"),
    "text a number": ('{"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": 5}}', "bad_json"),
    "a NUL": ('{"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": "a\\u0000"}}', "bad_json"),
    "half a character": (
        '{"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": "a\\udc00"}}',
        "bad_json",
    ),
    "a NUL in metadata": (
        '{"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": "a"},'
        ' "metadata": {"custom": {"k": "\\u0000"}}}',
        "bad_json",
    ),
    "metadata a text": ('{"type": "EVENT_TYPE_HEARTBEAT", "metadata": "x"}', "bad_json"),
    "metadata of numbers": (
        '{"type": "EVENT_TYPE_HEARTBEAT", "metadata": {"custom": {"n": 1}}}',
        "bad_json",
    ),
    "too much metadata": (
        json.dumps({"type": "EVENT_TYPE_HEARTBEAT", "metadata": {"custom": {"k": "x" * 9000}}}),
        "bad_json",
    ),
    "a client id too long": (
        json.dumps(
            {
                "type": "EVENT_TYPE_USER_MESSAGE",
                "payload": {"text": "x"},
                "metadata": {"custom": {"client_event_id": "c" * 65}},
            }
        ),
        "bad_json",
    ),
    "a file": (
        '{"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"attachments": [{"file_id": "1"}]}}',
        "event_not_allowed",
    ),
    "typing nothing": ('{"type": "EVENT_TYPE_USER_TYPING", "payload": {"state": []}}', "bad_json"),
    "a receipt for nothing": ('{"type": "EVENT_TYPE_USER_READ_MESSAGE"}', "bad_json"),
    "text too long": (
        json.dumps({"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": "x" * 20_001}}),
        "frame_too_large",
    ),
    "frame too large": (
        '{"type": "EVENT_TYPE_HEARTBEAT", "x": "' + "x" * 131_072 + '"}',
        "frame_too_large",
    ),
}


async def test_every_bad_frame_is_answered_by_its_code_and_the_socket_lives_on(widget):
    client = await widget.open()
    answers = {}

    for name, (text, _) in BAD_FRAMES.items():
        await client.send_text(text)
        answers[name] = await client.next()

    assert {name: a["payload"]["code"] for name, a in answers.items()} == {
        name: code for name, (_, code) in BAD_FRAMES.items()
    }
    assert {a["payload"]["level"] for a in answers.values()} == {ERROR}
    assert all(answer["sequence"] is None for answer in answers.values())
    assert await client.is_alive()
    assert len(await run_sync(factories.journal, widget.conversation)) == 3


async def test_a_binary_frame_is_refused_and_the_socket_lives_on(widget):
    client = await widget.open()

    await client.send_bytes(b"\x00\x01")

    assert (await client.next())["payload"]["code"] == "bad_json"
    assert await client.is_alive()


async def test_a_refused_frame_comes_back_with_the_clients_metadata(widget):
    client = await widget.open()

    await client.send("DANCE", tag="d")

    assert (await client.next())["metadata"] == {"custom": {"tag": "d"}}


async def test_every_allowed_frame_fits_the_announced_size(widget):
    client = await widget.open()
    text = "€" * 20_000

    await client.send("USER_MESSAGE", {"text": text})

    assert (await client.next())["payload"]["text"] == text


# ---- several sockets, and what gets lost between processes ----


async def test_two_sockets_see_the_same(widget):
    clients = [await widget.open(), await widget.open()]

    await clients[0].send("USER_MESSAGE", {"text": "From one"})
    await clients[1].send("USER_MESSAGE", {"text": "From the other"})
    seen = [await client.events(5) for client in clients]

    assert seen[0] == seen[1]
    assert [frame["sequence"] for frame in seen[0]] == [4, 5]


async def test_a_line_written_elsewhere_arrives_at_once(widget, settings):
    settings.JOURNAL_RECHECK_SECONDS = 60
    client = await widget.open()

    line = await write_elsewhere(widget.conversation, "From a worker")

    assert (await client.next(1.0))["id"] == str(line.pk)


async def test_a_wake_up_that_skips_lines_lets_the_gap_be_read(widget, redis_server, settings):
    settings.JOURNAL_RECHECK_SECONDS = 60
    client = await widget.open()
    redis_server.stop()  # the wake-ups of these are lost
    await write_elsewhere(widget.conversation, "one")
    await write_elsewhere(widget.conversation, "two")
    redis_server.start()

    async def is_woken() -> bool:
        """Until the layer has subscribed again, these wake-ups are lost as well."""
        await write_elsewhere(widget.conversation, "three")
        return client.has_frame()

    await eventually_async(is_woken, seconds=20)
    last = (await run_sync(Conversation.objects.get)).last_sequence

    assert [frame["sequence"] for frame in await client.events(last)] == list(range(4, last + 1))


async def test_a_lost_wake_up_costs_moments_and_no_line(widget, redis_server, quick):
    client = await widget.open()

    redis_server.stop()
    try:
        line = await write_elsewhere(widget.conversation, "Nobody was woken")
        frame = await client.next()
    finally:
        redis_server.start()

    assert frame["id"] == str(line.pk)


async def test_chatting_goes_on_while_redis_is_away_and_recovers(widget, redis_server, quick):
    client = await widget.open()
    redis_server.stop()
    try:
        late = await widget.open()
        await client.send("USER_MESSAGE", {"text": "Are you there?"})
        echo = await client.next(8.0)
        polled = await late.next(8.0)
    finally:
        redis_server.start()

    assert echo["payload"]["text"] == "Are you there?"
    assert polled == echo
    for reader in (client, late):
        assert await reader.is_alive()
    line = await write_elsewhere(widget.conversation, "Back again")
    assert [(await reader.events(line.sequence))[-1]["id"] for reader in (client, late)] == [
        str(line.pk)
    ] * 2


async def test_a_socket_hears_of_it_when_the_ai_agent_joins_through_another(quick):
    async with widget_of(lambda: factories.conversation(state="created")) as widget:
        client = await widget.open()

        await run_sync(agent_join, widget.conversation.pk)

        assert [frame["sequence"] for frame in await client.events(3)] == [2, 3]


# ---- a real server: statuses of the handshake, and time ----


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            application, ws="websockets-sansio", lifespan="off", log_level=logging.WARNING
        )
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, args=([listening],), daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{listening.getsockname()[1]}"
        running.should_exit = True
        thread.join(10)


@asynccontextmanager
async def real_socket(server: str, path: str, **options: Any) -> AsyncIterator[ClientConnection]:
    async with connect(server + path, **options) as client:
        yield client


async def refused(server: str, path: str, **options: Any) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as raised:
        async with connect(server + path, **options):
            pass
    response = raised.value.response
    return response.status_code, json.loads(response.body)["error_message"]


async def test_a_handshake_is_refused_with_the_status_of_its_cause(server, widget):
    other = await run_sync(lambda: Widget(factories.conversation()))

    statuses = {
        "no session": await refused(server, widget.path(session_id="")),
        "no token": await refused(server, widget.path(access_token="")),
        "a forged token": await refused(server, widget.path(access_token="x.y.z")),
        "a token that is no text": await refused(server, widget.path(access_token="\xff.\xff")),
        "another session's token": await refused(server, widget.path(access_token=other.token)),
        "an unknown session": await refused(server, widget.path(session_id=str(uuid.uuid4()))),
        "a session that is no id": await refused(server, widget.path(session_id="1 OR 1=1")),
        "bytes that are no text": await refused(server, "/ws?session_id=%ff&access_token=%ff"),
        "a foreign page": await refused(server, widget.path(), origin="https://evil.test"),
        "a page without an origin": await refused(server, widget.path(), origin="null"),
    }

    assert {name: status for name, (status, _) in statuses.items()} == {
        "no session": 400,
        "no token": 400,
        "a forged token": 401,
        "a token that is no text": 401,
        "another session's token": 401,
        "an unknown session": 404,
        "a session that is no id": 404,
        "bytes that are no text": 401,
        "a foreign page": 401,
        "a page without an origin": 401,
    }
    assert all(message.endswith(".") for _, message in statuses.values())


@pytest.mark.parametrize("origin", ["https://shop.example", "https://www.shop.example", None])
async def test_an_allowed_page_and_an_app_without_an_origin_are_let_in(server, widget, origin):
    async with real_socket(server, widget.path(), origin=origin) as client:
        assert json.loads(await client.recv())["type"] == "EVENT_TYPE_EVENT_BATCH"


async def test_the_token_may_come_as_a_subprotocol_and_is_not_returned(server, widget):
    offered = ["baton.v1", f"bearer.{widget.token}"]

    async with real_socket(server, widget.path(access_token=""), subprotocols=offered) as client:
        assert client.subprotocol == "baton.v1"
        assert json.loads(await client.recv())["type"] == "EVENT_TYPE_EVENT_BATCH"


async def test_the_eleventh_socket_is_refused_until_one_closes(server, widget):
    clients = [await connect(server + widget.path()) for _ in range(10)]
    try:
        status, message = await refused(server, widget.path())
        await clients.pop().close()

        async def another() -> bool:
            with suppress(InvalidStatus):
                clients.append(await connect(server + widget.path()))
                return True
            return False

        await eventually_async(another)
    finally:
        for client in clients:
            await client.close()

    assert (status, message) == (429, "This session already has 10 open sockets.")


async def test_a_socket_that_was_silent_for_twelve_seconds_still_delivers(server, widget):
    async with real_socket(server, widget.path()) as client:
        await client.recv()

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.recv(), 12)  # the time is what is tested (pitfall 1.1)
        line = await write_elsewhere(widget.conversation, "Still there?")

        assert json.loads(await asyncio.wait_for(client.recv(), 2))["id"] == str(line.pk)
