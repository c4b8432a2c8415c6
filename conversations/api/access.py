"""Which project an API key opens: one rule for every interface that other systems call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db.models import Q
from rest_framework.request import Request

from conversations.api.errors import RefusedError
from integrations.entry.client_address import client_address
from integrations.entry.keys import (
    ApiKeyForbiddenError,
    ApiKeyUnknownError,
    api_key_find,
    api_key_open,
)
from integrations.entry.rate_limit import retry_after
from integrations.models import ApiKey, Project

WRONG_KEYS_PER_MINUTE = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A project, and the key that opened it."""

    project: Project
    key: ApiKey


def project_open(
    request: Request, account_id: str, project_id: str, permission: ApiKey.Permission, *, limit: int
) -> Opened:
    """Return the project that the request's key may use so, `limit` times a minute.

    Raises RefusedError. An unknown project and somebody else's are refused alike, and only
    once the key was found to be one.
    """
    raw = _key_given(request)
    project = project_named(account_id, project_id)
    with key_refusals(client_address(request)):
        key = api_key_find(raw, permission, project)
    assert project is not None
    key_use_count(key, permission, limit)
    return Opened(project=project, key=key)


def key_open(request: Request, permission: ApiKey.Permission, *, limit: int) -> Opened:
    """Do as project_open does for an address that names no project: it is the key's own."""
    return key_opened(request, _key_given(request), permission, limit=limit)


def key_opened(request: Request, raw: str, permission: ApiKey.Permission, *, limit: int) -> Opened:
    """Do likewise for a key that came in a header of another name."""
    with key_refusals(client_address(request)):
        key = api_key_open(raw, permission)
    key_use_count(key, permission, limit)
    return Opened(project=key.project, key=key)


def _key_given(request: Request) -> str:
    if raw := request.headers.get("x-api-key", ""):
        return raw
    raise RefusedError(401, "UNAUTHORIZED", "Send an API key in the header x-api-key.")


@contextmanager
def key_refusals(address: str) -> Iterator[None]:
    """Turn what is wrong with a key into a refusal; whoever guesses keys is slowed down."""
    try:
        yield
    except ApiKeyUnknownError as error:
        _limit(f"wrong-key:{address}", WRONG_KEYS_PER_MINUTE)
        raise RefusedError(401, "UNAUTHORIZED", str(error)) from error
    except ApiKeyForbiddenError as error:
        raise RefusedError(403, "FORBIDDEN", str(error)) from error


def key_use_count(key: ApiKey, interface: str, limit: int) -> None:
    """Count a call of an interface; raises RefusedError above so many in a minute."""
    _limit(f"{interface}:{key.pk}", limit)


def project_named(account_id: str, project_id: str) -> Project | None:
    """Find a project by its ids or slugs, in any mixture."""
    project_id, account_id = clean(project_id), clean(account_id)
    return (
        Project.objects.select_related("workspace")
        .filter(
            Q(public_id=project_id) | Q(slug=project_id),
            Q(workspace__public_id=account_id) | Q(workspace__slug=account_id),
        )
        .first()
    )


def clean(value: str) -> str:
    """Drop the one character that PostgreSQL refuses to look for; no id holds it."""
    return value.replace("\x00", "")


def _limit(name: str, limit: int) -> None:
    if wait := retry_after(name, limit=limit, window_seconds=60):
        text = f"Too many requests. Try again in {wait} seconds."
        raise RefusedError(429, "RATE_LIMITED", text, wait=wait)
