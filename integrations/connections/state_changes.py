"""Says when a connection's status is another one, for the apps above that tell others of it."""

from __future__ import annotations

from django.dispatch import Signal

from integrations.models import Integration

# Sent in the transaction of the change with `integration`, as it is now, and `before`, its status.
connection_state_changed = Signal()


def status_compare(integration: Integration, before: str) -> None:
    """Send the signal if the status of a saved row is not what it was."""
    if integration.status != before:
        connection_state_changed.send(Integration, integration=integration, before=before)
