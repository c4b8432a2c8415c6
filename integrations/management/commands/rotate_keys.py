"""Encrypt every stored secret with the first key of BATON_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from integrations.credentials.fields import DecryptionError
from integrations.credentials.secrets_audit import encrypted_columns

_BATCH = 200


class Command(BaseCommand):
    """Rotate the encryption of all encrypted columns."""

    help = (
        "Encrypt every stored secret with the first key of BATON_ENCRYPTION_KEYS. Put the new key "
        "first and keep the old ones, run this, then remove the old ones."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate column by column; stops at the first value that fits none of the keys."""
        for model, names in encrypted_columns():
            rows = _rotate(model, names)
            self.stdout.write(f"{model._meta.label}: {rows} rows, {', '.join(names)}")


def _rotate(model: type[models.Model], names: list[str]) -> int:
    manager = model._default_manager
    keys = list(manager.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(keys), _BATCH):
        with transaction.atomic():
            for key in keys[start : start + _BATCH]:
                _rotate_row(model, key, names)
    return len(keys)


def _rotate_row(model: type[models.Model], key: Any, names: list[str]) -> None:
    rows = model._default_manager.select_for_update().filter(pk=key)
    try:
        values = rows.values(*names).first()
    except DecryptionError as error:
        raise CommandError(
            f"{model._meta.label} {key} fits none of the keys. Add the key it was encrypted with; "
            "nothing after it was changed."
        ) from error
    if values is not None:
        rows.update(**values)
