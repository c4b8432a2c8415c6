"""Find the connection that a payload goes to: for live runs, trial runs and the lint alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from conversations.ai_agent.destinations.selectors import destination_list, destination_named
from conversations.ai_agent.topics.deciding import ANGER, MISSED
from conversations.models import Destination
from handoffs.errors import (
    NoConnectorError,
    NoDefaultError,
    NotAllowedHereError,
    NotConnectedError,
    NothingConnectedError,
)
from handoffs.payload.reading import HandoffPayload, payload_for_integration, resolve_destination
from handoffs.starting.connection_names import connection_named
from handoffs.starting.destination_hints import destination_merge
from integrations.behaviour.channels import CHANNELS, channel_mapped
from integrations.connections.destinations import (
    channel_candidates,
    credential_set_for,
    credential_set_names,
    integration_default,
    integration_for_key,
    integration_keys,
    live_chat_names,
    vendor_title,
)
from integrations.contract.hints import PayloadProblem
from integrations.contract.integration_keys import (
    has_connector,
    key_named,
    payload_keys,
    vendor_name,
)
from integrations.contract.registry import manifest_get
from integrations.models import Environment, Integration, Project

OVERRIDES_OFF = (
    "refused: inline overrides are off in this project. An admin turns them on under "
    "Settings > Project > Allow inline overrides"
)
# What the AI agent's own reasons are on the wire.
_OWN_REASONS = {MISSED: "COMPLEX_QUERY", ANGER: "COMPLEX_QUERY"}
WHERE_CHANNELS_ARE_SET = "Integrations > Manage > Behaviour"
WHERE_THE_DEFAULT_IS_SET = f"{WHERE_CHANNELS_ARE_SET} > Default agent system for all channels"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientHandoff:
    """What a client is told that must carry a handoff out by itself."""

    reason: str
    queue_name: str
    route: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a payload goes: to a connection of the portal, or to the client; one of the two."""

    payload: HandoffPayload
    integration: Integration | None = None
    client: ClientHandoff | None = None


def payload_address(
    project: Project,
    environment: str,
    payload: HandoffPayload,
    destinations: Sequence[Destination] | None = None,
    *,
    variant: str = "",
    channel: str = "webchat",
) -> Address:
    """Return where a payload goes, and the payload addressed to it; raises HandoffError.

    `destinations` are those that hold, the project's own unless others are given. The variant
    chooses the credential set where nothing else does; the channel, where no connection is named.
    """
    rows = destination_list(project=project) if destinations is None else destinations
    place = _place(payload, rows)
    if place is None and _is_phone_call(payload):
        client = ClientHandoff(reason=client_reason(payload.reason), queue_name=payload.destination)
        return Address(payload=payload, client=client)
    if place is not None and place.is_for_client:
        client = _client_handoff(place, payload)
        return Address(payload=_for_client(place, payload), client=client)
    asked = _Asked(project=project, environment=environment, variant=variant, channel=channel)
    return _at_vendor(asked, payload, place, rows)


def client_reason(reason: str, default: str = Destination.ClientReason.AGENT_DECISION) -> str:
    """Return the reason on the wire: the tool's where it is one of the three, else the default."""
    wanted = _OWN_REASONS.get(reason, reason.strip().upper())
    return wanted if wanted in Destination.ClientReason.values else str(default)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """For whom an address is sought."""

    project: Project
    environment: str
    variant: str
    channel: str


def _at_vendor(
    asked: _Asked,
    payload: HandoffPayload,
    place: Destination | None,
    rows: Sequence[Destination],
) -> Address:
    own = payload.hints
    if place is not None:
        payload = destination_merge(place, payload)
    integration = _integration(asked, payload, place, rows)
    is_default = payload.integration_key is None and (place is not None or not payload.destination)
    integration, payload = connection_named(integration, payload, is_default=is_default)
    payload = payload_for_integration(payload, integration.integration_key)
    # What an admin has written into a destination is no override of a tool's.
    own = {name: value for name, value in payload.hints.items() if name in own}
    problems = not_allowed(asked.project, integration, own, payload.hints_at)
    problems += [
        one for one in unlisted(integration, payload.hints, payload.hints_at) if one not in problems
    ]
    if problems:
        raise NotAllowedHereError(problems)
    return Address(payload=payload, integration=integration)


def _place(payload: HandoffPayload, rows: Sequence[Destination]) -> Destination | None:
    if payload.integration_key is not None:
        return None
    return destination_named(rows, payload.destination)


def _is_phone_call(payload: HandoffPayload) -> bool:
    return payload.is_voice and key_named(payload.destination) is None


def _client_handoff(place: Destination, payload: HandoffPayload) -> ClientHandoff:
    """Return what the client gets; a tool's own queue stands in place of the saved route."""
    return ClientHandoff(
        reason=client_reason(payload.reason, place.client_reason),
        queue_name=place.queue_name or place.name,
        route=payload.queue or place.route,
    )


def _for_client(place: Destination, payload: HandoffPayload) -> HandoffPayload:
    payload = replace(payload, destination=place.name)
    return payload if payload.reason else replace(payload, reason=place.name)


def offered_integrations(project: Project, environments: Collection[str]) -> list[str]:
    """Return the keys that a tool of the project can name in some of these environments."""
    found = {key for one in environments for key in integration_keys(project, one)}
    return [key for key in payload_keys() if key in found]


def not_allowed(
    project: Project, integration: Integration, hints: Mapping[str, object], path: str
) -> list[PayloadProblem]:
    """List the hints with which a tool chooses what only an admin may choose here.

    None as a value stands for one that is not known yet: such a hint is judged by its name alone.
    """
    found = manifest_get(integration.connector_key)
    problems = []
    if not project.allow_inline_overrides:
        problems += [
            PayloadProblem(f"{path}.{name}", OVERRIDES_OFF)
            for name in found.override_hints
            if name in hints
        ]
    return problems + unlisted(integration, hints, path)


def unlisted(
    integration: Integration, hints: Mapping[str, object], path: str
) -> list[PayloadProblem]:
    """List the hints whose value is not among those that the connection allows."""
    found = manifest_get(integration.connector_key)
    labels = {field.name: field.label for field in found.fields}
    return [
        PayloadProblem(
            f"{path}.{name}",
            "refused: it is not on the connection's list. An admin adds it under "
            f"Integrations > {found.tile} > {labels[fields[-1]]}",
        )
        for name, fields in found.listed_hints.items()
        if hints.get(name) is not None and hints[name] not in _listed(integration, fields)
    ]


def _listed(integration: Integration, fields: Collection[str]) -> list[str]:
    texts = (integration.credentials.get(name, "") for name in fields)
    return [one for text in texts for one in text.replace(",", " ").split()]


def _integration(
    asked: _Asked,
    payload: HandoffPayload,
    place: Destination | None,
    rows: Sequence[Destination],
) -> Integration:
    project, environment = asked.project, asked.environment
    key = payload.integration_key
    if key is None and payload.destination and place is None:
        offered = offered_integrations(project, [environment])
        names = {row.name: row.integration_key for row in rows}
        found = resolve_destination(
            payload.destination, names, integrations=offered, path=payload.names_at
        )
        key = found.integration_key
    if key is None:
        return _default(asked)
    named = str(payload.hints.get("credential_set") or "")
    credential_set = named or credential_set_for(project, environment, key, asked.variant)
    integration = integration_for_key(project, environment, key, credential_set)
    if integration is None:
        raise _missing(project, environment, key, credential_set)
    return integration


def _default(asked: _Asked) -> Integration:
    """Return what the channel is mapped to, the default agent system, or the only connection."""
    project, environment = asked.project, asked.environment
    channel = channel_mapped(asked.channel)
    integration = integration_default(project, environment, channel)
    if integration is not None:
        return integration
    where = Environment(environment).label
    names = live_chat_names(project, environment)
    if not names:
        raise NothingConnectedError(f"No integration for live chats is connected in {where}.")
    takers = [vendor_title(row) for row in channel_candidates(project, environment, channel)]
    if len(takers) < len(names):
        raise NoDefaultError(
            f"The tool named no integration, and {len(takers)} take handoffs from "
            f"{CHANNELS[channel]} in {where}, none of them the default: {', '.join(takers)}. "
            f"Leave one of them, or choose the default among them, under {WHERE_CHANNELS_ARE_SET}."
        )
    raise NoDefaultError(
        f"The tool named no integration, and {len(names)} are connected in {where} without a "
        f"default: {', '.join(names)}. Choose the default under {WHERE_THE_DEFAULT_IS_SET}, or "
        "name one in the tool."
    )


def _missing(
    project: Project, environment: str, key: str, credential_set: str
) -> NotConnectedError:
    vendor, where = vendor_name(key), Environment(environment).label
    names = [vendor_name(one) for one in offered_integrations(project, [environment])]
    known = f" Connected in {where}: {', '.join(names)}." if names else ""
    if not has_connector(key):
        return NoConnectorError(
            f"There is no connector for {vendor} yet, so no handoff can go there.{known}",
            integration_key=key,
        )
    missing = f"{vendor} is not connected in {where}.{known}"
    if sets := credential_set_names(project, environment, key):
        there = ", ".join(sets)
        missing = f"{vendor} has no credential set “{credential_set}” in {where}. Known: {there}."
    return NotConnectedError(missing, integration_key=key)
