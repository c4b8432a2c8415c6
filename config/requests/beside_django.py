"""Addresses that another application answers than Django's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

from handoffs.api.mcp.entry import McpEntry

Application = Callable[..., Awaitable[None]]
MCP_PATH = "/mcp"


def beside_django(django: Application) -> Application:
    """Return an application that answers the MCP server's address, and leaves the rest alone."""
    mcp = McpEntry(settings.REQUEST_MAX_BYTES)

    async def application(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        found = mcp if scope["path"] == MCP_PATH else django
        await found(scope, receive, send)

    return application
