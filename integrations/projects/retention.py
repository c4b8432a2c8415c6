"""How long a project keeps what was said, and the lines of its log."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from integrations.models import Project
from integrations.projects.audit import audit_record

CONVERSATION_DAYS, LOG_DAYS = 365, 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """Days after the end of a conversation, and after a line was logged; 0 keeps for ever."""

    conversation_days: int = CONVERSATION_DAYS
    log_days: int = LOG_DAYS


def retention_of(project: Project) -> Retention:
    """Return what was set, else what is usual."""
    known = asdict(Retention())
    return Retention(**{name: int(project.retention.get(name, known[name])) for name in known})


def retention_set(*, project: Project, kept: Retention, actor: Any) -> list[str]:
    """Set it; return the names of what changed."""
    before, after = asdict(retention_of(project)), asdict(kept)
    changed = [name for name in after if before[name] != after[name]]
    if changed:
        Project.objects.filter(pk=project.pk).update(retention=after)
        audit_record(
            project=project,
            actor=actor,
            action="retention.changed",
            subject=project.name,
            fields=changed,
        )
    return changed
