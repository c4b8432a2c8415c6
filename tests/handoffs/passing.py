"""A message that passes on the hot path: send it, hear it, and read all that it changed."""

from __future__ import annotations

from django.db import transaction

from conversations.event_loop.executor import run_sync
from conversations.journal.frames import EventType
from conversations.journal.services import NewEvent, conversation_lock, message_event
from conversations.models import Conversation, Event
from handoffs.lifecycle.services import handoff_end
from handoffs.models import Handoff
from handoffs.receiving.events import agent_message_apply
from handoffs.relay.leases import worker_stop
from handoffs.responder import HandoffResponder, message_accept
from handoffs.sending.hot_path import Sent, UserMessage, send_to_vendor
from handoffs.states import EndReason, State
from integrations.contract import events as vendor_events
from tests import factories
from tests.handoffs.receiving import behaving

RESPONDER = HandoffResponder()


async def active(**behaviour):
    return await run_sync(behaving, State.ACTIVE, **behaviour)


def line(text="Where is it?", client_event_id="", metadata=None):
    made = message_event(EventType.USER_MESSAGE, text)
    return NewEvent(
        type=made.type,
        payload=made.payload,
        id=made.id,
        metadata=metadata,
        client_event_id=client_event_id,
    )


async def write(handoff, *args, **fields):
    """Send a message on the hot path; None if it is left to the services."""
    message = UserMessage(conversation_id=handoff.conversation_id, line=line(*args, **fields))
    return await send_to_vendor(message)


async def hear(handoff, event, cursor="next", lease=None):
    lease = lease or await run_sync(factories.lease_of, handoff)
    return await agent_message_apply(lease, factories.vendor_session(cursor), event)


def columns(row, *but):
    names = [column.attname for column in row._meta.concrete_fields]
    return {name: getattr(row, name) for name in names if name not in but}


def everything(handoff):
    """Return all that a message may change, as plain values."""
    lines = Event.objects.filter(conversation_id=handoff.conversation_id)
    return {
        "conversation": columns(Conversation.objects.get(pk=handoff.conversation_id)),
        "handoff": columns(Handoff.objects.get(pk=handoff.pk)),
        "lines": [columns(row) for row in lines],
        "deliveries": [columns(row) for row in handoff.deliveries.all()],
        "inbox": [columns(row) for row in handoff.vendor_events.all()],
    }


def changes(before, after, name):
    """Return the columns of a row that a message changed."""
    return {key: value for key, value in after[name].items() if before[name][key] != value}


def mark_of(lease, row):
    """Return what a session asks for after the vendor took a delivery."""
    return Sent(lease=lease, delivery_id=row.id, created_at=row.created_at)


# ---- what may have happened before ----


def ended(handoff):
    RESPONDER.on_leave(conversation_id=handoff.conversation_id, metadata=None)


def at_the_ai_agent(handoff):
    with transaction.atomic():
        now = factories.fresh(handoff)
        now.conversation = conversation_lock(handoff.conversation_id)
        handoff_end(now, EndReason.TICKET_OPENED)


def nothing_happens(handoff):
    pass


def sent_before(handoff):
    message_accept(
        conversation_id=handoff.conversation_id,
        text="Hello",
        client_event_id="c-1",
        metadata=None,
    )


def owned_by_nobody(handoff):
    worker_stop(factories.lease_of(handoff).worker_id)


def taken_over(handoff):
    owned_by_nobody(handoff)
    factories.claim(handoff)


def agent_left(handoff):
    gone = factories.vendor_event(vendor_events.LiveAgentLeft, agent_id="a1")
    factories.apply(factories.lease_of(handoff), gone)
