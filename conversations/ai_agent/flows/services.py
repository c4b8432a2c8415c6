"""Create, change and delete flows; the only writer of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from conversations.ai_agent.flows.steps import plan_of
from conversations.models import Flow
from integrations.models import Project
from integrations.projects.audit import audit_record

STEPS_MAX = 60
FIRST_STEP = "Start"
# Fields of a step that name another step.
_STEP_LINKS = ("next_step", "on_failed")


class StaleStepError(Exception):
    """Somebody else has changed or deleted the step since its form was drawn."""


def step_version(step: Mapping[str, Any]) -> str:
    """Return a short mark that changes with anything of the step."""
    text = json.dumps(step, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


@transaction.atomic
def flow_create(*, project: Project, actor: Any, values: Mapping[str, Any]) -> Flow:
    """Add a flow, with a first step where none is given; raises ValidationError."""
    project.lock()
    flow = Flow(project=project, **values)
    if not flow.steps:
        flow.steps = [{"name": FIRST_STEP, "kind": "default"}]
    _check(flow)
    flow.save()
    _audit(flow, actor, "created", values)
    return flow


@transaction.atomic
def flow_update(*, flow: Flow, actor: Any, values: Mapping[str, Any]) -> Flow:
    """Change a flow, and those that wait in it when its name changes; raises ValidationError."""
    flow.project.lock()
    changed = flow.change(values)
    _check(flow)
    flow.save()
    if (old_name := changed.get("name", flow.name)) != flow.name:
        _rename_waiting(flow.project, old_name, flow.name)
        _rename_elsewhere(flow.project, old_name, flow.name)
    if changed:
        _audit(flow, actor, "changed", changed)
    return flow


@transaction.atomic
def flow_delete(*, flow: Flow, actor: Any) -> None:
    """Delete a flow; what leads to it says so afterwards."""
    _audit(flow, actor, "deleted", ())
    flow.delete()


@transaction.atomic
def step_save(
    *, flow: Flow, actor: Any, old_name: str, step: Mapping[str, Any], version: str = ""
) -> Flow:
    """Put a step into a flow, in the place of the one of that name, or without it as the last one.

    Ways that led to its old name lead to the new one. Raises ValidationError, and StaleStepError
    where that one is gone, or `version` is given and not its own.
    """
    _lock(flow)
    at = _place(flow, old_name, version) if old_name else None
    steps, start = deepcopy(flow.steps), flow.start_step
    if at is None:
        steps.append(dict(step))
    else:
        steps[at] = dict(step)
        if old_name != step["name"]:
            _rename_step(steps, old_name, step["name"])
            start = step["name"] if start == old_name else start
    values = {"steps": steps, "start_step": start or steps[0]["name"]}
    return flow_update(flow=flow, actor=actor, values=values)


@transaction.atomic
def step_delete(*, flow: Flow, actor: Any, name: str, version: str = "") -> Flow:
    """Take a step out; ways that led to it stay and are shown as broken.

    Raises StaleStepError as step_save does.
    """
    _lock(flow)
    at = _place(flow, name, version)
    steps = [one for number, one in enumerate(flow.steps) if number != at]
    return flow_update(flow=flow, actor=actor, values={"steps": steps})


def _lock(flow: Flow) -> None:
    """Lock a flow as flow_update does: what is made of its steps is made of the newest."""
    flow.project.lock()
    flow.lock()


def _place(flow: Flow, name: str, version: str) -> int:
    for at, step in enumerate(flow.steps):
        if step["name"] == name and version in ("", step_version(step)):
            return at
    raise StaleStepError


def _check(flow: Flow) -> None:
    flow.name = flow.name.strip()
    others = Flow.objects.filter(project=flow.project, name=flow.name).exclude(pk=flow.pk)
    if not flow.name:
        raise ValidationError({"name": "A flow needs a name."})
    if others.exists():
        message = f"A flow named “{flow.name}” exists in this project."
        raise ValidationError({"name": ValidationError(message, code="flow_name")})
    names = [str(step.get("name", "")).strip() for step in flow.steps]
    if "" in names:
        raise ValidationError({"step_name": "A step needs a name."})
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ValidationError({"step_name": f"There are two steps named “{twice}”."})
    if len(names) > STEPS_MAX:
        raise ValidationError({"steps": f"A flow takes at most {STEPS_MAX} steps."})
    plan = plan_of(flow.name, flow.start_step, flow.steps)
    flow.start_step = (
        plan.start_step if plan.start_step in plan.steps else next(iter(plan.steps), "")
    )


def _rename_step(steps: list[dict[str, Any]], old: str, new: str) -> None:
    for step in steps:
        for link in _STEP_LINKS:
            if step.get(link) == old:
                step[link] = new
        for condition in step.get("conditions", []):
            if condition.get("child_step") == old:
                condition["child_step"] = new


def _rename_waiting(project: Project, old: str, new: str) -> None:
    for other in project.flows.all():
        waits = [step for step in other.steps if step.get("waiting_flow") == old]
        for step in waits:
            step["waiting_flow"] = new
        if waits:
            other.save(update_fields=["steps", "updated_at"])


def _rename_elsewhere(project: Project, old: str, new: str) -> None:
    """Follow a flow's new name where destinations and topics begin it."""
    project.destinations.filter(after_flow=old).update(after_flow=new)
    for topic in project.topics.all():
        begins = [
            one
            for one in topic.actions
            if one.get("kind") == "goto_flow" and one.get("target") == old
        ]
        for action in begins:
            action["target"] = new
        if begins:
            topic.save(update_fields=["actions", "updated_at"])


def _audit(flow: Flow, actor: Any, verb: str, fields: Any) -> None:
    audit_record(
        project=flow.project, actor=actor, action=f"flow.{verb}", subject=flow.name, fields=fields
    )
