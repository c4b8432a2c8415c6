"""A handoff that ends as a ticket: the end user reads its number, the AI agent goes on."""

from __future__ import annotations

from conversations.journal.services import events_append, system_event
from handoffs.lifecycle.locking import Lease, handoff_save
from handoffs.lifecycle.notices import text_for
from handoffs.lifecycle.services import handoff_end, session_store
from handoffs.models import Handoff
from handoffs.states import EndReason
from integrations.contract.connector import VendorSession


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
