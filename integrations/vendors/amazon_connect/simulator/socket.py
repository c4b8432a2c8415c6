"""The participant WebSocket: handshake, subscription, heartbeats, frames out.

Imitates the frames that the vendor's own browser client exchanges with the service."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import PlainTextResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from integrations.simulators.simulator import Simulator
from integrations.vendors.amazon_connect.simulator.world import (
    Instance,
    Socket,
    connect_customer,
    end_overdue,
)

LONG_SECONDS = 3600.0
TOPICS = {"aws/chat"}


def socket_endpoint(
    simulator: Simulator, instance: Instance
) -> Callable[[WebSocket], Awaitable[None]]:
    """Return the endpoint that serves one participant's socket."""

    async def serve(websocket: WebSocket) -> None:
        grant = instance.tokens.good("socket", websocket.query_params.get("X-Amz-Signature", ""))
        if grant is None or instance.conversations[grant.chat_id].has_ended:
            await _refuse(websocket)
            return
        socket = Socket(chat_id=grant.chat_id, participant_id=grant.participant_id)
        if not instance.sockets.add(socket):
            await _refuse(websocket)
            return
        try:
            await websocket.accept()
            await _run(_Session(simulator, instance, websocket, socket))
        finally:
            instance.sockets.remove(socket)

    return serve


async def _refuse(websocket: WebSocket) -> None:
    await websocket.send_denial_response(PlainTextResponse("Forbidden", status_code=403))


async def _run(session: _Session) -> None:
    reader = asyncio.ensure_future(session.read())
    writer = asyncio.ensure_future(session.write())
    try:
        await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (reader, writer):
            task.cancel()
        await asyncio.gather(reader, writer, return_exceptions=True)


class _Session:
    """One open socket: reads the client's frames and writes ours."""

    def __init__(
        self, simulator: Simulator, instance: Instance, websocket: WebSocket, socket: Socket
    ) -> None:
        self._simulator = simulator
        self._instance = instance
        self._websocket = websocket
        self._socket = socket
        self._opened_at = time.monotonic()

    async def read(self) -> None:
        """Answer frames until the client goes."""
        try:
            while True:
                frame = await self._websocket.receive_text()
                with self._simulator.change():
                    self._take(frame)
        except (WebSocketDisconnect, KeyError):
            # KeyError: a binary frame; the service speaks text only.
            return

    async def write(self) -> None:
        """Send what is in the outbox until the socket is to be closed."""
        socket = self._socket
        while socket.close_code is None:
            socket.wake.clear()
            wait = self._silence()
            if wait <= 0:
                while socket.outbox and socket.close_code is None:
                    await self._websocket.send_text(socket.outbox.pop(0))
            left = self._left()
            if left is not None and left <= 0:
                socket.close_with()
                continue
            waits = [seconds for seconds in (wait if wait > 0 else None, left) if seconds]
            await socket.rest(min(waits, default=LONG_SECONDS))
        await self._websocket.close(socket.close_code)

    def _silence(self) -> float:
        return self._socket.stalled_until - time.monotonic()

    def _left(self) -> float | None:
        lifetime = self._instance.switches.socket_lifetime_seconds
        return self._opened_at + lifetime - time.monotonic() if lifetime else None

    def _take(self, text: str) -> None:
        end_overdue(self._instance)
        frame = _parsed(text)
        topic = frame.get("topic")
        if topic == "aws/subscribe":
            self._subscribe(frame.get("content"))
        elif topic == "aws/unsubscribe":
            self._socket.topics -= set(_topics(frame.get("content")))
        elif topic == "aws/heartbeat":
            if self._instance.switches.answer_heartbeats:
                self._answer({"topic": "aws/heartbeat"})
        elif topic == "aws/ping":
            self._answer_ping()
        else:
            self._answer(forbidden())

    def _answer_ping(self) -> None:
        if not self._instance.switches.answer_heartbeats:
            return
        status = self._instance.switches.deep_heartbeat_status
        text = "OK" if status == 200 else "Internal Server Error"
        self._answer({"topic": "aws/ping", "statusCode": status, "statusContent": text})

    def _subscribe(self, content: Any) -> None:
        topics = _topics(content)
        switches = self._instance.switches
        is_good = bool(topics) and set(topics) <= TOPICS
        if switches.failing_subscriptions:
            switches.failing_subscriptions -= 1
            is_good = False
        status = "success" if is_good else "failure"
        self._answer({"topic": "aws/subscribe", "content": {"status": status, "topics": topics}})
        if is_good:
            self._socket.topics |= set(topics)
            connect_customer(self._instance, self._instance.conversations[self._socket.chat_id])

    def _answer(self, frame: dict[str, Any]) -> None:
        self._socket.send(json.dumps(frame))


def forbidden() -> dict[str, str]:
    """Return the gateway's own refusal, which has no topic."""
    connection_id, request_id = uuid.uuid4().hex[:12] + "=", uuid.uuid4().hex[:12] + "="
    return {"message": "Forbidden", "connectionId": connection_id, "requestId": request_id}


def _parsed(text: str) -> dict[str, Any]:
    try:
        frame = json.loads(text)
    except (ValueError, TypeError):
        return {}
    return frame if isinstance(frame, dict) else {}


def _topics(content: Any) -> list[str]:
    topics = content.get("topics") if isinstance(content, dict) else None
    if not isinstance(topics, list):
        return []
    return [topic for topic in topics if isinstance(topic, str)]
