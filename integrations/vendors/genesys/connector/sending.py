"""Says things as the end user: what opens a conversation, then messages and files, and the end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from integrations.contract.connector import (
    HandoffRequest,
    OutboundAttachment,
    OutboundMessage,
    TokenCache,
    VendorSession,
)
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    MissingPermissionError,
    RejectedError,
)
from integrations.kit.json_values import Json, as_count, as_object, as_text
from integrations.kit.recent import Recent
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.connector.memory import Memories, Memory
from integrations.vendors.genesys.connector.records import Records
from integrations.vendors.genesys.mapping.messages import (
    attachment_body,
    message_bodies,
    opening_bodies,
    person_of,
    sender,
    structured_body,
)
from integrations.vendors.genesys.mapping.presence import customer_of

# How long a start that was cut off can be taken up again.
_KEEP_SECONDS = 3600.0
_LOOKUPS = 4
# Genesys may have got what these failures left open.
_DOUBTFUL_REASONS = ("timeout", "connection", "")
_TRIES_FOR_NEW = 3
_PAUSE_FOR_NEW = 0.5
_MAX_IDS = 5000


class Starting:
    """Opens conversations; Genesys knows no repeated message, so what was sent is noted by us."""

    def __init__(
        self,
        client: GenesysClient,
        cache: TokenCache,
        *,
        queue_attribute: str,
        lookup_seconds: float,
    ) -> None:
        """Share the connector's client and cache."""
        self._client = client
        self._cache = cache
        self._queue_attribute = queue_attribute
        self._lookup_seconds = lookup_seconds

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Send summary and transcript, from where an earlier try got to."""
        person = person_of(request)
        bodies = opening_bodies(request, person, self._queue_attribute)
        noted = await self._noted(request.handoff_id)
        opened_at = as_text(noted.get("opened_at")) or datetime.now(UTC).isoformat()
        conversation_id = as_text(noted.get("conversation_id"))
        first_id = as_text(noted.get("first_id"))
        for number in range(as_count(noted.get("sent")) or 0, len(bodies)):
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

    def unfinished(self, request: HandoffRequest, error: ConnectorError | None) -> VendorSession:
        """Name the handoff, under which its start has noted what it opened.

        Whose first answers were all lost has noted nothing: one more message brings the name.
        """
        first: Json = {}
        if isinstance(error, CannotConnectError) and error.is_in_doubt:
            first = opening_bodies(request, person_of(request), self._queue_attribute)[0]
        state = {"handoff_id": request.handoff_id, "first": first}
        return VendorSession(vendor_conversation_id="", state=state)

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
            await asyncio.sleep(self._lookup_seconds)
        raise CannotConnectError("inbound_message: Genesys has named no conversation yet")

    async def _noted(self, handoff_id: str) -> Json:
        text = await self._cache.get(f"start:{handoff_id}")
        return as_object(json.loads(text)) if text else {}

    async def _note(self, handoff_id: str, progress: Json) -> None:
        await self._cache.set(f"start:{handoff_id}", json.dumps(progress), _KEEP_SECONDS)


class Sending:
    """Sends each thing once; remembers what has arrived, and asks Genesys when in doubt."""

    def __init__(self, client: GenesysClient, records: Records, memories: Memories) -> None:
        """Share the connector's parts."""
        self._client = client
        self._records = records
        self._memories = memories
        self._arrived: Recent[None] = Recent(_MAX_IDS)
        self._doubtful: Recent[None] = Recent(_MAX_IDS)

    async def message(self, session: VendorSession, message: OutboundMessage) -> None:
        """Send an answer as what was chosen, else a text in as many parts as it takes."""
        person = person_in(session)
        chosen = structured_body(person, message)
        if chosen is None:
            await self._send(session, message_bodies(person, message))
            return
        try:
            await self._send(session, [(message.message_id, chosen)])
        except RejectedError:
            # Genesys no longer takes answers to it; what was chosen is to be read all the same.
            await self._send(session, message_bodies(person, message))

    async def attachment(self, session: VendorSession, attachment: OutboundAttachment) -> None:
        """Send a file by its address."""
        if not attachment.public_url:
            raise RejectedError(
                "inbound_message: Genesys fetches files, and there is no address for this one",
                vendor_code="no_public_url",
            )
        body = attachment_body(person_in(session), attachment, sent_at=datetime.now(UTC))
        await self._send(session, [(attachment.attachment_id, body)])

    async def end(self, conversation_id: str) -> None:
        """Disconnect the end user; a conversation that is over already is fine.

        One that was opened a moment ago may not be readable yet: it is looked for again.
        """
        for patience in reversed(range(_TRIES_FOR_NEW)):
            try:
                legs = await self._records.legs(conversation_id)
                break
            except ConversationGoneError:
                if not patience:
                    return
                await asyncio.sleep(_PAUSE_FOR_NEW)
        customer = customer_of(legs)
        if customer is None:
            raise CannotConnectError("conversation: nobody is in it yet")
        if not customer.is_gone:
            await self._client.disconnect(conversation_id, customer.identifier)

    async def _send(
        self, session: VendorSession, bodies: Sequence[tuple[str, Mapping[str, object]]]
    ) -> None:
        memory = self._memories.of(session.vendor_conversation_id)
        await self._settle_doubts(session, memory, [part_id for part_id, _ in bodies])
        for part_id, body in bodies:
            if part_id not in self._arrived:
                await self._send_part(session, memory, part_id, body)
        memory.has_sent = True

    async def _settle_doubts(
        self, session: VendorSession, memory: Memory, part_ids: list[str]
    ) -> None:
        """Ask Genesys what it has, after a failed try and after another worker's death."""
        is_doubtful = any(part_id in self._doubtful for part_id in part_ids)
        if memory.has_sent and not is_doubtful:
            return
        for part_id in await self._records.arrived(session.vendor_conversation_id):
            self._arrived.put(part_id, None)
        for part_id in part_ids:
            self._doubtful.discard(part_id)

    async def _send_part(
        self, session: VendorSession, memory: Memory, part_id: str, body: Mapping[str, object]
    ) -> None:
        try:
            answer = await self._said(body)
        except CannotConnectError as error:
            if error.reason in _DOUBTFUL_REASONS:
                self._doubtful.put(part_id, None)
            raise
        message_id = as_text(answer.get("id"))
        opened = as_text(answer.get("conversationId")) or await self._conversation_of(message_id)
        if opened and opened != session.vendor_conversation_id:
            # Genesys opens a new conversation for whoever writes after the end of one; the error
            # names it, and whoever sent the message ends it.
            raise ConversationGoneError("inbound_message: the conversation was over", opened=opened)
        self._arrived.put(part_id, None)
        memory.our_ids.put(message_id, part_id)

    async def _said(self, body: Mapping[str, object]) -> Json:
        """Say one thing, over the call that its kind has."""
        if "buttonResponse" in body:
            return await self._client.structured_response(body)
        return await self._client.inbound_message(body)

    async def _conversation_of(self, message_id: str) -> str:
        """Ask where a message went whose answer did not say so; nothing if Genesys will not say."""
        try:
            details = await self._client.message_details(message_id)
        except (RejectedError, MissingPermissionError):
            return ""
        return as_text(details.get("conversationId"))


def person_in(session: VendorSession) -> dict[str, str]:
    """Return the author whom a handoff's messages have had since it started."""
    person = as_object(session.state.get("person"))
    identifier = as_text(person.get("id")) or next(iter(session.keys), "")
    return sender(identifier, as_text(person.get("nickname")), as_text(person.get("email")))
