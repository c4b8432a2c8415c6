"""A session without a WebSocket: read its journal, and say what frames of a socket would say.

Streams and long polls of the same address do not come here: conversations/socket/streams.py.
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.async_view import AsyncEnvelopeView
from conversations.api.errors import BadFieldError, RefusedError
from conversations.api.messaging import BY_TOKEN, session_opened
from conversations.api.schema import answer
from conversations.event_loop.executor import run_sync
from conversations.journal.budget import in_batches, journal_wait
from conversations.journal.frames import EventType, Frame, error_frame, frame_of
from conversations.journal.selectors import frames_after
from conversations.journal.services import conversations_seen
from conversations.models import Conversation, Event
from conversations.socket.client_extensions import frame_shown
from conversations.socket.client_frames import BadFrameError, frame_of_value, metadata_of_value
from conversations.socket.handshake import CURSOR_UNKNOWN, cursor_read, reading_count
from conversations.socket.talk import ClientTalk
from integrations.behaviour.sentences import sentence
from integrations.entry.rate_limit import retry_after
from integrations.telemetry.metrics import FRAMES_REFUSED

FRAMES_PER_REQUEST = 20
_EXAMPLE = {
    "type": "EVENT_TYPE_USER_MESSAGE",
    "payload": {"text": "Where is my order?"},
    "metadata": {"custom": {"client_event_id": "5f0e7b1c-0c4f-4b57-9a55-3b2f8a1f6d10"}},
}
_HEARTBEAT: dict[str, Any] = {
    "id": "0d5d2a3e-9b7e-4c1c-8d0f-2f7f0a5b6c7d",
    "sequence": None,
    "timestamp": "2026-11-29T12:00:00.000+00:00",
    "type": "EVENT_TYPE_HEARTBEAT",
    "payload": {},
}
_ANSWERED = OpenApiExample("A heartbeat is echoed", value={"events": [_HEARTBEAT]})


class EventsView(AsyncEnvelopeView):
    """The journal of a session, and what its client says."""

    @extend_schema_serializer(component_name="EventsCreate")
    class Input(serializers.Serializer[Any]):
        """Frames as a socket takes them, in their order."""

        frames = serializers.ListField(
            child=serializers.DictField(), max_length=FRAMES_PER_REQUEST, allow_empty=False
        )

    @extend_schema_serializer(component_name="EventsOut")
    class Output(serializers.Serializer[Any]):
        """Frames as a socket sends them."""

        events = serializers.ListField(child=serializers.DictField())

    @BY_TOKEN.operation(
        "events_list",
        "Read a session's events without a WebSocket",
        "With `Accept: text/event-stream` a stream of server-sent events: each `data` is a frame "
        "as the socket sends it, each `id` a cursor. It ends after about a minute; open the next "
        "one with the last cursor. With `wait` the answer comes as soon as there is something to "
        "tell, and at the latest after so many seconds. With neither it comes at once, with up to "
        "500 lines or 512 KiB: ask again with the last one's sequence until nothing comes.",
        parameters=[
            OpenApiParameter("cursor", int, description="The highest sequence that is known."),
            OpenApiParameter("wait", int, description="Seconds, 25 at most."),
        ],
        gives=answer(Output, "What came after the cursor.", _ANSWERED),
        _404="SESSION_NOT_FOUND",
    )
    async def get(self, request: Request, session_id: uuid.UUID) -> Response:
        """Answer with the journal's lines after the cursor, at once."""
        return Response({"events": await run_sync(_journal, request, session_id)})

    @BY_TOKEN.operation(
        "events_create",
        "Send frames without a WebSocket",
        "The same frames as on the socket, up to 20 in their order; the whole body may be as large "
        "as one frame. The answer has what the socket would have sent in answer: echoes and "
        "errors. Wait for it before the next call: that keeps the order. A call that broke off is "
        "sent again with the same `client_event_id`: nothing is said twice.",
        takes=Input,
        examples=[OpenApiExample("A message", value={"frames": [_EXAMPLE]}, request_only=True)],
        gives=answer(Output, "The answers.", _ANSWERED),
        _400="INVALID_REQUEST",
        _404="SESSION_NOT_FOUND",
        _413="PAYLOAD_TOO_LARGE",
    )
    async def post(self, request: Request, session_id: uuid.UUID) -> Response:
        """Answer each frame as a socket does."""
        conversation = await run_sync(session_opened, request, session_id)
        frames = _frames(request)
        outlet = _Answers(conversation)
        per_second = int(settings.SOCKET_FRAMES_PER_SECOND)
        if per_second and await run_sync(_are_too_many, conversation.pk, len(frames), per_second):
            outlet.refuse_all(frames, per_second)
        else:
            await _say_all(frames, conversation, outlet)
        return Response({"events": outlet.frames})


class _Answers:
    """What the client's frames are answered with, as the client reads it."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self.frames: list[Frame] = []

    async def show(self, frame: Frame) -> None:
        self.frames.append(_shown(frame, self._conversation))

    async def show_events(self, events: list[Event]) -> None:
        for event in events:
            await self.show(frame_of(event))

    async def show_with_echo(self, events: list[Event]) -> None:
        await self.show_events(events)

    def refuse_all(self, frames: list[object], per_second: int) -> None:
        """Say of each frame that it came too soon."""
        FRAMES_REFUSED.inc(len(frames))
        told = sentence("frames_a_second", self._conversation.locale, number=per_second)
        for frame in frames:
            self.frames.append(error_frame("rate_limited", told, metadata_of_value(frame)))


async def _say_all(frames: list[object], conversation: Conversation, outlet: _Answers) -> None:
    talk = ClientTalk(conversation.pk, conversation.locale, outlet)
    for value in frames:
        try:
            frame = frame_of_value(value)
        except BadFrameError as error:
            await talk.refuse(error)
            continue
        if frame.type == EventType.HEARTBEAT:
            await run_sync(conversations_seen, [conversation.pk])
        await talk.hear(frame)


def _journal(request: Request, session_id: uuid.UUID) -> list[Frame]:
    """Return what comes after the cursor, as much as one batch may have."""
    conversation = session_opened(request, session_id)
    reading_count(conversation.pk, is_poll=True)
    cursor = cursor_read(request.query_params.get("cursor") or "0")
    # One beyond the journal's end would hide all that is written from here on.
    is_known = cursor is not None and cursor <= conversation.last_sequence
    frames = frames_after(conversation.pk, cursor if cursor and is_known else 0)
    shown = next(in_batches(_shown(frame, conversation) for frame in frames))
    journal_wait(conversation.pk, lines=len(shown), size=len(json.dumps(shown)))
    return shown if is_known else [*shown, error_frame("bad_json", CURSOR_UNKNOWN)]


def _frames(request: Request) -> list[object]:
    """Return the frames of a body; what is wrong in one of them is that frame's affair."""
    limit = settings.FRAME_MAX_BYTES
    if len(request.body) > limit:
        text = f"The body may have {limit} bytes."
        raise RefusedError(413, "PAYLOAD_TOO_LARGE", text)
    try:
        body = json.loads(request.body)
    except (ValueError, RecursionError) as error:
        raise BadFieldError("body: It is no JSON.") from error
    frames = body.get("frames") if isinstance(body, dict) else None
    if not isinstance(frames, list) or not 0 < len(frames) <= FRAMES_PER_REQUEST:
        raise BadFieldError(f"frames: Send 1 to {FRAMES_PER_REQUEST} frames.")
    return frames


def _are_too_many(conversation_id: str, number: int, per_second: int) -> bool:
    key = f"frames:{conversation_id}"
    return retry_after(key, limit=per_second, window_seconds=1, amount=number) > 0


def _shown(frame: Frame, conversation: Conversation) -> Frame:
    return frame_shown(frame, conversation.extensions, conversation.locale)
