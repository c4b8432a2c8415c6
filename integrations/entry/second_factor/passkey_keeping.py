"""Rename and remove a member's passkeys."""

from __future__ import annotations

from django.db import transaction

from integrations.entry.second_factor.services import recovery_codes_end, tell_removed
from integrations.models import Passkey
from integrations.projects.audit import audit_person


@transaction.atomic
def passkey_rename(*, row: Passkey, name: str) -> None:
    """Give a passkey another name."""
    if name != row.name:
        row.name = name
        row.save(update_fields=["name"])
        audit_person(user=row.user, actor=row.user, action="passkey.renamed", fields=[name])


@transaction.atomic
def passkey_remove(*, row: Passkey) -> None:
    """Forget a passkey; what it answers is good no more."""
    user, name = row.user, row.name
    row.delete()
    recovery_codes_end(user=user)
    audit_person(user=user, actor=user, action="passkey.removed", fields=[name])
    transaction.on_commit(lambda: tell_removed(user, user))
