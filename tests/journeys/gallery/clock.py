"""The gallery's clock: when it was planted; everything lies so far before it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

_BEGAN = timezone.now()


def ago(**span: float) -> datetime:
    """Return the moment so long before the planting began."""
    return _BEGAN - timedelta(**span)
