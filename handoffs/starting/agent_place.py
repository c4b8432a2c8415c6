"""What an outside agent may use of the portal: where it can hand off, and who is there."""

from __future__ import annotations

from functools import partial

from conversations.ai_agent.outside.agent import AgentPlace
from conversations.ai_agent.streaming import Chunks
from conversations.event_loop.executor import run_sync
from conversations.models import Conversation
from handoffs.lifecycle.availability import is_somebody_there
from handoffs.starting.addressing import offered_integrations
from integrations.connections.building import connector_build, vendor_session
from integrations.connections.destinations import integration_for_key
from integrations.contract.connector import EndUserIdentity, HandoffRequest
from integrations.contract.integration_keys import vendor_name
from integrations.contract.manifest import Capability
from integrations.models import Integration


def agent_place(conversation: Conversation) -> AgentPlace:
    """Return the place of a conversation; it has its project."""
    keys = offered_integrations(conversation.project, [conversation.environment])
    show = Chunks(conversation.pk).show if conversation.is_streaming else None
    return AgentPlace(
        conversation=conversation,
        destinations={key: f"live agents at {vendor_name(key)}" for key in keys},
        is_available=partial(is_available, conversation),
        show=show,
    )


async def is_available(conversation: Conversation, key: str) -> bool | None:
    """Ask whether a live agent would answer there; None where the vendor does not tell."""
    found = await run_sync(_integration, conversation, key)
    if found is None:
        return False
    async with vendor_session() as session:
        connector = connector_build(found, session=session, run_sync=run_sync)
        if Capability.AVAILABILITY not in connector.capabilities:
            return None
        return await is_somebody_there(connector, _request(conversation))


def _integration(conversation: Conversation, key: str) -> Integration | None:
    return integration_for_key(conversation.project, conversation.environment, key)


def _request(conversation: Conversation) -> HandoffRequest:
    """Return a request that opens nothing."""
    return HandoffRequest(
        handoff_id="",
        conversation_id=conversation.pk,
        end_user=EndUserIdentity(external_id=conversation.end_user.external_id),
        channel=conversation.channel.kind,
        transcript=(),
        routing={},
        locale=conversation.locale,
    )
