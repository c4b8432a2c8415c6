"""Makes the values that an admin pastes at the vendor, and keeps them encrypted."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from integrations.connections.drafts import draft_of, draft_set, edited_values
from integrations.connections.services import integration_draft_save
from integrations.contract.registry import manifest_get
from integrations.credentials.generated_values import (
    SHOWN_KINDS,
    generated_for,
    secret_new,
    shown_value_new,
    with_previous,
)
from integrations.models import Integration
from integrations.projects.audit import audit_record


@transaction.atomic
def integration_secret_make(*, integration: Integration, name: str, actor: Any) -> str:
    """Make a secret and return it, the only time that anybody sees it.

    On a connected integration it counts at once; the one before stays good for a day.
    """
    row = Integration.objects.select_for_update().get(pk=integration.pk)
    manifest = manifest_get(row.connector_key)
    secret = secret_new(manifest, name)
    if row.status != Integration.Status.NOT_CONNECTED:
        changed = {**row.credentials, name: secret}
        row.credentials = with_previous(manifest, changed, before=row.credentials)
    draft = draft_of(row)
    if row.status == Integration.Status.NOT_CONNECTED or draft.is_edited:
        draft_set(row, draft.with_values({**edited_values(row), name: secret}))
    row.save()
    audit_record(
        project=row.project,
        actor=actor,
        action="integration.secret_made",
        subject=str(row),
        fields=[name],
    )
    return secret


def shown_values_ensure(integration: Integration, mode: str) -> None:
    """Give the draft the ids and names that its connection type needs; each is made once."""
    manifest, values = manifest_get(integration.connector_key), edited_values(integration)
    missing = {
        item.name: shown_value_new(item.kind, integration.project.public_id)
        for item in generated_for(manifest, mode, *SHOWN_KINDS)
        if not values.get(item.name)
    }
    if missing:
        integration_draft_save(integration=integration, values=missing)
