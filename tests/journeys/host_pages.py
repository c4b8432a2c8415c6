"""Pages of a customer: served from another origin than the portal, with any policy."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Tag:
    """The script tag of a widget."""

    src: str
    key: str

    def __str__(self) -> str:
        return self.with_("")

    def with_(self, attributes: str) -> str:
        """Return the tag with more attributes."""
        return f'<script src="{self.src}" data-key="{self.key}" {attributes} async></script>'


class HostPages:
    """Serves what is added, each page at an address of its own."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._pages: dict[str, tuple[str, str]] = {}
        self._numbers = itertools.count(1)
        handler = type("_Handler", (_Handler,), {"pages": self._pages})
        self._server = ThreadingHTTPServer((host, 0), handler)
        self._server.daemon_threads = True
        self.origin = f"http://{host}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def add(self, html: str, *, policy: str = "") -> str:
        """Serve a page from now on, and return its address."""
        path = f"/{next(self._numbers)}"
        head = "<!doctype html><html lang=en><meta charset=utf-8><title>Shop</title>"
        self._pages[path] = (head + html, policy)
        return self.origin + path

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    pages: dict[str, tuple[str, str]]

    def do_GET(self) -> None:
        html, policy = self.pages.get(self.path, ("", ""))
        content = html.encode()
        self.send_response(200 if html else 204)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        if policy:
            self.send_header("Content-Security-Policy", policy)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        pass
