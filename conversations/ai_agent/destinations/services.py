"""Create, change and delete the places that handoffs go to by name; the only writer of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import count
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from conversations.ai_agent.destinations.selectors import destination_used_by
from conversations.models import Destination
from integrations.models import Project
from integrations.projects.audit import audit_record

NAME_MAX = 128
DESTINATIONS_MAX = 100
# They would end the reference {{ho:name}}.
_NO_NAME = re.compile(r"[{}\x00-\x1f\x7f]")


@transaction.atomic
def destination_create(*, project: Project, actor: Any, values: Mapping[str, Any]) -> Destination:
    """Add a destination; the first one is the default. Raises ValidationError by field."""
    others = _locked(project)
    if len(others) >= DESTINATIONS_MAX:
        raise ValidationError(f"A project has at most {DESTINATIONS_MAX} destinations.")
    row = Destination(project=project, is_default=not others, **values)
    _check(row, others)
    row.save()
    _audit(row, actor, "destination.created", values)
    return row


@transaction.atomic
def destination_update(
    *, destination: Destination, actor: Any, values: Mapping[str, Any]
) -> Destination:
    """Change a destination, and what names it; raises ValidationError by field."""
    others = [row for row in _locked(destination.project) if row.pk != destination.pk]
    changed = destination.change(values)
    _check(destination, others)
    destination.save()
    if (old_name := changed.get("name", destination.name)) != destination.name:
        _rename_in_topics(destination.project, old_name, destination.name)
        _rename_in_flows(destination.project, old_name, destination.name)
    if changed:
        _audit(destination, actor, "destination.changed", changed)
    return destination


@transaction.atomic
def destination_duplicate(*, destination: Destination, actor: Any) -> Destination:
    """Add a copy under a name that is free."""
    taken = {row.name.casefold() for row in _locked(destination.project)}
    stem = destination.name[: NAME_MAX - 10]
    names = (f"{stem} copy" + (f" {number}" if number > 1 else "") for number in count(1))
    fields = ("description", "kind", "integration_key", "hints", "queue_name", "route")
    more = ("client_reason", "after_flow")
    values = {name: getattr(destination, name) for name in (*fields, *more)}
    values["name"] = next(name for name in names if name.casefold() not in taken)
    return destination_create(project=destination.project, actor=actor, values=values)


@transaction.atomic
def destination_set_default(*, destination: Destination, actor: Any) -> None:
    """Let handoffs go there that name no place."""
    _locked(destination.project)
    _make_default(destination)
    _audit(destination, actor, "destination.made_default", ["is_default"])


@transaction.atomic
def destination_delete(
    *, destination: Destination, actor: Any, successor: Destination | None = None
) -> None:
    """Delete a destination that no topic or flow names; the default one needs a successor.

    Raises ValidationError.
    """
    others = [row for row in _locked(destination.project) if row.pk != destination.pk]
    used = destination_used_by(project=destination.project, name=destination.name)
    if used.must_change:
        named = [one.name for one in used.topics] + [one.name for one in used.flows]
        names = ", ".join(f"“{name}”" for name in named) or "the handoff rules"
        raise ValidationError(
            f"{destination.name} is still named by {names}. Change that first.",
            code="destination_in_use",
        )
    if destination.is_default and others and successor not in others:
        raise ValidationError("Choose the new default destination.", code="successor_missing")
    _audit(destination, actor, "destination.deleted", [])
    was_default = destination.is_default
    destination.delete()
    if was_default and successor is not None:
        _make_default(successor)


def _make_default(destination: Destination) -> None:
    rows = Destination.objects.filter(project=destination.project)
    rows.filter(is_default=True).update(is_default=False)
    destination.is_default = True
    destination.save(update_fields=["is_default", "updated_at"])


def _locked(project: Project) -> list[Destination]:
    """Return all of a project's, held against others who write them: one is the default."""
    project.lock()
    return list(Destination.objects.filter(project=project))


def _check(row: Destination, others: list[Destination]) -> None:
    row.name = row.name.strip()
    if not row.name or len(row.name) > NAME_MAX or _NO_NAME.search(row.name):
        message = f"Use 1 to {NAME_MAX} characters, without line breaks and curly brackets."
        raise ValidationError({"name": message})
    if row.name.casefold() in (other.name.casefold() for other in others):
        message = f"A destination named “{row.name}” exists in this project."
        raise ValidationError({"name": ValidationError(message, code="destination_name")})


def _rename_in_topics(project: Project, old: str, new: str) -> None:
    reference = re.compile(r"\{\{\s*ho\s*:\s*" + re.escape(old) + r"\s*\}\}", re.IGNORECASE)
    used = destination_used_by(project=project, name=old)
    if used.rules:
        rules = project.trigger_policy["rules"]
        for rule in rules:
            rule["destination"] = new if rule["destination"] == old else rule["destination"]
        Project.objects.filter(pk=project.pk).update(trigger_policy=project.trigger_policy)
    for topic in used.topics:
        for action in topic.actions:
            if action.get("kind") == "handoff" and action.get("target") == old:
                action["target"] = new
        topic.actions_text = reference.sub(lambda _: "{{ho:" + new + "}}", topic.actions_text)
        topic.save(update_fields=["actions", "actions_text", "updated_at"])


def _rename_in_flows(project: Project, old: str, new: str) -> None:
    for flow in destination_used_by(project=project, name=old).flows:
        for step in flow.steps:
            if str(step.get("destination", "")).casefold() == old.casefold():
                step["destination"] = new
        flow.save(update_fields=["steps", "updated_at"])


def _audit(row: Destination, actor: Any, action: str, fields: Any) -> None:
    audit_record(
        project=row.project, actor=actor, action=action, subject=row.name, fields=list(fields)
    )
