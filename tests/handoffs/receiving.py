"""A vendor speaks: apply its events and read what they became."""

from __future__ import annotations

from typing import Any

from conversations.models import Conversation, Event
from handoffs.models import Handoff
from handoffs.states import State
from integrations.contract import events as vendor_events
from tests import factories


def behaving(state: State = State.ACTIVE, **behaviour: Any) -> Handoff:
    return factories.handoff(state=state, of_integration=factories.integration(behaviour=behaviour))


def receive(handoff: Handoff, *received: vendor_events.VendorEvent) -> bool:
    lease = factories.lease_of(handoff)
    return [factories.apply(lease, event) for event in received][-1]


def new_lines(handoff: Handoff, before: int) -> list[tuple[str, dict[str, Any]]]:
    lines = Event.objects.filter(conversation_id=handoff.conversation_id, sequence__gt=before)
    return [(line.type, line.payload) for line in lines.order_by("sequence")]


def sequence(handoff: Handoff) -> int:
    return Conversation.objects.get(pk=handoff.conversation_id).last_sequence
