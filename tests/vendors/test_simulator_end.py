"""A simulator ends in peace, whatever its clients are just doing."""

from __future__ import annotations

import socket
import threading
from typing import cast
from urllib.parse import urlsplit

from starlette.types import Receive, Scope, Send

from integrations.simulators.simulator import Simulator, running_simulator

MORE_THAN_ANY_BUFFER = 16_000_000
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
# Masked, as a client's frames must be; the code is 1000.
GOODBYE = bytes([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8])


class Flood:
    """Serves one socket, and sends more than a client takes that does not read."""

    key = "flood"
    base_url = ""

    def __init__(self) -> None:
        self.has_heard_goodbye = threading.Event()
        self.app = self

    def close_streams(self) -> None:
        """Have nothing to close."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": bytes(MORE_THAN_ANY_BUFFER)})
        while (await receive())["type"] != "websocket.disconnect":
            pass
        self.has_heard_goodbye.set()


def test_simulator_ends_while_a_client_that_does_not_read_hangs_up():
    flood = Flood()
    with running_simulator(cast(Simulator, flood)) as url:
        parts = urlsplit(url)
        client = socket.create_connection((parts.hostname, parts.port))
        client.sendall(HANDSHAKE)
        assert client.recv(12) == b"HTTP/1.1 101"
        client.sendall(GOODBYE)
        assert flood.has_heard_goodbye.wait(10)

    # An exception in its thread would be this test's failure.
    client.close()
    assert "simulator-flood" not in {thread.name for thread in threading.enumerate()}
