"""Who a live agent is: the calls name an id alone, so Webex is asked, and asked once an hour."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from integrations.contract.errors import (
    ConnectorError,
    InvalidRoutingError,
    MissingPermissionError,
    RejectedError,
)
from integrations.kit.json_values import Json, as_text
from integrations.kit.recent import Recent
from integrations.vendors.webex.client.client import WebexClient

SOMEBODY = "Agent"
_KEPT_SECONDS = 3600.0
_MAX_PEOPLE = 2000
# Nobody of this id, or no permission to look: another way may know.
_NOT_HERE = (InvalidRoutingError, MissingPermissionError, RejectedError)


class People:
    """Names by id; a name is never worth a message."""

    def __init__(self, client: WebexClient, note: Callable[[str, str], None]) -> None:
        """Take `note` for remarks about a look-up that failed: operation, error code."""
        self._client = client
        self._note = note
        self._names: Recent[tuple[str, float]] = Recent(_MAX_PEOPLE)

    async def name_of(self, agent_id: str, owner_name: Callable[[], Awaitable[str]]) -> str:
        """Return a live agent's name: of the user, or of the task's owner, or just "Agent"."""
        name, until = self._names.get(agent_id) or ("", 0.0)
        if name and until > time.monotonic():
            return name
        found = await self._looked_up(agent_id) or await self._owner(owner_name)
        if found:
            self._names.put(agent_id, (found, time.monotonic() + _KEPT_SECONDS))
        return found or SOMEBODY

    async def _looked_up(self, agent_id: str) -> str:
        for ask in (self._client.user, self._client.user_by_ci_id):
            try:
                return _full_name(await ask(agent_id))
            except _NOT_HERE:
                continue
            except ConnectorError as error:
                self._note("user", error.code)
                return ""
        return ""

    async def _owner(self, owner_name: Callable[[], Awaitable[str]]) -> str:
        try:
            return await owner_name()
        except ConnectorError as error:
            self._note("list_tasks", error.code)
            return ""


def _full_name(user: Json) -> str:
    names = (as_text(user.get(part)).strip() for part in ("firstName", "lastName"))
    return " ".join(filter(None, names))
