"""The simulated event router: one numbered log per end user, and the streams that read it.

Imitates developer.salesforce.com/docs/service/messaging-api/references/about/server-sent-events.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from integrations.simulators.event_faults import EventFaults
from integrations.simulators.event_streams import EventStream, EventStreamResponse

FIRST_EVENT_ID = 9_100_000
LARGEST_GAP = 9
PING = b"event: ping\ndata: 0\n\n"
# What a stream says, which is no JSON, when the token under which it was opened has expired.
EXPIRED = b"data: Jwt is expired\n\n"
MUTE_SECONDS = 1.0
# Whose it is, name, data, and the client that does not get it.
_Draft = tuple[str, str, str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """One event as it goes over the wire."""

    event_id: int
    name: str
    data: str
    # The closing of a conversation goes to the end user's other clients only.
    hidden_from_client: str | None = None

    def frame(self) -> bytes:
        """Return the event as a server-sent-events frame."""
        return f"id: {self.event_id}\nevent: {self.name}\ndata: {self.data}\n\n".encode()


@dataclass(slots=True, kw_only=True, eq=False)
class Stream(EventStream):
    """One open event stream of one client of one end user."""

    subject: str
    client_identifier: str
    position: int
    expires_at: int
    is_token_good: Callable[[], bool]
    # Says that the token has expired, and stays open without a word from then on.
    is_mute: bool = False
    has_told_expiry: bool = False


class EventLog:
    """Keeps every end user's events and feeds the open streams."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._events: dict[str, list[StreamEvent]] = {}
        self._streams: list[Stream] = []
        self._last_id = FIRST_EVENT_ID
        self._faults: EventFaults[_Draft] = EventFaults()

    # -- Writing ------------------------------------------------------------------------------

    def publish(
        self, subject: str, name: str, data: str, *, hidden_from_client: str | None = None
    ) -> None:
        """Append an event to an end user's log, applying planned duplicates and swaps."""
        draft = (subject, name, data, hidden_from_client)
        with self._lock:
            event, last = None, None
            for one in self._faults.arriving(draft, label=name):
                # What comes twice has the same id.
                event = event if event and one is last else self._numbered(one)
                last = one
                self._events.setdefault(one[0], []).append(event)
                for stream in self.open_streams(one[0]):
                    stream.notify()

    def _numbered(self, draft: _Draft) -> StreamEvent:
        # Ids increase but are not contiguous.
        self._last_id += random.randint(1, LARGEST_GAP)  # noqa: S311 - a gap, not a secret
        _subject, name, data, hidden = draft
        return StreamEvent(event_id=self._last_id, name=name, data=data, hidden_from_client=hidden)

    # -- Reading ------------------------------------------------------------------------------

    @property
    def last_event_id(self) -> str:
        """Return the id a client starts from."""
        return str(self._last_id)

    def position_after(self, subject: str, last_event_id: int | None) -> int:
        """Return where to start reading; without an id only what is still to come is read."""
        log = self._events.get(subject, [])
        if last_event_id is None:
            return len(log)
        newer = (index for index, event in enumerate(log) if event.event_id > last_event_id)
        return next(newer, len(log))

    async def frames(self, stream: Stream, *, ping_seconds: float) -> AsyncIterator[bytes]:
        """Yield frames and pings until the stream is closed or its token is good no longer."""
        next_ping = time.monotonic() + ping_seconds
        while not stream.is_closed and (stream.is_mute or stream.is_token_good()):
            stream.wake.clear()
            if stream.is_mute:
                if not stream.has_told_expiry:
                    stream.has_told_expiry = True
                    yield EXPIRED
                await stream.rest(MUTE_SECONDS)
                continue
            silence = stream.stalled_until - time.monotonic()
            if silence > 0:
                await stream.rest(silence)
                continue
            for event in self._unread(stream):
                yield event.frame()
            if time.monotonic() >= next_ping:
                yield PING
                next_ping = time.monotonic() + ping_seconds
            until_expiry = stream.expires_at - time.time()
            await stream.rest(min(next_ping - time.monotonic(), until_expiry))

    def _unread(self, stream: Stream) -> list[StreamEvent]:
        with self._lock:
            unread = self._events.get(stream.subject, [])[stream.position :]
            stream.position += len(unread)
        return [event for event in unread if event.hidden_from_client != stream.client_identifier]

    # -- Streams and faults -------------------------------------------------------------------

    def answer(self, stream: Stream, *, ping_seconds: float) -> EventStreamResponse:
        """Feed a stream from now on, until it is over."""
        with self._lock:
            self._streams.append(stream)
        frames = self.frames(stream, ping_seconds=ping_seconds)
        return EventStreamResponse(stream, frames, on_end=lambda: self._drop(stream))

    def _drop(self, stream: Stream) -> None:
        with self._lock:
            self._streams.remove(stream)

    def open_streams(self, subject: str | None = None) -> list[Stream]:
        """Return the open streams, of one end user or of all."""
        with self._lock:
            return [stream for stream in self._streams if subject in (None, stream.subject)]

    def duplicate_next(self, name: str | None = None) -> None:
        """Deliver the next event (of this name) twice, with the same id."""
        self._faults.duplicate_next(name)

    def swap_next_two(self, name: str | None = None) -> None:
        """Hold the next event (of this name) back until the one after it went out."""
        self._faults.swap_next_two(name)

    def say_again(self, subject: str, is_meant: Callable[[StreamEvent], bool]) -> None:
        """Deliver events of an end user once more, under their own ids."""
        with self._lock:
            log = self._events.get(subject, [])
            # What was said again before stands there twice; it goes out once all the same.
            again = {event.event_id: event for event in log if is_meant(event)}
            log.extend(again.values())
            for stream in self.open_streams(subject):
                stream.notify()

    # -- Keeping ------------------------------------------------------------------------------

    def forget(self) -> None:
        """Forget all events; ids go on increasing."""
        self._events.clear()
        self._faults.forget()

    def as_json(self) -> dict[str, Any]:
        """Return everything a restart must keep."""
        return {
            "last_id": self._last_id,
            "events": {
                subject: [asdict(event) for event in log] for subject, log in self._events.items()
            },
        }

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what `as_json` returned."""
        self._last_id = kept["last_id"]
        self._events = {
            subject: [StreamEvent(**event) for event in log]
            for subject, log in kept["events"].items()
        }
