"""The floor: the same journey on the same libraries, without Django and without a database.

A WebSocket server (websockets, uvloop) takes a widget's message, posts it to the vendor (aiohttp),
hears the vendor's stream, and passes events through Redis Pub/Sub to the widget. Nothing is
stored, checked or recovered.

    python -m tests.bench.floor PORT VENDOR_URL REDIS_URL
"""

from __future__ import annotations

import asyncio
import json
import sys
import uuid

import aiohttp
import redis.asyncio as redis
import uvloop
from websockets.asyncio.server import ServerConnection, serve

API = "/iamessage/api/v2"


class Floor:
    """Everything in memory."""

    def __init__(self, http: aiohttp.ClientSession, vendor: str, store: redis.Redis) -> None:
        self._http, self._vendor, self._redis = http, vendor, store
        self._sockets: dict[str, ServerConnection] = {}
        self._pubsub = store.pubsub()

    async def handle(self, socket: ServerConnection) -> None:
        """Serve one widget."""
        conversation_id = str(uuid.uuid4())
        headers = await self._open(conversation_id)
        self._sockets[conversation_id] = socket
        await self._pubsub.subscribe(conversation_id)
        listener = asyncio.create_task(self._listen(conversation_id, headers))
        await socket.send(json.dumps({"type": "ready"}))
        try:
            async for text in socket:
                await self._post(conversation_id, headers, json.loads(text)["text"])
        finally:
            listener.cancel()

    async def pump(self) -> None:
        """Pass what Redis brings to the sockets."""
        await self._pubsub.subscribe("floor")
        async for message in self._pubsub.listen():
            if message["type"] == "message" and message["channel"] != b"floor":
                socket = self._sockets.get(message["channel"].decode())
                if socket is not None:
                    await socket.send(message["data"].decode())

    async def _open(self, conversation_id: str) -> dict[str, str]:
        url = f"{self._vendor}{API}/authorization/unauthenticated/access-token"
        async with self._http.post(url, json={}) as answer:
            token = (await answer.json())["accessToken"]
        headers = {"Authorization": f"Bearer {token}"}
        body = {"conversationId": conversation_id}
        async with self._http.post(f"{self._vendor}{API}/conversation", json=body, headers=headers):
            return headers

    async def _post(self, conversation_id: str, headers: dict[str, str], text: str) -> None:
        content = {"formatType": "Text", "text": text}
        body = {"message": {"id": str(uuid.uuid4()), "staticContent": content}}
        url = f"{self._vendor}{API}/conversation/{conversation_id}/message"
        async with self._http.post(url, json=body, headers=headers) as answer:
            await answer.read()

    async def _listen(self, conversation_id: str, headers: dict[str, str]) -> None:
        url = f"{self._vendor}/eventrouter/v1/sse"
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._http.get(url, headers=headers, timeout=timeout) as answer:
            async for line in answer.content:
                if line.startswith(b"data: {"):
                    entry = json.loads(line[6:])["conversationEntry"]
                    payload = json.loads(entry["entryPayload"])
                    if "abstractMessage" in payload:
                        text = payload["abstractMessage"]["staticContent"]["text"]
                        await self._redis.publish(conversation_id, json.dumps({"text": text}))


async def main(port: int, vendor: str, redis_url: str) -> None:
    """Serve until killed."""
    store = redis.Redis.from_url(redis_url, max_connections=1000)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as http:
        floor = Floor(http, vendor, store)
        async with serve(floor.handle, "127.0.0.1", port, backlog=4096):
            print("ready", flush=True)
            await floor.pump()


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
