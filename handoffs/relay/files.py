"""Files between a vendor and the journal, at the pace of a relay session: one after the other."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator

from conversations.event_loop.executor import run_sync
from handoffs.lifecycle.locking import Lease
from handoffs.receiving.events import event_cleaned
from handoffs.sending.files import file_outbound, file_store, is_received
from handoffs.sending.outbox import PendingDelivery, part_sent, retry_seconds
from integrations.contract.connector import (
    Connector,
    OutboundAttachment,
    OutboundMessage,
    VendorSession,
)
from integrations.contract.errors import CannotConnectError, ConnectorError, RejectedError
from integrations.contract.events import LiveAgentAttachment
from integrations.contract.manifest import Capability

logger = logging.getLogger(__name__)
FETCH_ATTEMPTS = 3
# Whatever the live agent says next waits behind the file.
FETCH_SECONDS = 45.0
SEND_SECONDS = 90.0


async def file_received(
    lease: Lease,
    conversation_id: str,
    connector: Connector,
    session: VendorSession,
    event: LiveAgentAttachment,
) -> LiveAgentAttachment:
    """Return a live agent's file as stored; unchanged if it came before or could not be fetched."""
    event = event_cleaned(event)
    if await run_sync(is_received, lease.handoff_id, event):
        return event
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            content = await _fetched(connector, session, event.url)
    except TimeoutError:
        error: ConnectorError = CannotConnectError("fetching a live agent's file timed out")
    except ConnectorError as raised:
        error = raised
    else:
        return await run_sync(file_store, conversation_id, event, content)
    logger.warning("A live agent's file was not fetched: %s", error.code)
    return event


async def _fetched(connector: Connector, session: VendorSession, url: str) -> bytes:
    for attempt in range(1, FETCH_ATTEMPTS + 1):
        try:
            return await connector.fetch_attachment(session, url)
        except ConnectorError as error:
            if not error.retryable or attempt == FETCH_ATTEMPTS:
                raise
            await asyncio.sleep(retry_seconds(attempt, error.retry_after))
    raise AssertionError("unreachable")


async def parts_sent(
    lease: Lease, connector: Connector, session: VendorSession, delivery: PendingDelivery
) -> AsyncIterator[VendorSession]:
    """Send a message that has files, the text first; yield the session after each part.

    What was sent is noted part by part, so that a retry goes on where the last attempt stopped.
    The last part has the message's own id: its receipt is the message's.
    """
    parts: list[uuid.UUID | None] = [None] if delivery.text.strip() else []
    parts += [uuid.UUID(file_id) for file_id in delivery.file_ids]
    for number, file_id in list(enumerate(parts, start=1))[delivery.parts_sent :]:
        is_last = number == len(parts)
        part_id = delivery.message_id if is_last else _part_id(delivery.message_id, number)
        if file_id is None:
            message = OutboundMessage(
                message_id=part_id, text=delivery.text, sent_at=delivery.sent_at
            )
            session = await connector.send_message(session, message)
        else:
            file = await _outbound(connector, file_id, part_id)
            session = await _sent_file(connector, session, file)
        yield session
        if not is_last:
            await run_sync(part_sent, lease, delivery.id, number)


async def _outbound(connector: Connector, file_id: uuid.UUID, part_id: str) -> OutboundAttachment:
    if Capability.ATTACHMENT_OUT not in connector.capabilities:
        raise RejectedError("the vendor takes no files")
    file = await run_sync(file_outbound, file_id, part_id=part_id)
    if file is None:
        raise RejectedError("the file is not kept any more")
    return file


async def _sent_file(
    connector: Connector, session: VendorSession, file: OutboundAttachment
) -> VendorSession:
    try:
        async with asyncio.timeout(SEND_SECONDS):
            return await connector.send_attachment(session, file)
    except TimeoutError as error:
        raise CannotConnectError("sending a file timed out") from error


def _part_id(message_id: str, number: int) -> str:
    return str(uuid.uuid5(uuid.UUID(message_id), str(number)))
