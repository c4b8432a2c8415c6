"""What an outside agent may use of the portal: where it can hand off, and who is there."""

from __future__ import annotations

from functools import partial

from conversations.ai_agent.destinations.selectors import destinations_of
from conversations.ai_agent.outside.agent import AgentPlace
from conversations.ai_agent.streaming import Chunks
from conversations.event_loop.executor import run_sync
from conversations.models import Conversation
from handoffs.errors import HandoffError
from handoffs.lifecycle.availability import destination_check
from handoffs.payload.reading import payload_for_call_handoff
from handoffs.starting.addressing import Address, offered_integrations
from handoffs.starting.start import handoff_address
from integrations.contract.integration_keys import vendor_name


def agent_place(conversation: Conversation) -> AgentPlace:
    """Return the place of a conversation; it has its project."""
    rows = destinations_of(conversation)
    named = {row.name: row.description or row.get_kind_display() for row in rows}
    keys = offered_integrations(conversation.project, [conversation.environment])
    show = Chunks(conversation.pk).show if conversation.is_streaming else None
    return AgentPlace(
        conversation=conversation,
        destinations=named | {key: f"live agents at {vendor_name(key)}" for key in keys},
        is_available=partial(is_available, conversation),
        show=show,
    )


async def is_available(conversation: Conversation, name: str) -> bool | None:
    """Ask whether a live agent would answer there; None where nobody can tell."""
    address = await run_sync(_address, conversation, name)
    if address is None:
        return False
    if address.integration is None:
        return None
    return (await destination_check(address.integration, run_sync)).is_available


def _address(conversation: Conversation, name: str) -> Address | None:
    """Return what is behind a name; None where a handoff there would be refused."""
    try:
        return handoff_address(conversation, payload_for_call_handoff(name))
    except HandoffError:
        return None
