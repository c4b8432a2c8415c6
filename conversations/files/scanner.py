"""Ask a virus scanner about a file: ClamAV's daemon, over its socket, before the file is kept."""

from __future__ import annotations

import logging
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.files.base import File

logger = logging.getLogger(__name__)
_CHUNK = 65_536


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


def _verdict(content: File[bytes]) -> str:
    """Return clamd's answer to INSTREAM, as in `stream: OK`."""
    content.seek(0)
    with _connected() as connection:
        connection.sendall(b"zINSTREAM\0")
        for chunk in content.chunks(_CHUNK):
            connection.sendall(struct.pack("!L", len(chunk)) + chunk)
        connection.sendall(struct.pack("!L", 0))
        answer = b""
        while not answer.endswith(b"\0") and (piece := connection.recv(4096)):
            answer += piece
    return answer.rstrip(b"\0").decode("utf-8", "replace").strip()


@contextmanager
def _connected() -> Iterator[socket.socket]:
    address = urlsplit(settings.FILE_SCANNER)
    if address.scheme == "unix":
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        place: Any = address.path
    else:
        connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        place = (address.hostname or "", address.port or 3310)
    connection.settimeout(settings.FILE_SCANNER_SECONDS)
    with connection:
        connection.connect(place)
        yield connection
