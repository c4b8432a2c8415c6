"""Reads server-sent events out of bytes as they come, by the rules of the WHATWG."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from integrations.contract.errors import UnexpectedResponseError

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
DEFAULT_MAX_EVENT_BYTES = 1_048_576


@dataclass(frozen=True, slots=True, kw_only=True)
class SseEvent:
    """One event; `id` is the last id seen so far, `retry` the last asked-for delay in ms."""

    id: str
    event: str
    data: str = field(repr=False)
    retry: int | None = None


class SseParser:
    """Turns chunks of a stream into events; one instance for each connection."""

    def __init__(
        self, *, last_event_id: str = "", max_event_bytes: int = DEFAULT_MAX_EVENT_BYTES
    ) -> None:
        """Start with the id sent as Last-Event-ID; `max_event_bytes` bounds an unfinished event."""
        self.last_event_id = last_event_id
        self.retry: int | None = None
        self._max_event_bytes = max_event_bytes
        self._rest = b""
        self._is_first = True
        self._skip_newline = False
        self._event = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[SseEvent]:
        """Return the events this chunk completes; raises UnexpectedResponseError if too big."""
        events = []
        for line in self._lines(chunk):
            if line:
                self._take_line(line)
                self._check_size()
            elif (event := self._dispatch()) is not None:
                events.append(event)
        self._check_size()
        return events

    def _lines(self, chunk: bytes) -> list[bytes]:
        if self._skip_newline and chunk:
            # The carriage return before this chunk already ended its line.
            chunk = chunk.removeprefix(b"\n")
            self._skip_newline = False
        buffer = self._without_bom(self._rest + chunk)
        if buffer is None:
            self._rest += chunk
            return []
        self._skip_newline = buffer.endswith(b"\r") or (self._skip_newline and not buffer)
        *lines, self._rest = _LINE_END.split(buffer)
        return lines

    def _without_bom(self, buffer: bytes) -> bytes | None:
        """Drop a leading byte order mark; None while the first bytes may still become one."""
        if not self._is_first:
            return buffer
        if len(buffer) < len(_BOM) and _BOM.startswith(buffer):
            return None
        self._is_first = False
        return buffer.removeprefix(_BOM)

    def _take_line(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._size += len(value) + 1
        elif name == b"event":
            self._event = _text(value)
        elif name == b"id" and b"\0" not in value:
            self.last_event_id = _text(value)
        elif name == b"retry" and value.isdigit() and len(value) < 10:
            self.retry = int(value)

    def _dispatch(self) -> SseEvent | None:
        event, data = self._event or "message", self._data
        self._event, self._data, self._size = "", [], 0
        if not data:
            return None
        return SseEvent(
            id=self.last_event_id, event=event, data=_text(b"\n".join(data)), retry=self.retry
        )

    def _check_size(self) -> None:
        if self._size + len(self._rest) > self._max_event_bytes:
            raise UnexpectedResponseError("An event of the stream is larger than allowed.")


def _text(value: bytes) -> str:
    return value.decode("utf-8", errors="replace")
