"""An end user's network in between: a proxy that lets pages through, but not everything."""

from __future__ import annotations

import select
import socket
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PASSED_ON = {
    "accept",
    "authorization",
    "content-type",
    "cookie",
    "origin",
    "x-host",
    "x-token",
    "host",
}
NOT_PASSED_BACK = {"connection", "transfer-encoding", "content-length", "date", "server"}
# urllib asks the environment for a proxy of its own.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Network:
    """A forward proxy: a browser asks it for a tunnel for every WebSocket."""

    def __init__(self) -> None:
        self.blocks_websockets = False
        # As a scanner does, it passes an answer on when it has all of it.
        self.holds_back = self.breaks_streams = False
        self.tunnels_opened = 0
        # A status with which the network itself answers all calls of the widget, or 0.
        self.own_answer = 0
        self.refusals = 0
        self._tunnels: set[socket.socket] = set()
        handler = type("_Handler", (_Handler,), {"network": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def block_websockets(self) -> None:
        """Refuse new ones and break those that are open."""
        self.blocks_websockets = True
        for tunnel in list(self._tunnels):
            with suppress(OSError):  # its thread may have closed it in this moment
                tunnel.shutdown(socket.SHUT_RDWR)

    def let_everything_through(self) -> None:
        self.blocks_websockets, self.own_answer = False, 0

    def close(self) -> None:
        self.block_websockets()
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    network: Network

    def do_CONNECT(self) -> None:
        host, port = self.path.split(":")
        # The browser itself asks for others now and then.
        is_portal = host == "127.0.0.1"
        if self.network.blocks_websockets or not is_portal:
            self.network.refusals += is_portal
            self.send_error(403)
            return
        with socket.create_connection((host, int(port))) as far:
            self.send_response(200)
            self.end_headers()
            self.network._tunnels.add(far)
            self.network.tunnels_opened += 1
            _pass_both_ways(self.connection, far)
            self.network._tunnels.discard(far)
        self.close_connection = True

    def do_GET(self) -> None:
        if self.network.own_answer and "/api/v1/" in self.path:
            self.send_error(self.network.own_answer)
            return
        length = int(self.headers.get("Content-Length") or 0)
        headers = {key: value for key, value in self.headers.items() if key.lower() in PASSED_ON}
        body = self.rfile.read(length) if length else None
        request = urllib.request.Request(self.path, body, headers, method=self.command)
        try:
            answer: Any = DIRECT.open(request, timeout=20)
        except urllib.error.HTTPError as refusal:
            answer = refusal
        if "event-stream" in answer.headers["Content-Type"] and not self.network.holds_back:
            self._pass_stream(answer)
            return
        content = answer.read()
        self.send_response(answer.status)
        for key, value in answer.headers.items():
            if key.lower() not in NOT_PASSED_BACK:
                self.send_header(key, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _pass_stream(self, answer: Any) -> None:
        self.send_response(answer.status)
        for name in ("Content-Type", "Access-Control-Allow-Origin"):
            self.send_header(name, answer.headers[name])
        self.end_headers()
        while not self.network.breaks_streams and (piece := answer.read1(65_536)):
            self.wfile.write(piece)
        self.close_connection = True

    def do_POST(self) -> None:
        self.do_GET()

    def do_OPTIONS(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def _pass_both_ways(near: socket.socket, far: socket.socket) -> None:
    other = {near: far, far: near}
    while True:
        for ready in select.select([near, far], [], [])[0]:
            try:
                data = ready.recv(65_536)
            except OSError:
                return
            if not data:
                return
            other[ready].sendall(data)
