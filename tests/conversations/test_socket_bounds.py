"""One socket's bounds: what it may send, what may wait for it, and what an outage does to it."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from channels.layers import get_channel_layer
from channels.testing import ApplicationCommunicator
from django.db import OperationalError
from prometheus_client import REGISTRY

from config.asgi import application
from conversations.event_loop.executor import run_sync
from conversations.journal.channel_layer import SOCKET_WAITING
from conversations.journal.publish import conversation_group
from conversations.models import Conversation, Event
from conversations.socket.bounds import SocketBounds
from conversations.socket.handshake import _client, _key, sockets_seen
from tests.conversations.widget import write_elsewhere
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


class DeafClient:
    """A client whose socket takes what is sent until `deaf`, and then nothing any more."""

    def __init__(self, widget):
        path, query = widget.path().split("?")
        self.scope = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": [],
            "subprotocols": [],
            "extensions": {"websocket.http.response": {}},
        }
        self.incoming = asyncio.Queue()
        self.incoming.put_nowait({"type": "websocket.connect"})
        self.sent = []
        self.reads = asyncio.Event()
        self.reads.set()

    async def send(self, message):
        await self.reads.wait()
        self.sent.append(message)

    @asynccontextmanager
    async def served(self):
        task = asyncio.create_task(application(self.scope, self.incoming.get, self.send))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def kinds(self):
        return [message["type"] for message in self.sent]


# ---- a client that does not read ----


async def test_a_client_that_does_not_read_is_cut_off_and_told_to_come_back(widget, settings):
    settings.SOCKET_SEND_SECONDS = 0.3
    client, before = DeafClient(widget), value("baton_sockets_closed_total", reason="slow")
    async with client.served() as task:
        await eventually_async(lambda: "websocket.send" in client.kinds())
        client.reads.clear()
        await write_elsewhere(widget.conversation, "Nobody reads this")
        await eventually_async(
            lambda: value("baton_sockets_closed_total", reason="slow") == before + 1
        )

        client.reads.set()  # it reads again while the close frame waits
        await asyncio.wait_for(task, 5)

    assert client.sent[-1] == {"type": "websocket.close", "code": 1013}


async def test_a_client_that_never_reads_again_is_not_waited_for(widget, settings):
    settings.SOCKET_SEND_SECONDS = 0.3
    client, before = DeafClient(widget), value("baton_sockets_open")
    async with client.served() as task:
        await eventually_async(lambda: "websocket.send" in client.kinds())
        client.reads.clear()
        await write_elsewhere(widget.conversation, "Nobody reads this")

        await asyncio.wait_for(task, 10)

    assert value("baton_sockets_open") == before


async def test_a_socket_that_was_cut_off_leaves_nothing_behind(widget, settings, quick):
    settings.SOCKET_SEND_SECONDS = 0.3
    client, layer = DeafClient(widget), get_channel_layer()
    group = layer._get_group_channel_name(conversation_group(widget.conversation.pk))
    async with client.served() as task:
        await eventually_async(lambda: "websocket.send" in client.kinds())
        assert group in layer.groups
        client.reads.clear()
        await write_elsewhere(widget.conversation, "Nobody reads this")
        await asyncio.wait_for(task, 10)

    assert group not in layer.groups
    names = {running.get_coro().__qualname__ for running in asyncio.all_tasks()}
    assert "SocketWatch._watch" not in names


class BrokenClient(DeafClient):
    """A client over whose broken frame the server has hung up; uvicorn then refuses what we say."""

    has_hung_up = False

    async def send(self, message):
        if self.has_hung_up:
            raise RuntimeError("Unexpected ASGI message 'websocket.send', after sending a close.")
        await super().send(message)


async def test_what_is_said_after_the_server_has_hung_up_is_no_failure(widget, caplog):
    client, before = BrokenClient(widget), value("baton_sockets_open")
    async with client.served() as task:
        await eventually_async(lambda: "websocket.send" in client.kinds())
        client.has_hung_up = True
        await write_elsewhere(widget.conversation, "Nobody is there")

        await asyncio.wait_for(task, 10)

    assert value("baton_sockets_open") == before
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_slow_client_that_reads_in_time_stays(widget, settings):
    settings.SOCKET_SEND_SECONDS = 5
    client = DeafClient(widget)
    async with client.served() as task:
        await eventually_async(lambda: "websocket.send" in client.kinds())
        client.reads.clear()
        await write_elsewhere(widget.conversation, "Late but read")

        client.reads.set()

        await eventually_async(lambda: any("Late but read" in str(sent) for sent in client.sent))
        assert not task.done()


# ---- what waits for one socket ----


async def test_wake_ups_beyond_the_bound_are_dropped_and_counted():
    layer, before = get_channel_layer(), value("baton_wake_ups_dropped_total")
    channel = await layer.new_channel()
    await layer.group_add("bounded", channel)

    for number in range(SOCKET_WAITING + 10):
        await layer.group_send("bounded", {"type": "test", "number": number})
    await eventually_async(lambda: value("baton_wake_ups_dropped_total") == before + 10)

    kept = [(await layer.receive(channel))["number"] for _ in range(SOCKET_WAITING)]
    assert kept == list(range(SOCKET_WAITING))


async def test_lines_whose_wake_ups_were_dropped_are_read_from_the_journal(widget, quick):
    client = await widget.open()
    layer = get_channel_layer()
    # Nothing is read from the queue before this task rests, so most of these are dropped.
    channels = [name for name, queue in layer.channels.items() if queue.empty()]
    for name in channels:
        for _ in range(SOCKET_WAITING):
            layer.channels[name].put_nowait(
                layer.channel_layer.serialize({"type": "conversation.changed", "frames": []})
            )

    last = await write_elsewhere(widget.conversation, "After the flood")

    events = await client.events(last.sequence)
    assert events[-1]["payload"]["text"] == "After the flood"


# ---- a client that sends too much ----


async def test_a_flood_is_refused_with_its_own_metadata_and_the_rest_goes_on(widget, settings):
    settings.SOCKET_FRAMES_PER_SECOND, settings.SOCKET_FRAMES_BURST = 1, 3
    client = await widget.open()

    for number in range(6):
        await client.send("USER_TYPING", {"state": "TYPING_STATE_STARTED"}, mark=str(number))
    refused = await client.until("SYSTEM_MESSAGE")

    assert refused["payload"]["code"] == "rate_limited"
    assert refused["metadata"] == {"custom": {"mark": "3"}}
    await eventually_async(lambda: _is_answered_again(client))


async def test_a_flood_is_refused_in_the_end_users_language(widget, settings):
    settings.SOCKET_FRAMES_PER_SECOND, settings.SOCKET_FRAMES_BURST = 5, 3
    german = Conversation.objects.filter(pk=widget.conversation.pk)
    await run_sync(german.update, locale="de-CH")
    client = await widget.open()

    for _ in range(30):  # so many that a slow machine is too slow for them as well
        await client.send("USER_TYPING", {"state": "TYPING_STATE_STARTED"})
    refused = await client.until("SYSTEM_MESSAGE")

    assert refused["payload"]["message"].startswith("Höchstens 5 Eingaben in der Sekunde.")


async def _is_answered_again(client):
    await client.send("HEARTBEAT")
    answer = await client.next()
    return answer["type"] == "EVENT_TYPE_HEARTBEAT"


async def test_a_refused_message_is_not_written_and_may_be_sent_again(widget, settings):
    settings.SOCKET_FRAMES_PER_SECOND, settings.SOCKET_FRAMES_BURST = 1, 1
    client = await widget.open()
    await client.send("HEARTBEAT")
    await client.send("USER_MESSAGE", {"text": "Hello"}, client_event_id="one")
    assert (await client.until("SYSTEM_MESSAGE"))["metadata"]["custom"]["client_event_id"] == "one"

    async def is_written():
        await client.send("USER_MESSAGE", {"text": "Hello"}, client_event_id="one")
        return (await client.next())["type"] == "EVENT_TYPE_USER_MESSAGE"

    await eventually_async(is_written)

    lines = await run_sync(
        lambda: Event.objects.filter(conversation=widget.conversation, type="USER_MESSAGE").count()
    )
    assert lines == 1


async def test_a_frame_that_cannot_be_read_is_refused_without_metadata(widget, settings):
    settings.SOCKET_FRAMES_PER_SECOND, settings.SOCKET_FRAMES_BURST = 0.1, 1
    client = await widget.open()

    await client.send("HEARTBEAT")
    await client.send_text("no json")

    refused = await client.until("SYSTEM_MESSAGE")
    assert refused["payload"]["code"] == "rate_limited"
    assert "metadata" not in refused


# ---- outages and refusals ----


async def outage(scope, receive, send):
    raise OperationalError("couldn't get a connection")


async def test_a_handshake_without_a_database_is_a_503_with_a_time_to_come_back():
    scope = {"type": "websocket", "headers": [], "extensions": {"websocket.http.response": {}}}
    communicator = ApplicationCommunicator(SocketBounds(outage), scope)

    start, body = await communicator.receive_output(), await communicator.receive_output()

    assert start["status"] == 503
    assert (b"retry-after", b"5") in start["headers"]
    assert "database" in json.loads(body["body"])["error_message"]


async def test_an_open_socket_without_a_database_is_closed_to_come_back():
    async def opens_first(scope, receive, send):
        await send({"type": "websocket.accept"})
        raise OperationalError("server closed the connection")

    communicator = ApplicationCommunicator(
        SocketBounds(opens_first), {"type": "websocket", "headers": []}
    )

    assert (await communicator.receive_output())["type"] == "websocket.accept"
    assert await communicator.receive_output() == {"type": "websocket.close", "code": 1013}


async def counted(widget):
    return await run_sync(_client().zcard, _key(widget.conversation.pk))


async def test_a_socket_whose_client_is_gone_before_it_is_accepted_is_not_counted(widget):
    client = DeafClient(widget)

    async def broken_pipe(message):
        raise BrokenPipeError

    client.send = broken_pipe
    async with client.served() as task:
        with pytest.raises(BrokenPipeError):
            await asyncio.wait_for(task, 5)

    assert await counted(widget) == 0


async def test_a_socket_that_fails_after_it_was_accepted_is_not_counted(widget):
    client = DeafClient(widget)
    send = client.send

    async def until_the_first_frame(message):
        if message["type"] == "websocket.send":
            raise BrokenPipeError
        await send(message)

    client.send = until_the_first_frame
    async with client.served() as task:
        with pytest.raises(BrokenPipeError):
            await asyncio.wait_for(task, 5)

    assert client.kinds() == ["websocket.accept"]
    assert await counted(widget) == 0


async def test_a_socket_that_is_cancelled_while_it_is_counted_is_not_counted(widget):
    client = DeafClient(widget)
    await run_sync(_client().client_pause, 600, False)  # writes wait
    async with client.served() as task:
        await eventually_async(client.incoming.empty)
        await asyncio.sleep(0.3)  # nothing tells that the count waits for Redis

        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    await run_sync(_client().delete, "another write")
    assert client.sent == []
    assert await counted(widget) == 0


async def test_a_socket_that_closes_in_order_is_not_counted(widget):
    client = await widget.open()
    before = await counted(widget)

    await client.close()

    assert before == 1
    assert await counted(widget) == 0


async def test_a_socket_that_went_while_its_life_was_noted_is_not_counted_again(widget):
    await run_sync(sockets_seen, [(widget.conversation.pk, "gone")])

    assert await counted(widget) == 0


async def test_one_socket_too_many_is_told_when_to_come_back(widget, settings):
    settings.SOCKETS_PER_SESSION = 1
    await widget.open()
    client = DeafClient(widget)
    async with client.served() as task:
        await asyncio.wait_for(task, 5)

    start = client.sent[0]
    assert start["status"] == 429
    assert dict(start["headers"])[b"retry-after"] == b"60"
