"""Find the connection that a payload goes to: for live runs, trial runs and the lint alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from handoffs.errors import (
    NoConnectorError,
    NoDefaultError,
    NotAllowedHereError,
    NotConnectedError,
    NothingConnectedError,
)
from handoffs.payload.reading import HandoffPayload, payload_for_integration, resolve_destination
from handoffs.starting.connection_names import connection_named
from integrations.connections.destinations import (
    credential_set_names,
    integration_default,
    integration_for_key,
    integration_keys,
    live_chat_names,
)
from integrations.contract.hints import PayloadProblem
from integrations.contract.integration_keys import has_connector, payload_keys, vendor_name
from integrations.contract.registry import manifest_get
from integrations.models import Environment, Integration, Project
from integrations.models.connection_name import DEFAULT_SET

OVERRIDES_OFF = (
    "refused: inline overrides are off in this project. An admin turns them on under "
    "Settings > Project > Allow inline overrides"
)
WHERE_THE_DEFAULT_IS_SET = (
    "Integrations > Manage > Behaviour > Default agent system for all channels"
)


def payload_address(
    project: Project, environment: str, payload: HandoffPayload
) -> tuple[Integration, HandoffPayload]:
    """Return the connection to use and the payload addressed to it; raises HandoffError."""
    integration = _integration(project, environment, payload)
    integration, payload = connection_named(integration, payload)
    payload = payload_for_integration(payload, integration.integration_key)
    if problems := not_allowed(project, integration, payload.hints, payload.hints_at):
        raise NotAllowedHereError(problems)
    return integration, payload


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
    for name, fields in found.listed_hints.items():
        value = hints.get(name)
        if value is not None and value not in _listed(integration, fields):
            labels = {field.name: field.label for field in found.fields}
            problems.append(
                PayloadProblem(
                    f"{path}.{name}",
                    "refused: it is not on the connection's list. An admin adds it under "
                    f"Integrations > {found.tile} > {labels[fields[-1]]}",
                )
            )
    return problems


def _listed(integration: Integration, fields: Collection[str]) -> list[str]:
    texts = (integration.credentials.get(name, "") for name in fields)
    return [one for text in texts for one in text.replace(",", " ").split()]


def _integration(project: Project, environment: str, payload: HandoffPayload) -> Integration:
    key = payload.integration_key
    if key is None and payload.destination:
        offered = offered_integrations(project, [environment])
        found = resolve_destination(
            payload.destination, {}, integrations=offered, path=payload.names_at
        )
        key = found.integration_key
    if key is None:
        return _default(project, environment)
    credential_set = str(payload.hints.get("credential_set") or DEFAULT_SET)
    integration = integration_for_key(project, environment, key, credential_set)
    if integration is None:
        raise _missing(project, environment, key, credential_set)
    return integration


def _default(project: Project, environment: str) -> Integration:
    """Return the default agent system, or the only connection there is."""
    integration = integration_default(project, environment)
    if integration is not None:
        return integration
    where = Environment(environment).label
    names = live_chat_names(project, environment)
    if not names:
        raise NothingConnectedError(f"No integration for live chats is connected in {where}.")
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
