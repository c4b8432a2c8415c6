"""How much of a journal its clients may pull in a minute, and how much of it one frame brings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from django.conf import settings

from conversations.journal.frames import Frame
from integrations.entry.rate_limit import retry_after

# Clients of other makers take no more in one frame: 1 MiB is the usual bound, with room to spare.
BATCH_MAX_BYTES = 512 * 1024
# To find a line costs as much as to send so many bytes, however short it is.
_LINE_BYTES = 1024


def journal_wait(conversation_id: str, *, lines: int = 0, size: int = 0) -> int:
    """Count what was sent of a journal; return 0 if there may be more, else the seconds to wait."""
    return retry_after(
        f"journal:{conversation_id}",
        limit=settings.JOURNAL_BYTES_PER_MINUTE,
        window_seconds=60,
        amount=max(size, lines * _LINE_BYTES),
    )


def in_batches(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Cut frames into batches that a client takes, in their order; one at least, if an empty one.

    A line that is larger than a batch may be comes alone.
    """
    batch: list[Frame] = []
    room = BATCH_MAX_BYTES
    for frame in frames:
        size = len(json.dumps(frame, ensure_ascii=False).encode(errors="surrogatepass"))
        if batch and size > room:
            yield batch
            batch, room = [], BATCH_MAX_BYTES
        batch.append(frame)
        room -= size
    yield batch
