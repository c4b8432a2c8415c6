"""What Genesys itself has kept: for webhooks that never came, and sends that may have arrived."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from integrations.contract.errors import MissingPermissionError
from integrations.contract.events import VendorEvent
from integrations.http.client import HttpClient
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.client.api import BATCH
from integrations.vendors.genesys.mapping.events import Notice, events_of, sender_id_of
from integrations.vendors.genesys.mapping.json import Json, as_object, as_text
from integrations.vendors.genesys.mapping.presence import Participant, late_ids, participants_of

_OUTBOUND = "outbound"


class History:
    """Reads messages from conversations; a role without that permission only loses the catch-up."""

    def __init__(self, client: GenesysClient, http: HttpClient) -> None:
        """Share the connector's client."""
        self._client = client
        self._http = http
        self._is_allowed = True

    async def told_by(
        self, conversation_id: str, authors: Mapping[str, Participant]
    ) -> list[VendorEvent]:
        """Return what the messages of these ids mean; each is given with the leg that wrote it."""
        events: list[VendorEvent] = []
        for message in await self._read(conversation_id, list(authors)):
            message_id = as_text(message.get("id"))
            author = authors.get(message_id)
            notice = author and _notice(conversation_id, message_id, message, author)
            if author and notice:
                events += events_of(notice, author.agent)
        return events

    async def arrived(self, conversation_id: str) -> set[str]:
        """Return those ids of ours that Genesys has received, of the last messages."""
        participants = participants_of(await self._client.conversation(conversation_id))
        said = [message_id for i in participants if i.is_customer for message_id, _ in i.messages]
        return await self._named(conversation_id, said[-BATCH:])

    async def late(self, conversation_id: str) -> set[str]:
        """Return those ids of ours that Genesys has received behind the live agent's end."""
        conversation = await self._client.conversation(conversation_id)
        return await self._named(conversation_id, late_ids(participants_of(conversation)))

    async def _named(self, conversation_id: str, message_ids: Sequence[str]) -> set[str]:
        """Return the names that we have given to messages of ours."""
        messages = await self._read(conversation_id, message_ids)
        found = {as_text(message.get("providerMessageId")) for message in messages}
        found |= {sender_id_of(as_object(m.get("normalizedMessage"))) for m in messages}
        return found - {""}

    async def _read(self, conversation_id: str, message_ids: Sequence[str]) -> list[Json]:
        if not message_ids or not self._is_allowed:
            return []
        try:
            return await self._client.messages_bulk(conversation_id, message_ids)
        except MissingPermissionError:
            self._is_allowed = False
            self._http.note("messages_bulk", "history_not_allowed")
            return []


def _notice(
    conversation_id: str, message_id: str, message: Json, author: Participant
) -> Notice | None:
    """Make of a stored message what its webhook would have been; None for one of ours."""
    normalised = as_object(message.get("normalizedMessage"))
    direction = as_text(message.get("direction")) or as_text(normalised.get("direction"))
    if direction.lower() != _OUTBOUND:
        return None
    channel = {"time": message.get("timestamp"), **as_object(normalised.get("channel"))}
    body = {
        "type": "Text",
        "text": message.get("textBody"),
        "originatingEntity": "Human" if author.is_agent else "Bot",
        **normalised,
        "id": message_id,
        "channel": channel,
    }
    return Notice(conversation_id=conversation_id, body=body)
