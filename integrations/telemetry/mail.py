"""Whether people can be told by mail, and the one way to do it."""

from __future__ import annotations

from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMessage


def mail_is_set_up() -> bool:
    """Say whether Baton can send mail: EMAIL_URL names a server."""
    return not settings.EMAIL_BACKEND.endswith(".dummy.EmailBackend")


def mail_send(*, to: Sequence[str], subject: str, body: str) -> None:
    """Send a mail; raises OSError (or smtplib's kinds of it) when the mail server does not."""
    sender = settings.DEFAULT_FROM_EMAIL
    EmailMessage(subject=subject, body=body, from_email=sender, to=list(to)).send()
