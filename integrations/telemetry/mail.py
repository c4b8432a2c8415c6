"""Whether people can be told by mail."""

from __future__ import annotations

from django.conf import settings


def mail_is_set_up() -> bool:
    """Say whether Baton can send mail: EMAIL_URL names a server."""
    return not settings.EMAIL_BACKEND.endswith(".dummy.EmailBackend")
