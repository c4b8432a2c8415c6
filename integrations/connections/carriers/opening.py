"""Opens carriers for the channels above, and says on their tile how they fare."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.connections.building import connector_build, vendor_session
from integrations.connections.calls import vendor_calls_save
from integrations.connections.services import integration_mark_healthy, integration_mark_refused
from integrations.connections.tokens import RunSync
from integrations.contract.carrier import Carrier
from integrations.contract.errors import ConnectorError
from integrations.http.client import Session
from integrations.http.recording import VendorCallRecord
from integrations.models import Integration


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
