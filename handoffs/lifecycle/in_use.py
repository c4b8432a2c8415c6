"""Which integrations open handoffs still use, whatever has become of the connection."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from handoffs.models import Handoff
from handoffs.states import OPEN_VALUES
from integrations.models import Integration


def integrations_in_use() -> QuerySet[Any, Any]:
    """Return the ids of the integrations that an open handoff is at, or has to be ended at."""
    is_used = Q(state__in=OPEN_VALUES) | Q(vendor_end_until__isnull=False)
    return Handoff.objects.filter(is_used, integration__isnull=False).values("integration_id")


def open_handoff_ids(integration: Integration) -> list[str]:
    """Return the ids of the handoffs that still use an integration."""
    found = Handoff.objects.filter(integration=integration, state__in=OPEN_VALUES)
    return list(found.order_by("requested_at").values_list("pk", flat=True))


def open_handoff_count(integration: Integration) -> int:
    """Count the handoffs that still use an integration."""
    return Handoff.objects.filter(integration=integration, state__in=OPEN_VALUES).count()
