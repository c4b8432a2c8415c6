"""Links to a page with the transcript of a handoff: signed, good for a day and ten looks."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from handoffs.models import Handoff, TranscriptLink

LIFE, LOOKS_MAX = timedelta(hours=24), 10
_SALT = "transcript"


def transcript_url(handoff: Handoff) -> str:
    """Return the address of a handoff's page, the same for each try to begin it."""
    link, _ = TranscriptLink.objects.get_or_create(
        handoff=handoff, defaults={"expires_at": timezone.now() + LIFE}
    )
    token = Signer(salt=_SALT).sign(link.pk.hex)
    return f"{settings.PUBLIC_URL}{reverse('transcript', args=[token])}"


def transcript_open(token: str) -> Handoff | None:
    """Count one look at a page and return its handoff; None where the link is no longer good."""
    try:
        key = uuid.UUID(Signer(salt=_SALT).unsign(token))
    except (BadSignature, ValueError):
        return None
    good = TranscriptLink.objects.filter(pk=key, looks__lt=LOOKS_MAX, expires_at__gt=timezone.now())
    if not good.update(looks=F("looks") + 1):
        return None
    rows = Handoff.objects.select_related("conversation__project", "conversation__end_user")
    return rows.select_related("integration").get(transcript_link__pk=key)
