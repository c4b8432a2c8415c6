"""Opens the vendor conversation: the first message does it, and names it at once."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime

from integrations.contract.connector import HandoffRequest, TokenCache, VendorSession
from integrations.contract.errors import CannotConnectError, RejectedError
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.connector.timing import GenesysTiming
from integrations.vendors.genesys.mapping.json import Json, as_number, as_object, as_text
from integrations.vendors.genesys.mapping.start import opening_bodies, person_of

# How long a start that was cut off can be taken up again.
_KEEP_SECONDS = 3600.0
_LOOKUPS = 4


class Starting:
    """Starts handoffs; Genesys knows no repeated message, so what was sent is noted by us."""

    def __init__(
        self,
        client: GenesysClient,
        *,
        cache: TokenCache,
        timing: GenesysTiming,
        queue_attribute: str,
    ) -> None:
        """Share the connector's client and cache."""
        self._client = client
        self._cache = cache
        self._timing = timing
        self._queue_attribute = queue_attribute

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Send summary and transcript, from where an earlier try got to."""
        person = person_of(request)
        bodies = opening_bodies(request, person, self._queue_attribute)
        noted = await self._noted(request.handoff_id)
        opened_at = as_text(noted.get("opened_at")) or datetime.now(UTC).isoformat()
        conversation_id = as_text(noted.get("conversation_id"))
        first_id = as_text(noted.get("first_id"))
        for number in range(as_number(noted.get("sent")) or 0, len(bodies)):
            answer = await self._client.inbound_message(bodies[number])
            first_id = first_id or as_text(answer.get("id"))
            conversation_id = conversation_id or as_text(answer.get("conversationId"))
            progress = {"sent": number + 1, "conversation_id": conversation_id}
            progress |= {"first_id": first_id, "opened_at": opened_at}
            await self._note(request.handoff_id, progress)
        conversation_id = conversation_id or await self._looked_up(first_id)
        return VendorSession(
            vendor_conversation_id=conversation_id,
            keys=(request.handoff_id,),
            state={"person": person, "first_id": first_id, "opened_at": opened_at},
        )

    def first_body(self, request: HandoffRequest) -> Json:
        """Return the message that opens the conversation."""
        return opening_bodies(request, person_of(request), self._queue_attribute)[0]

    async def unfinished_id(self, session: VendorSession) -> str:
        """Return the conversation that a start given up has opened; empty without one."""
        handoff_id = as_text(session.state.get("handoff_id"))
        noted = await self._noted(handoff_id)
        if not noted and (first := as_object(session.state.get("first"))):
            answer = await self._client.inbound_message(first)
            names = {"conversation_id": "conversationId", "first_id": "id"}
            noted = {ours: as_text(answer.get(theirs)) for ours, theirs in names.items()}
            await self._note(handoff_id, {"sent": 1, **noted})
        found, first_id = as_text(noted.get("conversation_id")), as_text(noted.get("first_id"))
        return found or (await self._looked_up(first_id) if first_id else "")

    async def _looked_up(self, message_id: str) -> str:
        """Ask for the conversation of the first message, where its answer did not name it."""
        for _ in range(_LOOKUPS):
            try:
                details = await self._client.message_details(message_id)
            except RejectedError:
                details = {}  # not there yet
            if found := as_text(details.get("conversationId")):
                return found
            await asyncio.sleep(self._timing.lookup)
        raise CannotConnectError("inbound_message: Genesys has named no conversation yet")

    async def _noted(self, handoff_id: str) -> Json:
        text = await self._cache.get(_name(handoff_id))
        return as_object(json.loads(text)) if text else {}

    async def _note(self, handoff_id: str, progress: Json) -> None:
        await self._cache.set(_name(handoff_id), json.dumps(progress), _KEEP_SECONDS)


def _name(handoff_id: str) -> str:
    return f"start:{handoff_id}"
