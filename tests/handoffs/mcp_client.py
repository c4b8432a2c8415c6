"""The portal on a port of its own under a server of one's choice, and the public MCP client."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx2
import uvicorn
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from config.asgi import application
from config.demo.embedded import free_port


@contextmanager
def portal() -> Iterator[str]:
    """Serve the portal by uvicorn as make run does, without a lifespan."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(application, lifespan="off", log_level=logging.WARNING)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(10)


@contextmanager
def daphne_portal(environment: dict[str, str]) -> Iterator[str]:
    """Serve the portal by daphne, in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "daphne", "-p", str(port), "config.asgi:application"]
    process = subprocess.Popen(command, env=environment)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


@asynccontextmanager
async def mcp_client(base: str, key: str, **options: Any) -> AsyncIterator[Client]:
    """Connect the package's own client."""
    async with httpx2.AsyncClient(
        headers={"Authorization": f"Bearer {key}"}, timeout=30, trust_env=False
    ) as http:
        transport = streamable_http_client(f"{base}/mcp", http_client=http)
        async with Client(transport, **options) as client:
            yield client
