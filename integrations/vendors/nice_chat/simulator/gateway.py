"""The pretend chat gateway: opening, heartbeat, and every frame of a customer's side."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from integrations.simulators.traffic import PlannedFailure, RecordedRequest
from integrations.vendors.nice_chat.simulator.customer import FrameRefusedError, answer
from integrations.vendors.nice_chat.simulator.world import GuestSocket

if TYPE_CHECKING:
    from integrations.vendors.nice_chat.simulator.simulator import NiceChatSimulator

PONG = '"pong"'
POLICY = 1008
# The frame that names the event's failure, where CXone has a name for it.
FAILURES: Mapping[str, str] = {
    "ReconnectConsumer": "ConsumerReconnectionFailed",
    "RefreshToken": "TokenRefreshingFailed",
    "SendMessage": "SendingMessageFailed",
    "SendOutbound": "SendingOutboundFailed",
    "RecoverThread": "RecoveringThreadFailed",
    "RecoverLivechat": "RecoveringLivechatFailed",
    "UpdateThread": "UpdatingThreadFailed",
    "ArchiveThread": "ArchivingThreadFailed",
    "SendTranscript": "SendingTranscriptFailed",
    "LoadThreadMetadata": "MetadataLoadFailed",
}


class Gateway:
    """Serves sockets; what a frame does is `customer`'s."""

    def __init__(self, simulator: NiceChatSimulator) -> None:
        self._simulator = simulator
        self._world = simulator.world

    async def serve(self, websocket: WebSocket) -> None:
        """Serve one socket until either side goes."""
        failure = self._simulator.faults.take("GET", websocket.url.path)
        if failure is not None:
            refusal = self._simulator.failure_response(failure)
            await websocket.send_denial_response(refusal)
            return
        socket = self._opened(websocket)
        if socket is None:
            await websocket.send_denial_response(PlainTextResponse("Forbidden", status_code=403))
            return
        await websocket.accept()
        self._world.sockets.add(socket)
        try:
            await _first_over(self._read(websocket, socket), self._write(websocket, socket))
        finally:
            self._world.sockets.remove(socket)

    def _opened(self, websocket: WebSocket) -> GuestSocket | None:
        """Judge the address; a secured session says who it is by its token alone."""
        query, switches = websocket.query_params, self._world.switches
        is_ours = query.get("brandId") == str(switches.brand_id)
        if not is_ours or query.get("channelId") != switches.channel_id:
            return None
        if not self._simulator.is_this_environment(websocket.path_params):
            return None
        if not switches.secured_sessions:
            return GuestSocket(customer_id=query.get("customerId", ""))
        bearer = self._world.bearer_of(query.get("transactionToken", "")) or ""
        kind, _, customer_id = bearer.partition(":")
        if kind != "customer":
            return None
        return GuestSocket(customer_id=customer_id, is_authorized=True)

    async def _read(self, websocket: WebSocket, socket: GuestSocket) -> None:
        held: set[asyncio.Task[None]] = set()
        try:
            while True:
                text = await websocket.receive_text()
                if not await self._is_held(socket, text, held):
                    self._take(socket, text)
        except (WebSocketDisconnect, KeyError):
            return  # gone, or a binary frame
        finally:
            for task in held:
                task.cancel()

    async def _is_held(self, socket: GuestSocket, text: str, held: set[asyncio.Task[None]]) -> bool:
        """Let a frame wait beside the others, where the desk holds it."""
        hold = next((one for one in self._simulator.faults.holds if one.text in text), None)
        if hold is None:
            return False
        self._record(text)

        async def later() -> None:
            if not hold.after_accept:
                await hold.wait()
            replies = self._replies(socket, text)
            if hold.after_accept:
                await hold.wait()
            for reply in replies:
                socket.send(reply)

        held.add(asyncio.create_task(later()))
        return True

    async def _write(self, websocket: WebSocket, socket: GuestSocket) -> None:
        while not socket.is_closed:
            socket.wake.clear()
            silence = socket.stalled_until - time.monotonic()
            while socket.outbox and silence <= 0 and not socket.is_closed:
                await websocket.send_text(socket.outbox.pop(0))
            await socket.rest(silence if silence > 0 else 60.0)
        if not socket.is_cut:
            await websocket.close(socket.close_code)

    def _take(self, socket: GuestSocket, text: str) -> None:
        self._record(text)
        for reply in self._replies(socket, text):
            socket.send(reply)

    def _replies(self, socket: GuestSocket, text: str) -> list[str]:
        frame = _frame(text)
        if frame.get("action") == "heartbeat":
            return [PONG] if socket.is_authorized else []
        event = _event(frame)
        failure = self._simulator.faults.take("FRAME", f"/{event}")
        if failure is not None and not failure.after_accept:
            return [self._failed(frame, event, failure)]
        try:
            with self._simulator.change():
                replies = answer(self._world, socket, frame)
        except FrameRefusedError as error:
            return [_error(frame, error.code or FAILURES.get(event, ""), str(error))]
        except (KeyError, TypeError, AttributeError, ValueError):
            socket.shut(POLICY)  # no frame that any client of CXone sends
            return []
        if failure is not None:
            socket.shut(1011)  # done, and nobody is told
            return []
        return [json.dumps(reply) for reply in replies]

    def _failed(self, frame: Mapping[str, Any], event: str, failure: PlannedFailure) -> str:
        code = failure.error_code or FAILURES.get(event, "SendingMessageFailed")
        return _error(frame, code, "The simulator was told to fail.")

    def _record(self, text: str) -> None:
        """Put a frame among the requests, heartbeats left out."""
        frame = _frame(text)
        if frame.get("action") == "heartbeat":
            return
        self._simulator.requests.add(
            RecordedRequest(
                method="FRAME",
                path=f"/{_event(frame)}",
                query="",
                headers={},
                body=text,
                received_at=time.time(),
            )
        )


async def _first_over(*work: Any) -> None:
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _frame(text: str) -> dict[str, Any]:
    try:
        frame = json.loads(text)
    except ValueError:
        return {}
    return frame if isinstance(frame, dict) else {}


def _event(frame: Mapping[str, Any]) -> str:
    payload = frame.get("payload")
    return str(payload.get("eventType", "")) if isinstance(payload, dict) else ""


def _error(frame: Mapping[str, Any], code: str, message: str) -> str:
    error = {"errorCode": code, "errorMessage": message, "transactionId": "tx-1"}
    return json.dumps({"eventId": frame.get("eventId"), "error": error})
