"""Find handoffs by why they were asked for."""

from __future__ import annotations

from django.db.models import Q

# Those with a reason that is none of the project's list.
OTHER_REASON = "other"


def reason_is(wanted: str) -> Q:
    """Match a code of the project's list, a reason as it was said, or `other`."""
    if wanted == OTHER_REASON:
        return Q(reason_code="") & ~Q(reason="") | Q(reason_code=OTHER_REASON)
    return Q(reason_code=wanted) | Q(reason__iexact=wanted)
