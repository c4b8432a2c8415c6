"""Clients that break the protocol on the wire, which no client library would do."""

from __future__ import annotations

import base64
import contextlib
import json
import secrets
import socket
import struct
import urllib.request
from dataclasses import dataclass
from typing import Any

from tests.journeys.stack import Stack

ANSWER_SECONDS = 20.0
TEXT, CLOSE, PING = 0x1, 0x8, 0x9
HELLO = json.dumps({"type": "EVENT_TYPE_USER_MESSAGE", "payload": {"text": "hello"}}).encode()


@dataclass(frozen=True, slots=True)
class Session:
    """A session of the demo's widget."""

    token: str
    session_id: str


def session_of(stack: Stack) -> Session:
    """Open a session as a page would."""
    token = _post(stack, "/api/v1/access-token", "")["access_token"]
    return Session(token, _post(stack, "/api/v1/sessions", token)["session_id"])


class Wire:
    """One connection to the web process, by the byte."""

    def __init__(self, stack: Stack) -> None:
        port = int(stack.url.rsplit(":", 1)[1])
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_SECONDS)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are; a server that has hung up already is no matter."""
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(data)

    def frames(self, *payloads: bytes, code: int = TEXT, first: int = 0x80) -> None:
        """Send WebSocket frames in one piece; `first` holds the bits before their code."""
        self.send(b"".join(_frame(payload, first | code) for payload in payloads))

    def status(self) -> int:
        """Read the status of the answer; 0 where the server hung up without one."""
        answer = b""
        with contextlib.suppress(ConnectionError):
            while b"\r\n\r\n" not in answer and (more := self._socket.recv(4096)):
                answer += more
        return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0

    def rest(self) -> bytes:
        """Read until the server hangs up."""
        read = b""
        with contextlib.suppress(ConnectionError):
            while more := self._socket.recv(65_536):
                read += more
        return read

    def until(self, text: bytes) -> None:
        """Read until this text has come."""
        read = b""
        while text not in read:
            more = self._socket.recv(65_536)
            assert more, f"the server hung up before {text!r}: {read!r}"
            read += more

    def abort(self) -> None:
        """Be gone without a goodbye."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


def _frame(payload: bytes, first: int) -> bytes:
    size = len(payload)
    length = struct.pack("!B", 0x80 | size) if size < 126 else struct.pack("!BH", 0xFE, size)
    mask = secrets.token_bytes(4)
    masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))
    return bytes([first]) + length + mask + masked


def request(line: bytes, *headers: bytes, body: bytes = b"") -> bytes:
    """Return a request that asks for the connection's end."""
    return b"\r\n".join([line, b"Host: 127.0.0.1", b"Connection: close", *headers, b"", body])


def handshake(session: Session, *headers: bytes, query: bytes = b"", path: bytes = b"/ws") -> bytes:
    """Return the request that opens a session's WebSocket."""
    key = base64.b64encode(secrets.token_bytes(16))
    known = b"session_id=%s" % session.session_id.encode()
    known += b"&access_token=%s" % session.token.encode()
    fixed = [b"GET %s?%s%s HTTP/1.1" % (path, known, query), b"Host: 127.0.0.1"]
    fixed += [b"Connection: Upgrade", b"Upgrade: websocket", b"Sec-WebSocket-Version: 13"]
    return b"\r\n".join([*fixed, b"Sec-WebSocket-Key: " + key, *headers, b"", b""])


def _post(stack: Stack, path: str, token: str) -> dict[str, Any]:
    demo = stack.demo
    headers = {"X-Token": demo["webchat"]["public_key"], "X-Host": demo["webchat"]["host"]}
    headers |= {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    sent = urllib.request.Request(stack.url + path, data=b"{}", headers=headers)
    with urllib.request.urlopen(sent, timeout=ANSWER_SECONDS) as answer:
        found: dict[str, Any] = json.loads(answer.read())
    return found
