"""What ends or keeps a conversation overtakes a flood of messages on the same socket."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from conversations.models import Conversation
from conversations.socket.frame_queue import FRAMES_AHEAD, FrameQueue
from handoffs.states import State
from tests import factories
from tests.conversations.widget import Client, widget_of
from tests.waiting import eventually_async

pytestmark = pytest.mark.django_db(transaction=True)


async def flood(client: Client, number: int) -> None:
    for at in range(number):
        await client.send("USER_MESSAGE", {"text": "x"}, client_event_id=str(at))


async def frames_before(client: Client, kind: str) -> int:
    """Count the frames that come before one of a kind."""
    number = 0
    async with asyncio.timeout(30):
        while (await client.next(20))["type"] != f"EVENT_TYPE_{kind}":
            number += 1
    return number


@pytest.mark.parametrize(
    ("control", "answer"), [("HEARTBEAT", "HEARTBEAT"), ("USER_END_SESSION", "SESSION_END")]
)
async def test_a_control_frame_is_answered_before_six_hundred_messages_are(widget, control, answer):
    client = await widget.open()
    await flood(client, 600)

    await client.send(control)

    assert await frames_before(client, answer) < 60


async def test_leaving_the_queue_overtakes_what_was_written_in_it():
    def queued() -> Conversation:
        conversation: Conversation = factories.handoff(state=State.QUEUED).conversation
        return conversation

    async with widget_of(queued) as widget:
        client = await widget.open()
        await flood(client, 600)

        await client.send("USER_CANCEL_HANDOFF")

        assert await frames_before(client, "POLY_AGENT_JOINED") < 60


async def test_the_ai_agent_may_be_asked_to_join_behind_a_flood():
    async with widget_of(lambda: factories.conversation(state="created")) as widget:
        client = await widget.open()
        await flood(client, 600)

        await client.send("REQUEST_POLY_AGENT_JOIN")

        assert await frames_before(client, "POLY_AGENT_JOINED") < 60


async def test_a_goodbye_before_the_end_is_still_said(widget):
    client = await widget.open()

    await client.send("USER_MESSAGE", {"text": "Goodbye"})
    await client.send("USER_END_SESSION")

    assert (await client.until("USER_MESSAGE"))["payload"]["text"] == "Goodbye"
    await client.until("SESSION_END")


# ---- the frames alone ----


def frame(kind: str, **payload: Any) -> dict[str, Any]:
    text = json.dumps({"type": f"EVENT_TYPE_{kind}", "payload": payload})
    return {"type": "websocket.receive", "text": text}


class Server:
    """Sends what it was given, then waits."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)
        self.read = 0

    async def receive(self) -> dict[str, Any]:
        if self.read == len(self.messages):
            await asyncio.Event().wait()
        self.read += 1
        return self.messages[self.read - 1]


async def test_messages_keep_their_order_and_a_client_that_leaves_is_last():
    messages = [frame("USER_MESSAGE", text=str(number)) for number in range(30)]
    server = Server(*messages, {"type": "websocket.disconnect"})
    frames = FrameQueue(server.receive)
    frames.start()

    found = [(await frames.next())[0] for _ in range(31)]

    assert found == server.messages
    assert frames.is_client_gone


async def test_what_is_read_ahead_is_bounded():
    server = Server(*[frame("USER_MESSAGE", text="x") for _ in range(FRAMES_AHEAD + 500)])
    frames = FrameQueue(server.receive)
    frames.start()
    await eventually_async(lambda: server.read >= FRAMES_AHEAD)
    await asyncio.sleep(0.1)
    assert server.read == FRAMES_AHEAD

    await frames.next()
    await eventually_async(lambda: server.read > FRAMES_AHEAD)
    await asyncio.sleep(0.1)

    assert server.read == FRAMES_AHEAD + 1
    frames.stop()


@pytest.mark.parametrize("text", ["[" * 1500, '{"type": ["x"]}', "no json", '"x"'])
async def test_what_is_no_control_frame_waits_for_its_turn(text):
    odd = {"type": "websocket.receive", "text": text}
    server = Server(*[frame("USER_MESSAGE", text="x") for _ in range(20)], odd)
    frames = FrameQueue(server.receive)
    frames.start()
    await asyncio.sleep(0.05)

    found = [await frames.next() for _ in range(21)]

    assert found[-1] == (odd, False)
    frames.stop()


async def test_a_server_that_fails_is_heard_of():
    async def fails() -> dict[str, Any]:
        raise OSError("gone")

    frames = FrameQueue(fails)
    frames.start()

    with pytest.raises(OSError, match="gone"):
        await frames.next()
    frames.stop()
