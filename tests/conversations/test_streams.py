"""A session over HTTP alone: the same journal, cursor, limits and answers as on a socket."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from contextlib import asynccontextmanager

import pytest
from asgiref.testing import ApplicationCommunicator
from django.test import AsyncClient

from config.asgi import application
from conversations.event_loop.executor import run_sync
from conversations.journal.frames import EventType, transient_frame
from conversations.journal.publish import transient_show
from conversations.models import Conversation, Event
from conversations.socket import streams
from tests import factories
from tests.conversations.widget import widget_of, write_elsewhere
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_SECONDS = 20.0
# The journal of a conversation in which nobody has said anything.
JOINED = ["SESSION_START", "POLY_AGENT_JOINED", "POLY_AGENT_MESSAGE"]


class Exchange:
    """One HTTP request to the running application, read piece by piece."""

    def __init__(self, path, query="", **headers):
        named = [
            (name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()
        ]
        scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode()}
        scope |= {"query_string": query.encode(), "headers": named, "http_version": "1.1"}
        self._communicator = ApplicationCommunicator(application, scope)
        self.body = b""
        self.is_over = False

    async def begin(self):
        await self._communicator.send_input({"type": "http.request", "body": b""})
        start = await self._communicator.receive_output(PATIENCE_SECONDS)
        self.status = start["status"]
        self.headers = {name.decode(): value.decode() for name, value in start["headers"]}

    async def until(self, is_so):
        while not is_so(self.body) and not self.is_over:
            piece = await self._communicator.receive_output(PATIENCE_SECONDS)
            self.body += piece["body"]
            self.is_over = not piece["more_body"]

    async def whole(self):
        await self.begin()
        await self.until(lambda body: False)
        return json.loads(self.body)

    async def leave(self):
        await self._communicator.send_input({"type": "http.disconnect"})
        await self._communicator.wait(PATIENCE_SECONDS)

    def frames(self):
        """Return what a client of server-sent events has read so far, with the ids."""
        found = []
        for block in self.body.decode().split("\n\n"):
            fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line[:8])
            if "data" in fields:
                found.append((fields.get("id"), json.loads(fields["data"])))
        return found


def asked(widget, query="", **headers):
    path = f"/api/v1/sessions/{widget.conversation.session_id}/events"
    return Exchange(path, query, **{"authorization": f"Bearer {widget.token}", **headers})


@asynccontextmanager
async def streamed(widget, query="", **headers):
    exchange = asked(widget, query, **{"accept": "text/event-stream", **headers})
    await exchange.begin()
    yield exchange
    await exchange.leave()


async def posted(widget, *frames):
    answer = await AsyncClient().post(
        f"/api/v1/sessions/{widget.conversation.session_id}/events",
        json.dumps({"frames": frames}),
        content_type="application/json",
        headers={"authorization": f"Bearer {widget.token}"},
    )
    return answer.status_code, answer.json()


def frame(kind, payload=None, **custom):
    made = {"type": f"EVENT_TYPE_{kind}", "payload": payload or {}}
    return made | ({"metadata": {"custom": custom}} if custom else {})


def kinds(events):
    return [event["type"].removeprefix("EVENT_TYPE_") for event in events]


async def test_a_stream_brings_what_was_missed_and_then_what_happens(widget):
    async with streamed(widget, "cursor=0") as stream:
        await stream.until(lambda body: b"SESSION_START" in body)
        line = await write_elsewhere(widget.conversation, "news")
        await stream.until(lambda body: b"news" in body)

    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["x-accel-buffering"] == "no"
    assert "no-transform" in stream.headers["cache-control"]
    assert stream.headers["access-control-allow-origin"] == "*"
    (_, batch), (number, said) = stream.frames()
    assert kinds(batch["payload"]["events"]) == JOINED
    assert (number, said["sequence"]) == (str(line.sequence), line.sequence)


async def test_a_stream_fills_a_proxys_buffer_before_anything_else(widget):
    async with streamed(widget) as stream:
        await stream.until(bool)

        assert len(stream.body) > 4096
        assert stream.body.startswith(b":")


async def test_a_stream_goes_on_where_the_last_one_ended(widget):
    line = await write_elsewhere(widget.conversation, "known")
    async with streamed(widget, last_event_id=str(line.sequence)) as stream:
        await stream.until(lambda body: b"data" in body)
        await write_elsewhere(widget.conversation, "new")
        await stream.until(lambda body: b"new" in body)

    assert "known" not in stream.body.decode()


async def test_a_quiet_stream_beats_and_ends_in_time(widget, monkeypatch):
    monkeypatch.setattr(streams, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(streams, "STREAM_SECONDS", 0.6)
    async with streamed(widget) as stream:
        await stream.until(lambda body: False)

    assert stream.is_over
    assert stream.body.count(b"\n:\n") >= 2
    assert streams.POLL_SECONDS_MAX < 30
    assert streams.BEAT_SECONDS < 30


async def test_a_stream_counts_as_a_socket_and_as_a_sign_of_life(widget, settings):
    settings.SOCKETS_PER_SESSION = 1
    before = (await run_sync(Conversation.objects.get)).last_seen_at
    async with streamed(widget) as stream:
        await stream.until(lambda body: b"data" in body)
        second = await asked(widget, accept="text/event-stream").whole()

    after = (await run_sync(Conversation.objects.get)).last_seen_at
    assert second["error_code"] == "RATE_LIMITED"
    assert after > before
    async with streamed(widget) as third:
        assert third.status == 200


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"authorization": "Bearer x.y.z"}, 401, "UNAUTHORIZED"),
        ({"authorization": ""}, 400, "INVALID_REQUEST"),
        ({"origin": "https://evil.example"}, 401, "UNAUTHORIZED"),
    ],
)
async def test_who_may_not_read_a_session_is_told_why(widget, headers, status, code):
    refused = asked(widget, accept="text/event-stream", **headers)
    body = await refused.whole()

    assert (refused.status, body["error_code"]) == (status, code)
    assert body["error_message"]
    assert refused.headers["access-control-allow-origin"] == "*"


async def test_a_long_poll_answers_at_once_with_what_was_missed(widget):
    answer = await asked(widget, "wait=20&cursor=0").whole()

    assert kinds(answer["events"])[0] == "EVENT_BATCH"
    assert kinds(answer["events"][0]["payload"]["events"]) == JOINED


async def test_a_long_poll_waits_for_the_next_line(widget):
    poll = asked(widget, "wait=20&cursor=3")
    answer = asyncio.create_task(poll.whole())
    await asyncio.sleep(0.3)
    assert not answer.done()
    await write_elsewhere(widget.conversation, "news")

    texts = [event["payload"].get("text") for event in (await answer)["events"]]
    assert texts == [None, "news"]


async def test_a_long_poll_brings_what_is_shown_now_or_never(widget):
    poll = asyncio.create_task(asked(widget, "wait=20&cursor=3").whole())
    thinking = transient_frame(EventType.POLY_AGENT_THINKING, {})

    def is_shown() -> bool:  # nothing tells from when on the poll listens
        transient_show(widget.conversation.pk, thinking)
        return poll.done()

    await eventually_async(is_shown)
    assert set(kinds((await poll)["events"])) == {"EVENT_BATCH", "POLY_AGENT_THINKING"}


async def test_a_long_poll_without_news_ends_when_it_was_told_to(widget):
    started = time.monotonic()
    answer = await asked(widget, "wait=1&cursor=3").whole()

    assert kinds(answer["events"]) == ["EVENT_BATCH"]
    assert 0.9 < time.monotonic() - started < 10


async def test_frames_by_post_are_answered_as_on_a_socket():
    async with widget_of(lambda: factories.conversation(state="created")) as widget:
        await _speaks(widget)


async def _speaks(widget):
    status, joined = await posted(widget, frame("REQUEST_POLY_AGENT_JOIN"))
    _, said = await posted(
        widget,
        frame("USER_MESSAGE", {"text": "one"}, client_event_id="1"),
        frame("HEARTBEAT", mark="beat"),
        frame("USER_MESSAGE", {"text": "two"}, client_event_id="2"),
    )

    assert status == 200
    shown = ["POLY_AGENT_JOINED", "POLY_AGENT_THINKING", "POLY_AGENT_MESSAGE"]
    assert kinds(joined["events"]) == ["REQUEST_POLY_AGENT_JOIN", *shown]
    assert kinds(said["events"]) == ["USER_MESSAGE", "HEARTBEAT", "USER_MESSAGE"]
    first, beat, second = said["events"]
    assert first["sequence"] < second["sequence"]
    assert beat["metadata"] == {"custom": {"mark": "beat"}}


async def test_a_frame_that_is_posted_again_is_answered_with_the_first_echo(widget):
    message = frame("USER_MESSAGE", {"text": "once"}, client_event_id="1")
    answers = [await posted(widget, message) for _ in range(3)]

    assert len({answer["events"][0]["id"] for _, answer in answers}) == 1
    said = await run_sync(lambda: Event.objects.filter(type="USER_MESSAGE").count())
    assert said == 1


async def test_a_bad_frame_is_answered_alone_with_its_metadata(widget):
    _, answer = await posted(
        widget,
        frame("USER_MESSAGE", {"text": "a\x00b"}, client_event_id="bad"),
        frame("USER_MESSAGE", {"text": "x" * 20_001}, client_event_id="long"),
        frame("DANCE", {}, client_event_id="unknown"),
        frame("USER_MESSAGE", {"text": "good"}, client_event_id="good"),
    )

    codes = [event["payload"].get("code") for event in answer["events"]]
    assert codes == ["bad_json", "frame_too_large", "unknown_event", None]
    ids = [event["metadata"]["custom"]["client_event_id"] for event in answer["events"]]
    assert ids == ["bad", "long", "unknown", "good"]


async def test_posts_have_the_limits_of_a_socket(widget, settings):
    settings.SOCKET_FRAMES_PER_SECOND = 5
    many = [frame("HEARTBEAT", n=str(number)) for number in range(20)]
    _, flooded = await posted(widget, *many)
    too_many, _ = await posted(widget, *many, frame("HEARTBEAT"))
    too_large, _ = await posted(widget, frame("HEARTBEAT", k="x" * 140_000))
    none, _ = await posted(widget)

    assert {event["payload"]["code"] for event in flooded["events"]} == {"rate_limited"}
    assert [event["metadata"]["custom"]["n"] for event in flooded["events"]] == [
        str(number) for number in range(20)
    ]
    assert (too_many, too_large, none) == (400, 413, 400)


async def test_the_journal_can_be_read_at_once(widget):
    path = f"/api/v1/sessions/{widget.conversation.session_id}/events?cursor=1"
    given = await AsyncClient().get(path, headers={"authorization": f"Bearer {widget.token}"})
    answer = given.json()

    assert kinds(answer["events"]) == ["POLY_AGENT_JOINED", "POLY_AGENT_MESSAGE"]


async def test_a_page_of_another_origin_may_ask(widget):
    answer = await AsyncClient().options(
        f"/api/v1/sessions/{widget.conversation.session_id}/events",
        headers={
            "origin": "https://shop.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type,last-event-id",
        },
    )

    assert answer["access-control-allow-origin"] == "*"
    assert "last-event-id" in answer["access-control-allow-headers"]


async def test_a_query_of_any_bytes_breaks_nothing():
    passed_on = []

    async def otherwise(scope, receive, send):
        passed_on.append(scope["query_string"])

    scope = {"path": f"/api/v1/sessions/{uuid.uuid4()}/events", "method": "GET", "headers": []}
    await streams.with_streams(otherwise, otherwise)(
        {**scope, "query_string": b"wait=\xff"}, None, None
    )

    assert passed_on == [b"wait=\xff"]


@pytest.mark.parametrize("cursor", ["999999", "-1", "two", "1.5"])
async def test_a_cursor_that_is_none_hides_nothing_and_is_told_whichever_way_one_reads(
    widget, cursor
):
    path = f"/api/v1/sessions/{widget.conversation.session_id}/events?cursor={cursor}"
    given = await AsyncClient().get(path, headers={"authorization": f"Bearer {widget.token}"})
    at_once = given.json()["events"]
    polled = (await asked(widget, f"wait=1&cursor={cursor}").whole())["events"]

    assert kinds(at_once) == [*JOINED, "SYSTEM_MESSAGE"]
    assert kinds(polled) == ["EVENT_BATCH", "SYSTEM_MESSAGE"]
    assert at_once[-1]["payload"] == polled[-1]["payload"]


async def test_a_stream_and_a_wait_are_asked_for_as_clients_write_them(widget):
    async with streamed(widget, accept="Text/Event-Stream;q=1.0") as stream:
        assert stream.headers["content-type"] == "text/event-stream"
    answer = await asked(widget, "wait=0.5&cursor=3").whole()
    assert kinds(answer["events"]) == ["EVENT_BATCH"]
