"""What a token of verified context must be bound to."""

from __future__ import annotations

import hashlib
import hmac
import uuid

from django.conf import settings


def context_id_of(session_id: uuid.UUID) -> str:
    """Return what a token must be bound to: known to this session's client alone."""
    key = hmac.digest(settings.SECRET_KEY.encode(), b"baton verified context", "sha256")
    return hmac.new(key, session_id.bytes, hashlib.sha256).hexdigest()[:32]
