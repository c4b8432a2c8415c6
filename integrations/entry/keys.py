"""API keys: made once, stored as a hash, found by the key itself."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from integrations.models import ApiKey, Project
from integrations.models.identifiers import api_key
from integrations.projects.audit import audit_record

_PREFIX_LENGTH = 10
_USE_NOTED_EVERY = timedelta(minutes=1)
_FORBIDDEN = "The API key has no permission for this."


class ApiKeyUnknownError(Exception):
    """No valid key was given."""


class ApiKeyForbiddenError(Exception):
    """The key is valid, but not for this permission or project."""


@transaction.atomic
def api_key_create(
    *,
    project: Project,
    actor: Any,
    name: str,
    permissions: Sequence[str],
    expires_at: datetime | None = None,
) -> tuple[ApiKey, str]:
    """Make a key; the second value is the key itself, which cannot be had again."""
    raw = api_key()
    row = ApiKey.objects.create(
        project=project,
        name=name,
        prefix=raw[:_PREFIX_LENGTH],
        key_hash=_hash(raw),
        permissions=sorted(permissions),
        expires_at=expires_at,
    )
    audit_record(project=project, actor=actor, action="api_key.created", subject=name)
    return row, raw


@transaction.atomic
def api_key_revoke(*, key: ApiKey, actor: Any) -> None:
    """End a key at once; revoking twice is fine."""
    if key.revoked_at is None:
        key.revoked_at = timezone.now()
        key.save(update_fields=["revoked_at"])
        audit_record(project=key.project, actor=actor, action="api_key.revoked", subject=key.name)


@transaction.atomic
def api_key_rotate(*, key: ApiKey, actor: Any, overlap: timedelta) -> tuple[ApiKey, str]:
    """Make the key's successor, which may do the same for as long; both work for `overlap`.

    Raises ApiKeyUnknownError for a key that does not work any more.
    """
    now = timezone.now()
    if key.revoked_at or (key.expires_at and key.expires_at <= now):
        raise ApiKeyUnknownError("The key does not work any more: make a new one.")
    life = key.expires_at - key.created_at if key.expires_at else None
    made = api_key_create(
        project=key.project,
        actor=actor,
        name=key.name,
        permissions=key.permissions,
        expires_at=now + life if life else None,
    )
    end = now + overlap
    key.expires_at = min(key.expires_at, end) if key.expires_at else end
    key.save(update_fields=["expires_at"])
    audit_record(project=key.project, actor=actor, action="api_key.rotated", subject=key.name)
    return made


def api_key_find(raw: str, permission: str, project: Project | None) -> ApiKey:
    """Return the key that may do this for this project; None is a project that is not there.

    Raises ApiKeyUnknownError (answered with 401) or ApiKeyForbiddenError (403).
    """
    key = api_key_valid(raw)
    if project is None or key.project_id != project.pk:
        raise ApiKeyForbiddenError(_FORBIDDEN)
    return _used(key, permission)


def api_key_open(raw: str, permission: str) -> ApiKey:
    """Return the key that may do this for its own project; raises as api_key_find does."""
    return _used(api_key_valid(raw), permission)


def api_key_valid(raw: str) -> ApiKey:
    """Return a key with its project, whatever it may do; raises ApiKeyUnknownError."""
    key = ApiKey.objects.select_related("project").filter(key_hash=_hash(raw)).first()
    if key is None or key.revoked_at or (key.expires_at and key.expires_at <= timezone.now()):
        raise ApiKeyUnknownError("The API key is unknown, revoked or expired.")
    return key


def _used(key: ApiKey, permission: str) -> ApiKey:
    """Note the use of a key that has the permission."""
    if permission not in key.permissions:
        raise ApiKeyForbiddenError(_FORBIDDEN)
    api_key_note_use(key)
    return key


def api_key_note_use(key: ApiKey) -> None:
    """Note that a key was used, once a minute at most."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - _USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)


def _hash(raw: str) -> str:
    # The key has 256 random bits: a slow hash would add nothing.
    return hashlib.sha256(raw.encode()).hexdigest()
