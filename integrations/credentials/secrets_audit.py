"""Find the stored secrets that no key opens, without showing one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models.functions import Cast

from integrations.credentials.fields import DecryptionError, EncryptedJSONField, decrypt


def encrypted_columns() -> list[tuple[type[models.Model], list[str]]]:
    """Return every model with encrypted columns, and their names."""
    found = [
        (model, [f.name for f in model._meta.fields if isinstance(f, EncryptedJSONField)])
        for model in apps.get_models()
    ]
    return [(model, names) for model, names in found if names]


def secrets_unreadable() -> tuple[int, list[tuple[str, Any]]]:
    """Return how many values are stored, and model and key of each that fits no key."""
    total, unreadable = 0, []
    for model, names in encrypted_columns():
        for name in names:
            for key, token in _tokens(model, name):
                total += 1
                try:
                    decrypt(token)
                except DecryptionError:
                    unreadable.append((f"{model._meta.label}.{name}", key))
    return total, unreadable


def _tokens(model: type[models.Model], name: str) -> Iterator[tuple[Any, str]]:
    """Yield keys and values of a column as the database holds them."""
    stored = model._default_manager.order_by().exclude(**{name: None})
    as_text = Cast(name, output_field=models.TextField())
    yield from stored.annotate(_token=as_text).values_list("pk", "_token").iterator()
