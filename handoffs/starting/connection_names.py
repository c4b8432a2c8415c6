"""Which of several connections a payload names, where a vendor's payloads name one."""

from __future__ import annotations

from dataclasses import replace

from handoffs.errors import UnknownConnectionError
from handoffs.payload.reading import HandoffPayload
from integrations.connections.destinations import integrations_by_name
from integrations.contract.registry import manifest_get
from integrations.models import Integration


def connection_named(
    integration: Integration, payload: HandoffPayload, *, is_default: bool
) -> tuple[Integration, HandoffPayload]:
    """Return the connection that the payload names, and the payload with its name.

    A payload that leaves the choice to the project (`is_default`) needs no name. Raises
    UnknownConnectionError for a name that no connection has, with those that there are.
    """
    hint = manifest_get(integration.connector_key).named_by
    if not hint:
        return integration, payload
    if is_default:
        own_name = integration.credentials.get(hint, "")
        return integration, replace(payload, hints={**payload.hints, hint: own_name})
    wanted = payload.hints.get(hint)
    if wanted is None:
        return integration, payload  # its absence is reported with the other hints
    names = integrations_by_name(integration, hint)
    if wanted not in names:
        known = ", ".join(sorted(names))
        raise UnknownConnectionError(
            [(f"{payload.hints_at}.{hint}", f"no connection has this name; known: {known}")]
        )
    return names[str(wanted)], payload
