"""Create, change and delete what tools may use: secrets, APIs, values; the only writer of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from conversations.models import Secret, ToolApi, ToolValues
from integrations.http.url_guard import url_problem
from integrations.models import Environment, Project
from integrations.projects.audit import audit_record

SECRETS_MAX, APIS_MAX, OPERATIONS_MAX = 100, 30, 50
SECRET_MIN_CHARS, SECRET_MAX_CHARS = 4, 8192
_SECRET_NAME = re.compile(r"[A-Za-z0-9_.-]{1,80}")
_PATH = re.compile(r"/[A-Za-z0-9._~!$&'()*+,;=:@%/{}_-]*")
_PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,80}")
SecretValue = str | dict[str, str]


@transaction.atomic
def secret_save(
    *,
    project: Project,
    actor: Any,
    secret: Secret | None,
    name: str,
    description: str,
    tool_names: Iterable[str],
    values: Mapping[str, SecretValue | None],
) -> Secret:
    """Add or change a secret; raises ValidationError by field.

    `values` holds the environments whose value changes; None takes it away. No value comes back
    out of here, and the audit holds none.
    """
    row = secret or Secret(project=project)
    if secret:
        # Another environment's value may have been saved since it was read.
        row.lock("values", "set_at")
    row.name, row.description, row.tool_names = name.strip(), description, sorted(set(tool_names))
    _check_secret(row, values)
    at = timezone.now().isoformat()
    for environment, value in values.items():
        row.values.pop(environment, None)
        row.set_at.pop(environment, None)
        if value is not None:
            row.values[environment] = value
            row.set_at[environment] = at
    row.save()
    action = "secret.changed" if secret else "secret.created"
    fields = ["tool_names", *(f"value for {one}" for one in values)]
    audit_record(project=project, actor=actor, action=action, subject=row.name, fields=fields)
    return row


@transaction.atomic
def secret_delete(*, secret: Secret, actor: Any) -> None:
    """Delete a secret; raises ValidationError where an API still needs it."""
    project = secret.project
    users = ToolApi.objects.filter(project=project, secret_name=secret.name)
    if users:
        names = ", ".join(one.name for one in users)
        raise ValidationError(f"{secret.name} is still used by the API {names}. Change it first.")
    audit_record(
        project=project, actor=actor, action="secret.deleted", subject=secret.name, fields=[]
    )
    secret.delete()


def secrets_rename_tool(project: Project, old: str, new: str) -> None:
    """Let a tool that was renamed read what it could read before."""
    for row in Secret.objects.filter(project=project):
        if old in row.tool_names:
            row.tool_names = sorted({new if name == old else name for name in row.tool_names})
            row.save(update_fields=["tool_names"])


@transaction.atomic
def api_save(
    *, project: Project, actor: Any, api: ToolApi | None, values: Mapping[str, Any]
) -> ToolApi:
    """Add or change an API; raises ValidationError by field."""
    row = api or ToolApi(project=project, **values)
    if api:
        row.change(values)
    _check_api(row)
    row.save()
    action = "tool_api.changed" if api else "tool_api.created"
    audit_record(project=project, actor=actor, action=action, subject=row.name, fields=list(values))
    return row


@transaction.atomic
def api_delete(*, api: ToolApi, actor: Any) -> None:
    """Delete an API; tools that call it fail from then on."""
    audit_record(
        project=api.project, actor=actor, action="tool_api.deleted", subject=api.name, fields=[]
    )
    api.delete()


@transaction.atomic
def values_save(
    *, project: Project, actor: Any, config: dict[str, Any], translations: dict[str, Any]
) -> None:
    """Change the values that tools read; raises ValidationError by field."""
    for key, texts in translations.items():
        if not isinstance(texts, dict) or not all(isinstance(t, str) for t in texts.values()):
            message = f"“{key[:60]}” needs an object of languages and texts."
            raise ValidationError({"translations": message})
    ToolValues.objects.update_or_create(
        project=project, defaults={"config": config, "translations": translations}
    )
    audit_record(
        project=project,
        actor=actor,
        action="tool_values.changed",
        subject=project.name,
        fields=["config", "translations"],
    )


def operations_read(lines: Iterable[str]) -> list[dict[str, str]]:
    """Read operations such as `get GET /orders/{number}`; raises ValidationError with its line."""
    found: dict[str, dict[str, str]] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        parts = line.split()
        if len(parts) != 3:
            raise ValidationError(f"Line {number}: write a name, a method and a path.")
        name, method, path = parts[0], parts[1].upper(), parts[2]
        if problem := _operation_problem(name, method, path) or (
            f"{name} stands there twice" if name in found else ""
        ):
            raise ValidationError(f"Line {number}: {problem}.")
        found[name] = {"name": name, "method": method, "path": path}
    return list(found.values())


def _operation_problem(name: str, method: str, path: str) -> str:
    if not name.isidentifier() or name.startswith("_"):
        return f"{name[:40]} is no name that Python takes"
    if method not in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        return f"{method[:20]} is no method; take GET, POST, PUT, PATCH or DELETE"
    bare = _PLACE.sub("x", path)
    if not _PATH.fullmatch(path) or "{" in bare or "}" in bare or ".." in path:
        return "the path begins with a slash, and holds no ?, # or .."
    return ""


def _check_secret(row: Secret, values: Mapping[str, SecretValue | None]) -> None:
    if not _SECRET_NAME.fullmatch(row.name):
        message = "Use letters, digits, dots, dashes and underscores, up to 80."
        raise ValidationError({"name": message})
    others = Secret.objects.filter(project=row.project).exclude(pk=row.pk)
    if others.filter(name=row.name).exists():
        raise ValidationError({"name": f"A secret named {row.name} exists in this project."})
    if row.pk is None and others.count() >= SECRETS_MAX:
        raise ValidationError(f"A project has at most {SECRETS_MAX} secrets.")
    for environment, value in values.items():
        for text in value.values() if isinstance(value, dict) else [value or "unset"]:
            if not SECRET_MIN_CHARS <= len(text) <= SECRET_MAX_CHARS or "\x00" in text:
                message = f"A value has {SECRET_MIN_CHARS} to {SECRET_MAX_CHARS} characters."
                raise ValidationError({f"value_{environment.replace('-', '_')}": message})


def _check_api(row: ToolApi) -> None:
    if not row.name.isidentifier() or row.name.startswith("_"):
        raise ValidationError({"name": "Use a name that Python takes, such as orders."})
    others = ToolApi.objects.filter(project=row.project).exclude(pk=row.pk)
    if others.filter(name=row.name).exists():
        raise ValidationError({"name": f"An API named {row.name} exists in this project."})
    if row.pk is None and others.count() >= APIS_MAX:
        raise ValidationError(f"A project has at most {APIS_MAX} APIs.")
    if not row.operations or len(row.operations) > OPERATIONS_MAX:
        message = f"Write 1 to {OPERATIONS_MAX} operations, one a line."
        raise ValidationError({"operations": message})
    for environment in Environment.values:
        _check_address(row, environment)
    if row.secret_name and not _HEADER.fullmatch(row.header_name):
        message = "Name the header that carries the secret, such as Authorization."
        raise ValidationError({"header_name": message})


def _check_address(row: ToolApi, environment: str) -> None:
    url = row.base_urls.get(environment, "")
    if not url:
        return
    problem = url_problem(url, allow_local=settings.ALLOW_LOCAL_AGENTS)
    if problem is None and ("?" in url or "#" in url):
        problem = "The address holds a ? or a #. Give the part before it."
    if problem:
        raise ValidationError({f"url_{environment.replace('-', '_')}": problem})
