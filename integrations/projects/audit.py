"""Writes the audit: who changed what, with the names of fields and never their values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from integrations.models import ApiKey, AuditEntry, Project, Workspace


def audit_record(
    *,
    project: Project | None,
    actor: Any,
    action: str,
    subject: str,
    fields: Iterable[str] = (),
    workspace: Workspace | None = None,
) -> None:
    """Add one entry; `actor` is a user, an API key, or None when Baton itself acted.

    Without a project it concerns the workspace, without that the whole portal.
    """
    key = actor if isinstance(actor, ApiKey) else None
    AuditEntry.objects.create(
        workspace=project.workspace if project else workspace,
        project=project,
        actor=None if key else actor,
        api_key=key,
        actor_label=_label(actor),
        action=action,
        subject=subject[:120],
        fields=sorted(fields),
    )


def audit_person(*, user: Any, actor: Any, action: str, fields: Iterable[str] = ()) -> None:
    """Add an entry about somebody's account to each of their workspaces."""
    named = list(fields)
    for workspace in Workspace.objects.filter(members__user=user) or [None]:
        audit_record(
            project=None,
            workspace=workspace,
            actor=actor,
            action=action,
            subject=user.get_username(),
            fields=named,
        )


def _label(actor: Any) -> str:
    if isinstance(actor, ApiKey):
        return f"API key {actor.name}"
    return actor.get_username() if actor else ""
