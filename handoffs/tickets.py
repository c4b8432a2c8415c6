"""A handoff that ends as a ticket: the end user reads its number, the AI agent goes on."""

from __future__ import annotations

from conversations.services import events_append, system_event
from handoffs.locking import Lease, handoff_save
from handoffs.models import Handoff
from handoffs.services import handoff_end, session_store
from handoffs.states import EndReason
from handoffs.waiting import text_for
from integrations.connector import VendorSession


def ticket_opened(handoff: Handoff, session: VendorSession, lease: Lease) -> None:
    """Tell the ticket's number and end the handoff; what is still unsent follows as notes."""
    handoff.vendor_conversation_id = session.vendor_conversation_id
    handoff.vendor_session = session_store(session)
    handoff_save(handoff, ["vendor_conversation_id", "vendor_session"], lease)
    if not handoff.is_open:
        return
    text = text_for(handoff, "ticket_opened", ticket_number=session.vendor_conversation_id)
    line = system_event(text, code="ticket_opened", ticket_number=session.vendor_conversation_id)
    events_append(handoff.conversation, [line])
    handoff_end(handoff, EndReason.TICKET_OPENED, lease=lease)
