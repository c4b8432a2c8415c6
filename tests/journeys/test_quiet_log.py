"""Whatever clients do to the web process, its log holds no failure of ours."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.journeys.stack import Stack
from tests.journeys.strangers import (
    CLOSE,
    HELLO,
    PING,
    Session,
    Wire,
    handshake,
    request,
    session_of,
)

FAILURES = re.compile(
    r"Traceback|never retrieved|Unexpected ASGI|Exception in ASGI|[Ff]atal error|UnicodeDecodeError"
    r"|\bERROR\b|\bCRITICAL\b"
)
POST = b"POST /api/v1/sessions HTTP/1.1"
SIGN_IN = b"POST /login/ HTTP/1.1"
JSON = b"Content-Type: application/json"
REQUESTS = {
    "path of broken UTF-8": request(b"GET /w/%FF%FE/ HTTP/1.1"),
    "path of raw bytes": request(b"GET /w/\xff\xfe/ HTTP/1.1"),
    "path with half a character": request(b"GET /files/%ED%A0%80/x HTTP/1.1"),
    "query of broken UTF-8": request(b"GET /login/?next=%FF&%FE=%ED%A0%80 HTTP/1.1"),
    "query of raw bytes": request(b"GET /login/?next=\xff HTTP/1.1"),
    "headers of raw bytes": request(
        b"GET /p/x/ HTTP/1.1",
        b"X-Correlation-Id: \xff\xfe",
        b"Cookie: sessionid=\xff\xed\xa0\x80; csrftoken=\xff",
        b"Accept-Language: \xff",
        b"Referer: \xff",
    ),
    "host of raw bytes": b"GET /login/ HTTP/1.1\r\nHost: \xff\r\nConnection: close\r\n\r\n",
    "no host": b"GET /login/ HTTP/1.1\r\nConnection: close\r\n\r\n",
    "form of broken UTF-8": request(
        SIGN_IN,
        b"Content-Type: application/x-www-form-urlencoded",
        b"Content-Length: 20",
        body=b"username=\xff&passwor=\xfe",
    ),
    "JSON of broken UTF-8": request(POST, JSON, b"Content-Length: 5", body=b'{"\xff":'),
    "length that is no number": request(POST, JSON, b"Content-Length: x", body=b"{}"),
    "length below nothing": request(POST, JSON, b"Content-Length: -1", body=b"{}"),
    "length with a sign": request(POST, JSON, b"Content-Length: +2", body=b"{}"),
    "length as an exponent": request(POST, JSON, b"Content-Length: 1e1", body=b"{}"),
    "length in other digits": request(POST, JSON, b"Content-Length: \xd9\xa3", body=b"{}"),
    "length of 5000 digits": request(POST, JSON, b"Content-Length: " + b"9" * 5000, body=b"{}"),
    "two lengths": request(POST, b"Content-Length: 2", b"Content-Length: 3", body=b"{}"),
    "unknown encoding": request(POST, JSON, b"Transfer-Encoding: x", body=b"{}"),
    "chunk of no length": request(POST, JSON, b"Transfer-Encoding: chunked", body=b"zz\r\n{}"),
    "no HTTP at all": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\xff\r\n\r\n",
}
CUT_SHORT = {
    "JSON": request(POST, JSON, b"Content-Length: 100", body=b"{"),
    "a form": request(
        SIGN_IN,
        b"Content-Type: application/x-www-form-urlencoded",
        b"Content-Length: 100",
        body=b"username=",
    ),
    "a chunk": request(POST, JSON, b"Transfer-Encoding: chunked", body=b"ff\r\n{"),
}


@pytest.fixture
def news(stack: Stack) -> Iterator[Callable[[], list[str]]]:
    """Return what the web process logged in the test, once it has come to its end."""
    path = Path(stack.directory / "log" / "web.log")
    before = path.stat().st_size

    def told() -> list[str]:
        # Tasks that nobody asked for their failure say so at the latest here.
        stack.kill("web", signal.SIGTERM)
        return path.read_bytes()[before:].decode(errors="replace").splitlines()

    yield told
    stack.start("web")
    stack.wait_ready()


def test_broken_requests_are_answered_and_nothing_fails(
    stack: Stack, news: Callable[[], list[str]]
):
    statuses = {}
    for name, sent in REQUESTS.items():
        with Wire(stack) as wire:
            wire.send(sent)
            statuses[name] = wire.status()
    for sent in CUT_SHORT.values():
        with Wire(stack) as wire:
            wire.send(sent)
            wire.abort()

    lines = news()

    assert {name: said for name, said in statuses.items() if not 200 <= said < 500} == {}
    assert {statuses[name] for name in statuses if "length" in name} == {400}
    assert [line for line in lines if FAILURES.search(line)] == []


HANDSHAKES: dict[str, tuple[bytes, ...]] = {
    "subprotocol of raw bytes": (b"Sec-WebSocket-Protocol: baton.v1, \xff\xfe",),
    "empty subprotocols": (b"Sec-WebSocket-Protocol: ,,",),
    "origin of raw bytes": (b"Origin: \xff\xfe",),
    "origin that is no address": (b"Origin: https://[::1",),
    "correlation id of raw bytes": (b"X-Correlation-Id: \xff",),
    "extension that is none": (b"Sec-WebSocket-Extensions: permessage-deflate; \xff=",),
    "two keys": (b"Sec-WebSocket-Key: x",),
}
QUERIES = (b"&cursor=%FF", b"&cursor=\xff", b"&%00=%00", b"&session_id=%00", b"&access_token=%FF")
PATHS = (b"/ws%FF", b"/ws\xff", b"/%00ws", b"/ws/%ED%A0%80")


def test_broken_handshakes_are_answered_and_nothing_fails(
    stack: Stack, news: Callable[[], list[str]]
):
    session = session_of(stack)
    sent = {name: handshake(session, *headers) for name, headers in HANDSHAKES.items()}
    sent |= {f"query {query!r}": handshake(session, query=query) for query in QUERIES}
    sent |= {"nothing asked for": re.sub(rb"\?\S*", b"", handshake(session))}
    sent |= {f"path {path!r}": handshake(session, path=path) for path in PATHS}
    statuses = {}
    for name, shake in sent.items():
        with Wire(stack) as wire:
            wire.send(shake)
            statuses[name] = wire.status()

    lines = news()

    assert {name: said for name, said in statuses.items() if not 100 < said < 500} == {}
    assert [line for line in lines if FAILURES.search(line)] == []


def invalid_utf8(wire: Wire) -> None:
    # In one piece: the answers come when the server has hung up.
    wire.frames(*[HELLO] * 8, b"\xff\xfe")


def half_a_character(wire: Wire) -> None:
    wire.frames(b'{"type": "\xed\xa0\x80"}')


def broken_in_two(wire: Wire) -> None:
    wire.frames(b'"\xe2\x82', first=0)
    wire.frames(b'\xff"', code=0)


def reserved_bits(wire: Wire) -> None:
    wire.frames(HELLO, first=0xF0)


def no_mask(wire: Wire) -> None:
    wire.send(bytes([0x81, 2]) + b"hi")


def large_ping(wire: Wire) -> None:
    wire.frames(b"x" * 200, code=PING)


def close_with_an_unknown_code(wire: Wire) -> None:
    wire.frames(HELLO)
    wire.frames(b"\xff\xff\xff\xfe", code=CLOSE)


def close_before_the_answer(wire: Wire) -> None:
    wire.frames(*[HELLO] * 8)
    wire.frames(b"\x03\xe8", code=CLOSE)


def gone_before_the_answer(wire: Wire) -> None:
    wire.frames(*[HELLO] * 8)
    wire.abort()


SOCKETS = (
    *(invalid_utf8, half_a_character, broken_in_two, reserved_bits, no_mask, large_ping),
    *(close_with_an_unknown_code, close_before_the_answer, gone_before_the_answer),
)


def gone_at_once(stack: Stack, session: Session) -> None:
    with Wire(stack) as wire:
        wire.send(handshake(session))
        wire.abort()


def test_broken_and_lost_sockets_end_and_nothing_fails(stack: Stack, news: Callable[[], list[str]]):
    for breaks in SOCKETS:
        session = session_of(stack)
        for _ in range(3):
            with Wire(stack) as wire:
                wire.send(handshake(session))
                wire.until(b"SESSION_START")
                breaks(wire)
                if breaks is not gone_before_the_answer:
                    wire.rest()
            gone_at_once(stack, session)

    lines = news()

    assert [line for line in lines if FAILURES.search(line)] == []
