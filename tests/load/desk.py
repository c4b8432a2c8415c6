"""The live agents of a load: the simulator's desk, asynchronously."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp


class AsyncDesk:
    """Calls the desk of any simulator."""

    def __init__(self, http: aiohttp.ClientSession, simulator_url: str) -> None:
        self._http = http
        self._url = f"{simulator_url}/_desk"

    async def conversations(self) -> list[dict[str, Any]]:
        """Return the vendor's conversations."""
        async with self._http.get(f"{self._url}/conversations") as answer:
            return list(await answer.json())

    async def find(self, marker: str, *, seconds: float = 30) -> str:
        """Return the id of the conversation in whose transcript a marker stands."""
        async with asyncio.timeout(seconds):
            while True:
                for row in await self.conversations():
                    if any(marker in line["text"] for line in row["messages"]):
                        return str(row["id"])
                # Each look brings everything that was said: many who look would keep it busy.
                await asyncio.sleep(0.5)

    async def does(self, conversation_id: str, action: str, **details: Any) -> None:
        """Act as the live agent; raises when the desk refuses."""
        path = f"/conversations/{conversation_id}/{action}"
        await self._post(path, details)

    async def fault(self, kind: str, **details: Any) -> None:
        """Make the vendor misbehave."""
        await self._post("/faults", {"kind": kind, **details})

    async def config(self, **switches: Any) -> None:
        """Set switches of the vendor."""
        await self._post("/config", switches)

    async def said_by_end_user(self) -> dict[str, list[str]]:
        """Return what reached the live agents, by conversation."""
        return {
            str(row["id"]): [line["text"] for line in row["messages"] if line["from"] == "end_user"]
            for row in await self.conversations()
        }

    async def _post(self, path: str, body: dict[str, Any]) -> None:
        async with self._http.post(self._url + path, json=body) as answer:
            if answer.status >= 300:
                raise RuntimeError(f"desk {path}: {answer.status} {(await answer.text())[:200]}")
