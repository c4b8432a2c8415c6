"""What the mobile SDKs' decoders read of each message: who speaks, by name and picture."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.event_loop.executor import run_sync
from conversations.journal.frames import EventType, transient_frame
from conversations.journal.publish import transient_show
from conversations.journal.services import (
    NewEvent,
    Visitor,
    events_append,
    message_event,
)
from conversations.models import Conversation
from tests import factories
from tests.conversations.widget import widget_of

pytestmark = pytest.mark.django_db(transaction=True)
PICTURE = "https://portal.example/noor.png"
NOOR = {"agent_id": "a1", "agent_name": "Noor", "by": "live_agent"}


def talk(platform: str) -> Conversation:
    """Return a conversation in which a live agent has joined and said something."""
    made = factories.conversation(visitor=Visitor(platform=platform))
    agent = {"id": "a1", "name": "Noor", "avatar_url": PICTURE}
    joined = NewEvent(type=EventType.LIVE_AGENT_JOINED, payload={"agent": agent})
    events_append(made, [joined, message_event(EventType.LIVE_AGENT_MESSAGE, "Hello", **NOOR)])
    return made


def shown(frames: list[Any], kind: str) -> dict[str, Any]:
    """Return name and picture of the first frame of a kind."""
    [payload, *_] = [one["payload"] for one in frames if one["type"] == f"EVENT_TYPE_{kind}"]
    return {key: payload[key] for key in ("agent_name", "avatar_url") if key in payload}


@pytest.mark.parametrize("platform", ["ios", "android"])
async def test_an_app_reads_of_each_message_who_speaks(platform: str) -> None:
    async with widget_of(lambda: talk(platform)) as widget:
        client = await widget.connect()
        frames = (await client.next())["payload"]["events"]
        typing = transient_frame(
            EventType.LIVE_AGENT_TYPING, {"state": "TYPING_STATE_STARTED", "agent_id": "a1"}
        )
        transient_show(widget.conversation.pk, typing)

        assert shown(frames, "POLY_AGENT_MESSAGE") == {"agent_name": "Birch"}
        assert shown(frames, "LIVE_AGENT_MESSAGE") == {"agent_name": "Noor", "avatar_url": PICTURE}
        told = await client.until("LIVE_AGENT_TYPING")
        assert told["payload"]["agent_name"] == "Noor"


async def test_an_app_that_comes_back_reads_it_of_what_is_new_too() -> None:
    async with widget_of(lambda: talk("ios")) as widget:
        client = await widget.open(cursor=str(widget.conversation.last_sequence))
        line = message_event(EventType.LIVE_AGENT_MESSAGE, "Still here", **NOOR)
        await run_sync(events_append, widget.conversation, [line])

        said = await client.until("LIVE_AGENT_MESSAGE")

        assert said["payload"]["avatar_url"] == PICTURE


async def test_other_clients_read_it_where_somebody_joins() -> None:
    async with widget_of(lambda: talk("web")) as widget:
        frames = (await (await widget.connect()).next())["payload"]["events"]

        assert shown(frames, "POLY_AGENT_MESSAGE") == {}
        assert shown(frames, "LIVE_AGENT_MESSAGE") == {"agent_name": "Noor"}
