"""Write a line into many conversations as fast as it goes, from a process of its own.

    python -m tests.bench.broadcast N      in the N newest conversations that the AI agent answers

The line's text is the time at which its transaction began to write.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence

from config.demo.environment import demo_environment_load

demo_environment_load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402 - needs the environment

django.setup()

from django.db import transaction  # noqa: E402

from conversations.event_loop.executor import run_sync  # noqa: E402
from conversations.journal.services import events_append, system_event  # noqa: E402
from conversations.models import Conversation  # noqa: E402

BATCH = 100
# What the channel layer still has to send when the last transaction is committed.
LEAVING_SECONDS = 5.0


@transaction.atomic
def append(keys: Sequence[str]) -> None:
    """Append a line to each conversation; all are published when they are committed."""
    line = str(time.monotonic())
    rows = Conversation.objects.select_for_update(no_key=True).filter(pk__in=keys).order_by("pk")
    for conversation in rows:
        events_append(conversation, [system_event(line, code="bench")])


def newest(number: int) -> list[str]:
    """Return the conversations that were made last."""
    rows = Conversation.objects.filter(state=Conversation.State.BOT).order_by("-started_at")
    return list(rows.values_list("pk", flat=True)[:number])


async def main(number: int) -> None:
    """Append to all, a batch at a time."""
    keys = await run_sync(newest, number)
    for start in range(0, number, BATCH):
        await run_sync(append, keys[start : start + BATCH])
    await asyncio.sleep(LEAVING_SECONDS)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
