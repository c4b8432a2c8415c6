"""Choose who answers in a project, and keep what an admin must mend; the only writer of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from conversations.ai_agent.runtimes.kinds import (
    PREVIOUS_SECRET,
    SIGNING_SECRET,
    AgentKind,
    kind_of,
)
from conversations.models import OutsideAgent
from conversations.webhooks.endpoints import OVERLAP, secret_make
from integrations.models import Project
from integrations.projects.audit import audit_record


@transaction.atomic
def outside_agent_save(
    *,
    project: Project,
    actor: Any,
    kind: AgentKind,
    url: str,
    options: Mapping[str, Any],
    typed_secrets: Mapping[str, str],
) -> tuple[OutsideAgent, str]:
    """Let an agent answer from the next message on; a secret that is not typed stays.

    Returns the agent and the secret that was made for it, if one was: nobody sees it again.
    """
    before = OutsideAgent.objects.select_for_update().filter(project=project).first()
    row = before or OutsideAgent(project=project)
    kept = row.secrets if row.kind == kind.key else {}
    found, made = {**kept, **{name: text for name, text in typed_secrets.items() if text}}, ""
    if kind.signs and not found.get(SIGNING_SECRET):
        found[SIGNING_SECRET] = made = secret_make()
    values = {"kind": kind.key, "url": url, "options": dict(options), "secrets": found}
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name, value in values.items():
        setattr(row, name, value)
    if changed:
        # What failed was the agent as it was before.
        row.error_code, row.error_at = "", None
        row.save()
        _audit(row, actor, "outside_agent.changed", changed)
    return row, made


@transaction.atomic
def outside_agent_remove(*, project: Project, actor: Any) -> None:
    """Let the built-in agent answer from the next message on."""
    row = OutsideAgent.objects.filter(project=project).first()
    if row is not None:
        _audit(row, actor, "outside_agent.removed")
        row.delete()


@transaction.atomic
def signing_secret_replace(*, agent: OutsideAgent, actor: Any, overlaps: bool = False) -> str:
    """Sign with a new secret from now on, and return it: nobody sees it again.

    With `overlaps` the one before signs as well for a day: the agent can change over at leisure.
    """
    row = OutsideAgent.objects.select_for_update(of=("self",)).get(pk=agent.pk)
    made, previous = secret_make(), row.secrets.get(SIGNING_SECRET, "") if overlaps else ""
    row.secrets = {**row.secrets, SIGNING_SECRET: made, PREVIOUS_SECRET: previous}
    row.previous_until = timezone.now() + OVERLAP if previous else None
    row.save(update_fields=["secrets", "previous_until", "updated_at"])
    agent.secrets, agent.previous_until = row.secrets, row.previous_until
    _audit(agent, actor, "outside_agent.secret_made", [SIGNING_SECRET])
    return made


def outside_agent_error_note(agent: OutsideAgent, code: str) -> None:
    """Keep that the agent fails, or that it answers again; written on a change of that only."""
    if agent.error_code == code:
        return
    rows = OutsideAgent.objects.filter(pk=agent.pk, updated_at=agent.updated_at)
    at = timezone.now() if code else None
    rows.exclude(error_code=code).update(error_code=code, error_at=at)


def outside_agent_answered(project_id: int) -> None:
    """Keep that a project's agent answers again, if it had failed: what it promised has come."""
    rows = OutsideAgent.objects.filter(project_id=project_id).exclude(error_code="")
    rows.update(error_code="", error_at=None)


def _audit(row: OutsideAgent, actor: Any, action: str, fields: list[str] | None = None) -> None:
    kind = kind_of(row.kind)
    audit_record(
        project=row.project,
        actor=actor,
        action=action,
        subject=kind.label if kind else row.kind,
        fields=fields or [],
    )
