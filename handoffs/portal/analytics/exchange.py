"""How much either side of a handoff said, and when the live agent said something first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from handoffs.models import Delivery, VendorEvent
from integrations.contract.events import LiveAgentJoined, LiveAgentMessage

_BOT = "vendor_bot"


@dataclass(slots=True)
class Exchange:
    """What one handoff had of messages."""

    from_end_user: int = 0
    undelivered: int = 0
    from_live_agent: int = 0
    first_reply_at: datetime | None = None
    # The vendor says who joined; where it does not, joining is the first message.
    is_joining_told: bool = False


def exchanges(handoff_ids: Sequence[str]) -> defaultdict[str, Exchange]:
    """Return by handoff what was exchanged, in two statements."""
    found: defaultdict[str, Exchange] = defaultdict(Exchange)
    sent = Delivery.objects.filter(handoff__in=handoff_ids).order_by().values("handoff_id")
    failed = Count("pk", filter=Q(status=Delivery.Status.FAILED))
    for row in sent.annotate(n=Count("pk"), failed=failed):
        one = found[row["handoff_id"]]
        one.from_end_user, one.undelivered = row["n"], row["failed"]
    kinds = (LiveAgentJoined.__name__, LiveAgentMessage.__name__)
    heard = VendorEvent.objects.filter(handoff__in=handoff_ids, kind__in=kinds).order_by("pk")
    values = heard.values_list("handoff_id", "kind", "event__created_at", "event__payload__by")
    for pk, kind, at, by in values:
        one = found[pk]
        if kind == LiveAgentJoined.__name__:
            one.is_joining_told = True
        elif by != _BOT:
            one.from_live_agent += 1
            one.first_reply_at = one.first_reply_at or at
    return found
