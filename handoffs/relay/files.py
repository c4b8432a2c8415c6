"""Files between a vendor and the journal, at the pace of a relay session: one after the other."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator

from conversations.event_loop.executor import run_sync
from conversations.files.scanner import FileInfectedError, ScannerAwayError, file_scan_apart
from handoffs.lifecycle.locking import Lease
from handoffs.receiving.events import event_cleaned
from handoffs.sending.files import (
    file_outbound,
    file_store,
    is_received,
    message_fetched,
    part_id,
)
from handoffs.sending.outbox import PendingDelivery, part_sent, retry_seconds
from integrations.contract.connector import (
    Connector,
    OutboundAttachment,
    OutboundMessage,
    VendorSession,
)
from integrations.contract.errors import CannotConnectError, ConnectorError, RejectedError
from integrations.contract.events import LiveAgentMessage
from integrations.contract.manifest import Capability
from integrations.contract.rich_content import VendorFile

logger = logging.getLogger(__name__)
FETCH_ATTEMPTS = 3
# Whatever the live agent says next waits behind the file.
FETCH_SECONDS = 45.0
SEND_SECONDS = 90.0


async def files_received(
    lease: Lease,
    conversation_id: str,
    connector: Connector,
    session: VendorSession,
    event: LiveAgentMessage,
) -> LiveAgentMessage:
    """Return a live agent's message with its files as stored; unchanged if it came before."""
    event = event_cleaned(event)
    if await run_sync(is_received, lease.handoff_id, event):
        return event
    ids = [await _received(conversation_id, connector, session, file) for file in event.files]
    return message_fetched(event, ids)


async def _received(
    conversation_id: str, connector: Connector, session: VendorSession, file: VendorFile
) -> uuid.UUID | None:
    """Fetch, check and store a file; None if that could not be done."""
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            content = await _fetched(connector, session, file.url)
            await file_scan_apart(content)
    except TimeoutError:
        reason = CannotConnectError.code
    except ConnectorError as raised:
        reason = raised.code
    except (FileInfectedError, ScannerAwayError) as raised:
        reason = type(raised).__name__
    else:
        return await run_sync(file_store, conversation_id, file, content)
    logger.warning("A live agent's file was not fetched: %s", reason)
    return None


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
    for number in delivery.parts_left:
        file_id, is_last = parts[number - 1], number == delivery.last_part
        id_ = delivery.message_id if is_last else part_id(delivery.message_id, number)
        if file_id is None:
            message = OutboundMessage(message_id=id_, text=delivery.text, sent_at=delivery.sent_at)
            session = await connector.send_message(session, message)
        else:
            file = await _outbound(connector, file_id, id_)
            session = await _sent_file(connector, session, file)
        yield session
        if not is_last:
            await run_sync(part_sent, lease, delivery.id, number)


async def _outbound(connector: Connector, file_id: uuid.UUID, id_: str) -> OutboundAttachment:
    if Capability.ATTACHMENT_OUT not in connector.capabilities:
        raise RejectedError("the vendor takes no files")
    file = await run_sync(file_outbound, file_id, part_id=id_)
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
