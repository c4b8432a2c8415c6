"""What every portal page needs to draw its frame."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest


def portal(request: HttpRequest) -> dict[str, object]:
    """Return the template variables of the frame."""
    return {"allow_local_vendors": settings.ALLOW_LOCAL_VENDORS}
