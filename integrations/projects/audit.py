"""Writes the audit: who changed what, with the names of fields and never their values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from integrations.models import ApiKey, AuditEntry, Project


def audit_record(
    *, project: Project | None, actor: Any, action: str, subject: str, fields: Iterable[str] = ()
) -> None:
    """Add one entry; `actor` is a user, an API key, or None when Baton itself acted.

    Without a project it concerns the whole portal.
    """
    key = actor if isinstance(actor, ApiKey) else None
    AuditEntry.objects.create(
        project=project,
        actor=None if key else actor,
        api_key=key,
        action=action,
        subject=subject,
        fields=sorted(fields),
    )
