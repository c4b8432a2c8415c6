"""The desk of any vendor's simulator, as its HTTP calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import aiohttp

from tests.waiting import eventually_async

AGENT = "Noor Halvorsen"


class HasConversation(Protocol):
    """A test's own view of a conversation."""

    conversation_id: str


@dataclass
class Desk:
    """Plays the live agent, and sets the vendor up; a conversation is an id or has one."""

    http: aiohttp.ClientSession

    async def post(self, path: str, **body: Any) -> tuple[int, Any]:
        async with self.http.post(f"/_desk/{path}", json=body) as response:
            return response.status, await response.json()

    async def get(self, path: str) -> Any:
        async with self.http.get(f"/_desk/{path}") as response:
            return await response.json()

    async def act(self, which: str | HasConversation, action: str, **fields: Any) -> None:
        status, answer = await self.post(f"conversations/{_id(which)}/{action}", **fields)
        assert status == 200, answer

    async def accept(self, which: str | HasConversation, agent_name: str = AGENT) -> None:
        await self.act(which, "accept", agent_name=agent_name)

    async def refused(self, which: str | HasConversation, action: str, **fields: Any) -> int:
        """Return the status with which an action is refused."""
        status, answer = await self.post(f"conversations/{_id(which)}/{action}", **fields)
        assert answer["message"]
        return status

    async def configure(self, **switches: Any) -> None:
        status, answer = await self.post("config", **switches)
        assert status == 200, answer

    async def fault(self, kind: str, **fields: Any) -> None:
        status, answer = await self.post("faults", kind=kind, **fields)
        assert status == 200, answer

    async def conversation(self, which: str | HasConversation) -> dict[str, Any]:
        """Return a conversation as the desk shows it."""
        found = await self.get("conversations")
        return next(one for one in found if one["id"] == _id(which))

    async def shows(
        self, which: str | HasConversation, value: object, field: str = "status"
    ) -> dict[str, Any]:
        """Wait until a field of a conversation has a value, and return the conversation."""

        async def is_so() -> dict[str, Any] | None:
            shown = await self.conversation(which)
            return shown if shown[field] == value else None

        return await eventually_async(is_so)


def _id(which: str | HasConversation) -> str:
    return which if isinstance(which, str) else which.conversation_id
