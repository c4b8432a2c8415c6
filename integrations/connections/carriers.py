"""Carriers as the channels above see them: found, opened and named, and no credential shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django.db.models import QuerySet

from integrations.connections.addresses import webhook_urls
from integrations.connections.building import connector_build, vendor_session
from integrations.connections.calls import vendor_calls_save
from integrations.connections.services import integration_mark_healthy, integration_mark_refused
from integrations.connections.tokens import RunSync
from integrations.contract.carrier import Carrier, InboundText, TextReport, ThreadPolicy
from integrations.contract.connector import WebhookItem
from integrations.contract.errors import ConnectorError
from integrations.contract.manifest import ErrorHelp
from integrations.contract.registry import carrier_class, carrier_keys
from integrations.http.client import Session
from integrations.http.recording import VendorCallRecord
from integrations.models import Integration, Project


def is_carrier(integration: Integration) -> bool:
    """Say whether end users write through a connection, and no live agent is behind it."""
    return integration.connector_key in carrier_keys()


def carrier_connections(project: Project) -> QuerySet[Integration]:
    """Return the project's connections to carriers, by environment."""
    rows = Integration.objects.filter(project=project, connector_key__in=carrier_keys())
    return rows.exclude(status=Integration.Status.NOT_CONNECTED).order_by("environment", "pk")


def connection_policy(integration: Integration) -> ThreadPolicy:
    """Return what the connection's values say about its threads."""
    return carrier_class(integration.connector_key).policy(integration.credentials)


def carrier_reads(
    integration: Integration, items: Sequence[WebhookItem]
) -> list[InboundText | TextReport]:
    """Return what verified calls tell."""
    carrier = carrier_class(integration.connector_key)
    read = (carrier.read(item, integration.credentials) for item in items)
    return [one for one in read if one is not None]


def text_limits(integration: Integration) -> tuple[int, int]:
    """Return what fits into one text: characters, and bytes of a file."""
    carrier = carrier_class(integration.connector_key)
    return carrier.max_characters, carrier.max_media_bytes


def report_address(integration: Integration) -> str:
    """Return where the carrier tells what became of a text."""
    urls: Mapping[str, str] = webhook_urls(integration)
    return urls["status"]


def error_cause(integration: Integration, code: str) -> ErrorHelp | None:
    """Return what the carrier's own number for an error means, where it is known."""
    return carrier_class(integration.connector_key).error_causes.get(code)


def carriers_session() -> Session:
    """Make a session on the loop that uses it, for all carriers of a process."""
    return vendor_session()


def carrier_open(
    integration: Integration,
    *,
    session: Session,
    run_sync: RunSync,
    records: list[VendorCallRecord],
) -> Carrier:
    """Return the carrier of a connection; `records` gets each call, to be kept afterwards."""
    made = connector_build(integration, session=session, run_sync=run_sync, recorder=records.append)
    assert isinstance(made, Carrier)
    return made


def carrier_calls_save(
    integration_id: int, belongs_to: str, records: Sequence[VendorCallRecord]
) -> None:
    """Keep the calls that something took, under its id."""
    if records:
        pairs = [(belongs_to, record) for record in records]
        vendor_calls_save(integration_id=integration_id, records=pairs)


def carrier_refused(integration: Integration, error: ConnectorError) -> None:
    """Say on the tile that the carrier refused what only an admin can mend."""
    integration_mark_refused(integration, error)


def carrier_works(integration: Integration) -> None:
    """Take back what the tile says, if it says anything."""
    if integration.status == Integration.Status.NEEDS_ATTENTION or not integration.last_success_at:
        integration_mark_healthy(integration)
