"""Amazon's own JavaScript client in a process of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.vendors.node_client import NodeClient, node_client

FILES = Path(__file__).parent / "chatjs"


@asynccontextmanager
async def chatjs(url: str, region: str, started: dict[str, Any]) -> AsyncIterator[NodeClient]:
    """Run the client for a chat that has been started."""
    chat = {
        "contactId": started["ContactId"],
        "participantId": started["ParticipantId"],
        "participantToken": started["ParticipantToken"],
    }
    async with node_client(FILES, url, region, json.dumps(chat)) as client:
        yield client
