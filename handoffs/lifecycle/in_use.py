"""Which integrations open handoffs still use, whatever has become of the connection."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from handoffs.models import Handoff
from handoffs.states import OPEN_STATES
from integrations.models import Integration

_OPEN = [state.value for state in OPEN_STATES]


def integrations_in_use() -> QuerySet[Any, Any]:
    """Return the ids of the integrations that an open handoff is at."""
    open_ones = Handoff.objects.filter(state__in=_OPEN, integration__isnull=False)
    return open_ones.values("integration_id")


def open_handoff_count(integration: Integration) -> int:
    """Count the handoffs that still use an integration."""
    return Handoff.objects.filter(integration=integration, state__in=_OPEN).count()
