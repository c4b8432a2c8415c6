"""Which second factors members have: an app, security keys, passkeys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import BooleanField, Value

from integrations.models import Passkey, SecondFactor

APP_KIND, _KEY, _PASSKEY = "App", "Security key", "Passkey"


def factor_kinds(users: Iterable[Any]) -> dict[int, list[str]]:
    """Return by user, in one statement, which kinds of factor they have; none is left out."""
    wanted = [*users]
    # SQLite takes no order within a union, and a model may have one.
    apps = SecondFactor.objects.filter(user__in=wanted, confirmed_at__isnull=False).order_by()
    keys = Passkey.objects.filter(user__in=wanted).order_by()
    found = apps.values_list("user_id", Value(None, BooleanField())).union(
        keys.values_list("user_id", "is_security_key")
    )
    kinds: dict[int, set[str]] = {}
    for user_id, is_security_key in found:
        kind = APP_KIND if is_security_key is None else _KEY if is_security_key else _PASSKEY
        kinds.setdefault(user_id, set()).add(kind)
    return {user_id: sorted(names) for user_id, names in kinds.items()}


def has_factor(user: Any) -> bool:
    """Say whether a password alone signs the user in no more."""
    return bool(factor_kinds([user.pk]))
