"""The simulated notification calls, and the WebSocket on which events arrive."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from integrations.vendors.genesys.simulator.channels import (
    Channel,
    Socket,
    TooManyTopicsError,
    gone_frame,
    heartbeat_frame,
)
from integrations.vendors.genesys.simulator.checks import MALFORMED, VendorError
from integrations.vendors.genesys.simulator.events import DETAIL_NAMES, DETAIL_PREFIX
from integrations.vendors.genesys.simulator.requests import Endpoints, accepted

DETAIL_PERMISSION = "analytics:conversationDetail:view"
UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
# Topic -> the permission it needs; ids are lower-case UUIDs.
TOPICS = {
    **{f"{DETAIL_PREFIX}.{{id}}.{name}": DETAIL_PERMISSION for name in DETAIL_NAMES},
    "v2.routing.queues.{id}.conversations.messages": "routing:queue:view",
    "v2.users.{id}.conversations.messages": "",
}
PATTERNS = {
    re.compile(re.escape(topic).replace(r"\{id\}", UUID)): permission
    for topic, permission in TOPICS.items()
}


class NotificationEndpoints(Endpoints):
    """Everything below /api/v2/notifications, and the socket."""

    async def create(self, request: Request) -> Response:
        """POST /api/v2/notifications/channels"""
        token = self._authorise(request)
        channel = self._org.channels.create(token.client_id, token.value)
        return accepted(self._channel_object(request, channel), 200)

    async def channels(self, request: Request) -> Response:
        """GET /api/v2/notifications/channels"""
        token = self._authorise(request)
        own = self._org.channels.of_client(token.client_id)
        return accepted({"entities": [self._channel_object(request, one) for one in own]}, 200)

    async def head(self, request: Request) -> Response:
        """HEAD /api/v2/notifications/channels/{channelId}"""
        self._channel(request)
        return Response(status_code=200)

    async def subscriptions(self, request: Request) -> Response:
        """GET .../channels/{channelId}/subscriptions"""
        channel = self._channel(request)
        return accepted({"entities": [_permitted(one) for one in channel.topics]}, 200)

    async def subscribe(self, request: Request) -> Response:
        """POST .../channels/{channelId}/subscriptions; adds, and answers for each topic"""
        channel = self._channel(request)
        return await self._subscribe(request, channel)

    async def replace(self, request: Request) -> Response:
        """PUT .../channels/{channelId}/subscriptions"""
        channel = self._channel(request)
        before, channel.topics = channel.topics, {}
        try:
            return await self._subscribe(request, channel)
        except VendorError:
            channel.topics = before
            raise

    async def clear(self, request: Request) -> Response:
        """DELETE .../channels/{channelId}/subscriptions"""
        self._channel(request).topics.clear()
        return Response(status_code=204)

    async def available(self, request: Request) -> Response:
        """GET /api/v2/notifications/availabletopics"""
        self._authorise(request)
        is_detailed = "permissionDetails" in request.query_params.get("expand", "")
        found = [_topic_object(*one, is_detailed=is_detailed) for one in TOPICS.items()]
        return accepted({"entities": found}, 200)

    async def _subscribe(self, request: Request, channel: Channel) -> Response:
        body = await self._json(request)
        if not isinstance(body, list):
            raise VendorError(400, MALFORMED)
        wanted = [one.get("id") if isinstance(one, dict) else None for one in body]
        if not all(isinstance(one, str) for one in wanted):
            raise VendorError(400, MALFORMED, field="id")
        answers = [self._judged(str(one)) for one in wanted]
        permitted = [one["id"] for one in answers if one["state"] == "Permitted"]
        try:
            self._org.channels.subscribe(channel, permitted)
        except TooManyTopicsError as error:
            raise VendorError(400, "A channel holds 1000 topics at most.") from error
        return accepted({"entities": answers}, 200)

    def _judged(self, topic: str) -> dict[str, Any]:
        permission = _permission(topic)
        if permission is None:
            return _rejected(topic, "The topic is not known.", [])
        if permission and permission not in self._org.switches.permissions:
            return _rejected(topic, "Permissions are missing.", [permission])
        return _permitted(topic)

    def _channel(self, request: Request) -> Channel:
        token = self._authorise(request)
        channel = self._org.channels.find(request.path_params["channel_id"])
        if channel is None or channel.client_id != token.client_id:
            raise VendorError(404, "The requested channel was not found.")
        return channel

    def _channel_object(self, request: Request, channel: Channel) -> dict[str, str]:
        base = str(request.base_url).rstrip("/").replace("http", "ws", 1)
        return {
            "connectUri": f"{base}/channels/{channel.id}",
            "id": channel.id,
            "expires": channel.expires,
        }

    # -- The socket ---------------------------------------------------------------------------

    async def listen(self, websocket: WebSocket) -> None:
        """Serve the socket of a channel until either side closes."""
        await websocket.accept()
        channel = self._org.channels.find(websocket.path_params["channel_id"])
        if channel is None or self._org.tokens.find(channel.token) is None:
            await websocket.send_text(json.dumps(gone_frame()))
            await websocket.close()
            return
        socket = Socket()
        self._org.channels.attach(channel, socket)
        reader = asyncio.ensure_future(self._read(websocket, channel, socket))
        try:
            await self._write(websocket, channel, socket)
        except WebSocketDisconnect:
            pass
        finally:
            self._org.channels.detach(channel, socket)
            reader.cancel()

    async def _write(self, websocket: WebSocket, channel: Channel, socket: Socket) -> None:
        next_beat = time.monotonic() + self._org.switches.ping_interval_seconds
        while True:
            socket.wake.clear()
            silence = socket.stalled_until - time.monotonic()
            if silence > 0 and socket.close_code is None:
                await _sleep(socket, silence)
                continue
            while socket.frames:
                await websocket.send_text(json.dumps(socket.frames.popleft()))
            if socket.close_code is not None:
                break
            if self._org.channels.find(channel.id) is None:
                continue
            if time.monotonic() >= next_beat:
                socket.frames.append(heartbeat_frame())
                next_beat = time.monotonic() + self._org.switches.ping_interval_seconds
                continue
            await _sleep(socket, next_beat - time.monotonic())
        if socket.close_code:
            await websocket.close(socket.close_code)

    async def _read(self, websocket: WebSocket, channel: Channel, socket: Socket) -> None:
        try:
            while True:
                self._answer(await websocket.receive_text(), channel, socket)
        except WebSocketDisconnect:
            # Nobody is there to be sent a close.
            socket.close(0)

    def _answer(self, text: str, channel: Channel, socket: Socket) -> None:
        try:
            asked = json.loads(text)
        except ValueError:
            asked = None
        message = asked.get("message") if isinstance(asked, dict) else None
        if message == "ping":
            socket.push(heartbeat_frame("pong"))
        elif message == "subscribe":
            socket.push(self._subscribed(asked, channel))
        else:
            socket.push({"result": "400", "status": "error", "message": MALFORMED})

    def _subscribed(self, asked: dict[str, Any], channel: Channel) -> dict[str, Any]:
        topics = asked.get("topics")
        echo = {"correlationId": asked.get("correlationId")}
        if not isinstance(topics, list) or not all(isinstance(one, str) for one in topics):
            return {"result": "400", "status": "error", "message": MALFORMED, **echo}
        refused = [one for one in topics if self._judged(one)["state"] != "Permitted"]
        if refused:
            message = f"Not permitted: {', '.join(refused)}"
            return {"result": "400", "status": "failure", "message": message, **echo}
        try:
            self._org.channels.subscribe(channel, topics)
        except TooManyTopicsError:
            message = "A channel holds 1000 topics at most."
            return {"result": "400", "status": "failure", "message": message, **echo}
        return {"result": "200", "status": "subscribed", "topics": topics, **echo}


def _permission(topic: str) -> str | None:
    for pattern, permission in PATTERNS.items():
        if pattern.fullmatch(topic):
            return permission
    return None


def _permitted(topic: str) -> dict[str, Any]:
    return {"id": topic, "state": "Permitted", "selfUri": f"/api/v2/notifications/topics/{topic}"}


def _rejected(topic: str, reason: str, missing: list[str]) -> dict[str, Any]:
    return {
        **_permitted(topic),
        "state": "Rejected",
        "rejectionReason": reason,
        "missingPermissions": missing,
    }


def _topic_object(topic: str, permission: str, *, is_detailed: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"id": topic, "transports": ["All"], "visibility": "Public"}
    if is_detailed and permission:
        detail = {"type": "requiresPermissions", "permissions": [permission], "enforced": True}
        found["permissionDetails"] = [detail]
        found["requiresPermissions"] = [permission]
    return found


async def _sleep(socket: Socket, seconds: float) -> None:
    try:
        await asyncio.wait_for(socket.wake.wait(), max(seconds, 0))
    except TimeoutError:
        return
