"""Read secrets for tools: of the conversation's environment, and only for tools that may."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.db import connection

from conversations.models import Secret


def secret_read(
    project_id: int, environment: str, asked: Mapping[str, Any], *, tools: Collection[str]
) -> object:
    """Return a secret's value for conv.utils.get_secret.

    Raises KeyError (SecretNotFound) and PermissionError (MissingAccess); neither quotes a value.
    `tools` are those whose code takes part in the run.
    """
    name, tool = asked.get("name"), asked.get("tool")
    if not isinstance(name, str):
        raise KeyError("SecretNotFound: name a secret by its text")
    secret = Secret.objects.filter(project_id=project_id, name=name).first()
    if not connection.in_atomic_block:
        connection.close()
    if secret is None:
        raise KeyError(f"SecretNotFound: there is no secret named {name[:80]}")
    if tool not in tools or tool not in secret.tool_names:
        raise PermissionError(f"MissingAccess: {tool} may not read the secret {name}")
    if environment not in secret.values:
        raise KeyError(f"SecretNotFound: {name} has no value for {environment}")
    value: object = secret.values[environment]
    return value
