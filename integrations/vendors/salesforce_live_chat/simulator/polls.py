"""The long poll: held until there is something to tell, handed out again until acknowledged."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from integrations.simulators.answers import AsciiJSONResponse
from integrations.vendors.salesforce_live_chat.simulator.world import (
    FIRST_OFFSET,
    NOTHING,
    HeldPoll,
    LiveChat,
    LiveChatWorld,
)

# A poll whose client has just gone is noticed within this time.
DISCONNECT_SECONDS = 1.0
_TICK = 0.25


class PollResponse(Response):
    """Answers one poll; there is one at a time in a chat, a second one ends it."""

    def __init__(
        self, world: LiveChatWorld, chat: LiveChat, ack: int | None, affinity: str
    ) -> None:
        super().__init__()
        self._world = world
        self._chat = chat
        self._ack = ack
        self._affinity = affinity

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wait for a turn, then for something to tell."""
        with self._held() as poll:
            watcher = asyncio.ensure_future(_watch(poll, receive))
            try:
                answer = await self._answer(poll)
            finally:
                watcher.cancel()
        if poll.is_cut:
            await _cut(send)
        elif not poll.is_gone:
            await answer(scope, receive, send)

    @contextmanager
    def _held(self) -> Iterator[HeldPoll]:
        poll = HeldPoll()
        self._world.polls_of(self._chat).append(poll)
        try:
            yield poll
        finally:
            self._world.polls_of(self._chat).remove(poll)

    async def _answer(self, poll: HeldPoll) -> Response:
        if not await self._is_alone(poll):
            with self._world.lock:
                self._world.finish(self._chat, "duplicate", "system")
            return AsciiJSONResponse({"message": "Duplicate poll"}, status_code=409)
        with self._world.lock:
            if (refusal := self._acknowledge()) is not None:
                return refusal
        return await self._wait(poll)

    async def _is_alone(self, poll: HeldPoll) -> bool:
        """Wait a moment for a client that has just gone."""
        deadline = time.monotonic() + DISCONNECT_SECONDS
        while self._world.polls_of(self._chat)[0] is not poll:
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.01)
        return True

    def _acknowledge(self) -> Response | None:
        """Take the ack: of the newest batch, or of the one before it, which repeats the newest."""
        chat, ack = self._chat, self._ack
        if ack is None or ack == chat.delivered:
            chat.acknowledged = chat.delivered
        elif ack != chat.acknowledged:
            words = f"Ack is out of sync. Expected: {chat.delivered}, actual: {ack}."
            return AsciiJSONResponse({"message": words}, status_code=409)
        return None

    async def _wait(self, poll: HeldPoll) -> Response:
        end = time.monotonic() + self._world.switches.hold_seconds
        while True:
            poll.wake.clear()
            with self._world.lock:
                if poll.is_cut or poll.is_gone or poll.is_over:
                    return Response(status_code=204)
                if self._affinity != self._chat.affinity:
                    return AsciiJSONResponse({"message": "Affinity changed"}, status_code=503)
                if time.monotonic() >= self._world.silent_until and (batch := self._batch()):
                    return batch
            left = end - time.monotonic()
            if left <= 0:
                return Response(status_code=204)
            await _rest(poll, min(left, _TICK))

    def _batch(self) -> Response | None:
        chat = self._chat
        if chat.replays:
            return self._of(chat.replays.pop(0))
        if chat.acknowledged == chat.delivered:
            if not chat.pending:
                return None
            chat.batches.append(chat.pending)
            chat.pending = []
            if self._world.doubles_next:
                chat.replays.append(chat.delivered)
                self._world.doubles_next = False
        return self._of(chat.delivered)

    def _of(self, sequence: int) -> Response:
        chat = self._chat
        assert sequence != NOTHING
        offset = FIRST_OFFSET + chat.first_of_round + sequence
        return AsciiJSONResponse(
            {"messages": chat.batch(sequence), "sequence": sequence, "offset": offset}
        )


async def _rest(poll: HeldPoll, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await poll.wake.wait()
    except TimeoutError:
        return


async def _watch(poll: HeldPoll, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    poll.is_gone = True
    poll.notify()


async def _cut(send: Send) -> None:
    """Begin an answer and never end it, as a broken connection does."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"512")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"messages": [', "more_body": True})
