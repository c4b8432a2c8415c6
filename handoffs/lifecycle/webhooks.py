"""Tell a project's endpoints how its handoffs go, and how its connections stand."""

from __future__ import annotations

from typing import Any

from conversations.webhooks.event_types import WebhookType
from conversations.webhooks.outbox import conversation_tell, project_tell
from handoffs.lifecycle.details import handoff_details
from handoffs.models import Handoff
from integrations.models import Integration


def handoff_tell(handoff: Handoff, event_type: WebhookType, **more: Any) -> None:
    """Tell of a handoff, as it stands in memory, in the transaction that changes it.

    `more` joins what the Handoff API shows of it.
    """
    conversation_tell(
        handoff.conversation,
        event_type,
        lambda: {**handoff_details(handoff), **more},
        shared_id=handoff.shared_id,
    )


def agent_tell(handoff: Handoff, event_type: WebhookType, agent_id: str, name: str) -> None:
    """Tell who of the vendor's people has come or gone."""
    handoff_tell(handoff, event_type, agent={"id": agent_id, "name": name})


def connection_tell(sender: object, integration: Integration, before: str, **kwargs: Any) -> None:
    """Tell that a connection's status is another one; hears a signal of integrations."""
    project_tell(
        integration.project_id,
        WebhookType.CONNECTION_STATE_CHANGED,
        lambda: {
            "integration": integration.integration_key,
            "connector": integration.connector_key,
            "credential_set": integration.credential_set,
            "state": integration.status,
            "state_before": before,
            "error_code": integration.last_error_code,
        },
        environment=integration.environment,
        lane=f"connection:{integration.pk}",
    )
