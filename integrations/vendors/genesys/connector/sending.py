"""Says things as the end user: in parts that fit, each once, and never into a new conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from integrations.contract.connector import OutboundAttachment, OutboundMessage, VendorSession
from integrations.contract.errors import (
    CannotConnectError,
    ConversationGoneError,
    MissingPermissionError,
    RejectedError,
)
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.connector.history import History
from integrations.vendors.genesys.connector.memory import Memories, Memory, Recent
from integrations.vendors.genesys.mapping.json import as_object, as_text
from integrations.vendors.genesys.mapping.presence import customer_of, participants_of
from integrations.vendors.genesys.mapping.start import attachment_body, message_body, sender
from integrations.vendors.genesys.mapping.text import pieces

# Genesys may have got what these failures left open.
_DOUBTFUL_REASONS = ("timeout", "connection", "")
_TRIES_FOR_NEW = 3
_PAUSE_FOR_NEW = 0.5


class Sending:
    """Sends messages and files; remembers what has arrived, and asks Genesys when in doubt."""

    def __init__(self, client: GenesysClient, history: History, memories: Memories) -> None:
        """Share the connector's parts."""
        self._client = client
        self._history = history
        self._memories = memories
        self._arrived = Recent(limit=5000)
        self._doubtful = Recent(limit=5000)

    async def message(self, session: VendorSession, message: OutboundMessage) -> None:
        """Send a text in as many parts as it takes; the last one has the message's own id."""
        person = person_in(session)
        parts = list(pieces(message.text)) or [message.text]
        bodies = []
        for number, text in enumerate(parts, start=1):
            is_last = number == len(parts)
            part_id = message.message_id if is_last else f"{message.message_id}.{number}"
            moment = message.sent_at + timedelta(milliseconds=number - 1)
            body = message_body(person, message_id=part_id, text=text, sent_at=moment)
            bodies.append((part_id, body))
        await self._send(session, bodies)

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
                conversation = await self._client.conversation(conversation_id)
                break
            except ConversationGoneError:
                if not patience:
                    return
                await asyncio.sleep(_PAUSE_FOR_NEW)
        customer = customer_of(participants_of(conversation))
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
        for part_id in await self._history.arrived(session.vendor_conversation_id):
            self._arrived.add(part_id)
        for part_id in part_ids:
            self._doubtful.discard(part_id)

    async def _send_part(
        self, session: VendorSession, memory: Memory, part_id: str, body: Mapping[str, object]
    ) -> None:
        try:
            answer = await self._client.inbound_message(body)
        except CannotConnectError as error:
            if error.reason in _DOUBTFUL_REASONS:
                self._doubtful.add(part_id)
            raise
        message_id = as_text(answer.get("id"))
        opened = as_text(answer.get("conversationId")) or await self._conversation_of(message_id)
        if opened:
            self._require_same(session, opened)
        self._arrived.add(part_id)
        memory.our_ids.add(message_id, part_id)

    async def _conversation_of(self, message_id: str) -> str:
        """Ask where a message went whose answer did not say so; nothing if Genesys will not say."""
        try:
            details = await self._client.message_details(message_id)
        except (RejectedError, MissingPermissionError):
            return ""
        return as_text(details.get("conversationId"))

    def _require_same(self, session: VendorSession, conversation_id: str) -> None:
        """Genesys opens a new conversation for whoever writes after the end of one.

        Raises ConversationGoneError, which names it: whoever sent the message ends it.
        """
        if conversation_id != session.vendor_conversation_id:
            raise ConversationGoneError(
                "inbound_message: the conversation was over", opened=conversation_id
            )


def person_in(session: VendorSession) -> dict[str, str]:
    """Return the author whom a handoff's messages have had since it started."""
    person = as_object(session.state.get("person"))
    identifier = as_text(person.get("id")) or next(iter(session.keys), "")
    return sender(identifier, as_text(person.get("nickname")), as_text(person.get("email")))
