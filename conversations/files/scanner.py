"""Ask a virus scanner about a file: ClamAV's daemon, over its socket, before the file is kept."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.base import ContentFile, File
from django.db import connection

logger = logging.getLogger(__name__)
_CHUNK = 65_536
_pool = ThreadPoolExecutor(4, thread_name_prefix="scanner")


class FileInfectedError(Exception):
    """The scanner has found something in a file."""

    def __init__(self) -> None:
        """Say so; what it found is in the log."""
        super().__init__("The virus scanner refused the file.")


class ScannerAwayError(Exception):
    """The scanner gave no verdict; nothing passes unseen."""

    def __init__(self) -> None:
        """Name the cure."""
        super().__init__("The file cannot be checked for viruses at the moment. Try again.")


def file_scan(content: File[bytes]) -> None:
    """Return when the scanner has nothing against a file, or where there is no scanner.

    Raises FileInfectedError or ScannerAwayError.
    """
    if not settings.FILE_SCANNER:
        return
    if not connection.in_atomic_block:
        connection.close()  # nobody waits for a slow scanner with a connection
    try:
        verdict = _verdict(content)
    except OSError as error:
        logger.warning("The virus scanner cannot be reached: %s", type(error).__name__)
        raise ScannerAwayError from error
    finally:
        content.seek(0)
    if verdict.endswith("FOUND"):
        logger.warning("The virus scanner refused a file: %s", verdict)
        raise FileInfectedError
    if not verdict.endswith("OK"):
        logger.warning("The virus scanner gave no verdict: %s", verdict)
        raise ScannerAwayError


async def file_scan_apart(content: bytes) -> None:
    """Scan where an event loop runs, in threads that nothing else waits for."""
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(_pool, file_scan, ContentFile(content))


def _verdict(content: File[bytes]) -> str:
    """Return clamd's answer to INSTREAM, as in `stream: OK`."""
    until = time.monotonic() + settings.FILE_SCANNER_SECONDS
    with _connected() as scanner:
        for piece in _stream(content):
            scanner.settimeout(_left(until))
            scanner.sendall(piece)
        answer = b""
        while not answer.endswith(b"\0"):
            scanner.settimeout(_left(until))
            if not (piece := scanner.recv(4096)):
                break
            answer += piece
    return answer.rstrip(b"\0").decode("utf-8", "replace").strip()


def _stream(content: File[bytes]) -> Iterator[bytes]:
    yield b"zINSTREAM\0"
    content.seek(0)
    for chunk in content.chunks(_CHUNK):
        yield struct.pack("!L", len(chunk)) + chunk
    yield struct.pack("!L", 0)


def _left(until: float) -> float:
    """Return the seconds left: each piece in time is not yet a verdict in time."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _connected() -> socket.socket:
    address = urlsplit(settings.FILE_SCANNER)
    if address.scheme == "unix":
        scanner = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        place: Any = address.path
    else:
        scanner = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        place = (address.hostname or "", address.port or 3310)
    scanner.settimeout(settings.FILE_SCANNER_SECONDS)
    try:
        scanner.connect(place)
    except OSError:
        scanner.close()
        raise
    return scanner
