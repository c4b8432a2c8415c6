"""What a project says of itself, what its Handoff API adds, and what its tools may decide."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction

from integrations.models import AuditEntry, Project
from integrations.projects.audit import audit_record

CHANGED = "project.changed"
PROJECT_FIELDS = (
    "name",
    "agent_name",
    "greeting",
    "no_match_text",
    "handoff_api",
    "handoff_reasons",
    "allow_inline_overrides",
    "trigger_policy",
    "time_zone",
    "service_level_seconds",
)
STATE_KEYS_MAX = 50
STATE_KEY_MAX_CHARACTERS = 64


class StaleSettingsError(Exception):
    """Somebody else has changed the settings since the form was drawn."""


def settings_version(project: Project) -> str:
    """Return a short mark that changes with any of the settings."""
    values = {name: getattr(project, name) for name in PROJECT_FIELDS}
    text = json.dumps(values, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@transaction.atomic
def project_set(
    project: Project, values: Mapping[str, Any], *, actor: Any = None, version: str = ""
) -> list[str]:
    """Set some of PROJECT_FIELDS and return which of them changed.

    Raises StaleSettingsError where `version` is given and not the present one.
    """
    row = Project.objects.select_for_update().get(pk=project.pk)
    if version and version != settings_version(row):
        raise StaleSettingsError
    changed = [
        name for name in PROJECT_FIELDS if name in values and getattr(row, name) != values[name]
    ]
    for name in changed:
        setattr(row, name, values[name])
        setattr(project, name, values[name])
    if changed:
        row.save(update_fields=changed)
        audit_record(project=row, actor=actor, action=CHANGED, subject=row.name, fields=changed)
    return changed


def settings_changes(project: Project) -> list[AuditEntry]:
    """Return the ten newest changes of the settings."""
    entries = AuditEntry.objects.filter(project=project, action=CHANGED)
    return list(entries.select_related("actor", "api_key")[:10])


def state_keys_read(lines: Iterable[str]) -> dict[str, Any]:
    """Return state keys and aliases of `name` or `name=alias` lines.

    Raises ValueError with a sentence that names the line at fault.
    """
    pairs: dict[str, str] = {}
    for line in lines:
        name, has_alias, alias = (part.strip() for part in line.partition("="))
        if not name and not has_alias:
            continue
        if not name or (has_alias and not alias) or "=" in alias:
            raise ValueError(f"“{line.strip()[:60]}” is not a name, nor name = outward name.")
        if too_long := next((one for one in (name, alias) if _is_bad(one)), None):
            raise ValueError(
                f"“{too_long[:40]}” cannot be a name: up to {STATE_KEY_MAX_CHARACTERS} printable "
                "characters."
            )
        if name in pairs:
            raise ValueError(f"{name} is given twice.")
        pairs[name] = alias
    if len(pairs) > STATE_KEYS_MAX:
        raise ValueError(f"{len(pairs)} values are given; at most {STATE_KEYS_MAX} fit.")
    _require_different(pairs)
    return {"state_keys": list(pairs), "aliases": {n: alias for n, alias in pairs.items() if alias}}


def state_key_lines(handoff_api: Mapping[str, Any]) -> list[str]:
    """Return the lines that state_keys_read would read so."""
    aliases = handoff_api.get("aliases", {})
    return [
        f"{name} = {aliases[name]}" if name in aliases else name
        for name in handoff_api.get("state_keys", [])
    ]


def _is_bad(name: str) -> bool:
    return len(name) > STATE_KEY_MAX_CHARACTERS or not (name.isprintable() or not name)


def _require_different(pairs: Mapping[str, str]) -> None:
    outward: set[str] = set()
    for name, alias in pairs.items():
        shown = alias or name
        if shown in outward:
            raise ValueError(f"Two values would be shown as {shown}.")
        outward.add(shown)
