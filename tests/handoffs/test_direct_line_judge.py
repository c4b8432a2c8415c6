"""Our stand-in of Direct Line, judged by Microsoft's own client: the adapter's tests lean on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.handoffs.direct_line import SECRET, direct_line, says
from tests.vendors.node_client import node_client

pytestmark = pytest.mark.long
CLIENT = Path(__file__).parent / "directlinejs"


def bot(activity: dict[str, Any]) -> list[dict[str, Any]]:
    asks = {"type": "event", "name": "handoff.initiate", "value": {"state": "asked"}}
    return [says(f"You said {activity['text']}"), asks]


@pytest.mark.parametrize("has_stream", [True, False])
async def test_microsofts_client_talks_with_the_stand_in(has_stream: bool):
    with direct_line() as line:
        line.has_stream, line.bot = has_stream, bot
        async with node_client(CLIENT) as client:
            options = {"secret": SECRET, "domain": line.base, "webSocket": has_stream}
            await client.do("connect", {**options, "pollingInterval": 200})
            await client.until("status", "Online")
            await client.do("say", "Hello")
            sent = await client.until("sent")
            said = await client.until("activity", "You said Hello")
            asked = await client.until("activity", "handoff.initiate")

    assert sent["id"] == line.heard[0]["id"], "the client knows its message by our id"
    assert (said["type"], asked["type"], asked["state"]) == ("message", "event", "asked")
    assert ("stream" in line.calls, "read" in line.calls) == (has_stream, not has_stream)
