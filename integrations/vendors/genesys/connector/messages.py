"""Words both ways: what Genesys's calls bring, and what is said as the end user, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from integrations.contract.connector import (
    OutboundAttachment,
    OutboundMessage,
    VendorSession,
    WebhookItem,
    WebhookRequest,
    WebhookResult,
)
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    ConversationGoneError,
    MissingPermissionError,
    RejectedError,
    WebhookVerificationError,
)
from integrations.contract.events import VendorEvent
from integrations.kit.json_values import Json, as_moment, as_object, as_text, json_digest
from integrations.kit.missed_calls import MissedCalls
from integrations.kit.plain_json import vendor_object
from integrations.kit.recent import Recent
from integrations.kit.signatures import (
    base64_signature,
    hex_signature,
    require_recent,
    require_signature,
)
from integrations.vendors.genesys.client import GenesysClient
from integrations.vendors.genesys.connector.records import Memory, Records
from integrations.vendors.genesys.mapping.messages import (
    OPENING_PREFIX,
    Agent,
    Notice,
    attachment_body,
    events_of,
    message_bodies,
    message_id_of,
    occurred_at,
    owner_of,
    receipt_body,
    sender,
    sender_id_of,
    structured_body,
)
from integrations.vendors.genesys.mapping.presence import (
    author_of,
    customer_of,
    only_agent,
    said_to_end_user,
)

SIGNATURE_HEADER = "x-hub-signature-256"
# Some guides, and some middleware, write the digest in hexadecimal digits.
_WRITTEN = (base64_signature, hex_signature)
# Genesys repeats a call for 85 seconds; the rest is for clocks that differ. What is younger is
# recognised as a repeat by its id.
MAX_AGE = timedelta(minutes=15)
UNNAMED = Agent(agent_id="genesys")
# Genesys may have got what these failures left open.
_DOUBTFUL_REASONS = ("timeout", "connection", "")
_TRIES_FOR_NEW = 3
_PAUSE_FOR_NEW = 0.5
_MAX_IDS = 5000


# ---- at the door ----


def items_of(request: WebhookRequest, credentials: Mapping[str, str]) -> WebhookResult:
    """Return what to store; raises WebhookVerificationError for a forged or a replayed call."""
    given, secret = request.headers.get(SIGNATURE_HEADER, ""), credentials.get("webhook_secret", "")
    require_signature(given, secret, request.body, written=_WRITTEN, prefix="sha256=")
    body = vendor_object(request.body)
    integration_id = credentials.get("integration_id", "")
    named = as_text(as_object(body.get("channel")).get("id"))
    if named and named.lower() != integration_id.lower():
        raise WebhookVerificationError("webhook: the call is for another integration")
    if moment := occurred_at(body):  # the signature holds no time: the message's own decides
        require_recent(moment, MAX_AGE)
    owner = owner_of(body, integration_id)
    if not owner:
        return WebhookResult()
    item = WebhookItem(item_id=_item_id(body), key=owner, body=body, occurred_at=moment)
    return WebhookResult(items=(item,))


def _item_id(body: Json) -> str:
    """Name a call: receipts share their message's id, and repeats share everything."""
    channel = as_object(body.get("channel"))
    parts = [body.get("id"), channel.get("time"), body.get("type"), body.get("status")]
    return ":".join(as_text(part) for part in parts) if parts[0] else json_digest(body)


# ---- in a handoff ----


class Receiving:
    """The connector's ear; shares the listeners' knowledge of who is present."""

    def __init__(self, client: GenesysClient, records: Records) -> None:
        """Share the connector's parts."""
        self._client = client
        self._records = records
        self._missed = MissedCalls(records.note)
        self._errands: set[asyncio.Task[None]] = set()

    async def events(self, session: VendorSession, item: WebhookItem) -> list[VendorEvent]:
        """Return what an item means, among what missed calls have said, in Genesys's order."""
        memory = self._records.memory(session.vendor_conversation_id)
        notice = Notice(
            conversation_id=session.vendor_conversation_id,
            body=item.body,
            our_id=await self._our_id(session, memory, item.body),
        )
        is_said = notice.is_spoken and not notice.is_ours
        missed = await self._said_before(session, item, notice, memory) if is_said else ()
        events = events_of(notice, await self._speaker(notice, memory))
        if notice.is_spoken:
            memory.seen.put(notice.identifier, None)
        if is_said:
            self._confirm(session, notice.identifier)
        return sorted([*missed, *events], key=lambda event: event.occurred_at)

    def forget(self, conversation_id: str) -> None:
        """Drop a conversation that is over."""
        self._missed.forget(conversation_id)

    async def close(self) -> None:
        """Give up what is on its way."""
        for errand in self._errands:
            errand.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)

    async def _said_before(
        self, session: VendorSession, item: WebhookItem, notice: Notice, memory: Memory
    ) -> Sequence[VendorEvent]:
        """Read what no call has told, where some may be missing; words alone have an order."""
        found = await self._missed.before(
            notice.conversation_id,
            item,
            opened_at=as_moment(session.state.get("opened_at")),
            read=partial(self._untold, notice, memory),
        )
        return found or ()

    async def _untold(self, notice: Notice, memory: Memory) -> list[VendorEvent]:
        participants = await self._records.participants(notice.conversation_id)
        authors = {
            message_id: participant
            for message_id, _, participant in said_to_end_user(participants)
            if message_id != notice.identifier and message_id not in memory.seen
        }
        return await self._records.said(notice.conversation_id, authors)

    async def _speaker(self, notice: Notice, memory: Memory) -> Agent:
        """Say who is meant by a body, which names the integration instead of the live agent."""
        if not notice.is_from_live_agent or not (notice.is_spoken or notice.is_typing):
            return UNNAMED
        if memory.agent is not None:
            return memory.agent
        try:
            participants = await self._records.participants(notice.conversation_id)
        except (ConversationGoneError, MissingPermissionError):
            return UNNAMED
        memory.agent = only_agent(participants)
        return author_of(notice.identifier, participants) or UNNAMED

    async def _our_id(self, session: VendorSession, memory: Memory, body: Json) -> str:
        """Find the portal's id of the message of ours that a body is about.

        A failure is told at the message: whoever did not send it asks Genesys for our id.
        """
        vendor_id = as_text(body.get("id"))
        if vendor_id and vendor_id == session.state.get("first_id"):
            return OPENING_PREFIX
        known = memory.our_ids.get(vendor_id) or ""
        if not known and body.get("type") == "Receipt" and body.get("status") == "Failed":
            known = await self._records.our_id(vendor_id)
        return message_id_of(known or sender_id_of(body))

    def _confirm(self, session: VendorSession, message_id: str) -> None:
        """Send the receipt without making the message wait for it."""
        errand = asyncio.create_task(self._tell_delivered(session, message_id))
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    async def _tell_delivered(self, session: VendorSession, message_id: str) -> None:
        try:
            await self._client.budget.room()
            await self._client.inbound_receipt(receipt_body(person_in(session), message_id))
        except ConnectorError:
            pass  # the live agent's desktop goes on saying "sent"


# ---- as the end user ----


class Sending:
    """Sends each thing once; remembers what has arrived, and asks Genesys when in doubt."""

    def __init__(self, client: GenesysClient, records: Records) -> None:
        """Share the connector's parts."""
        self._client = client
        self._records = records
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
        memory = self._records.memory(session.vendor_conversation_id)
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
