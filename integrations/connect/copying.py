"""Copy from another environment: what is not secret, and what may be the same twice."""

from __future__ import annotations

from typing import Any

from integrations.connections.drafts import edited_values
from integrations.connections.services import integration_draft_save
from integrations.contract.registry import manifest_get
from integrations.models import ConnectionName, Environment, Integration, Project
from integrations.projects.audit import audit_record


def copy_sources(
    project: Project, environment: str, connection: ConnectionName
) -> list[Environment]:
    """Return the other environments in which this connection has values."""
    rows = project.integrations.filter(
        connector_key=connection.connector_key, credential_set=connection.credential_set
    ).exclude(environment=environment)
    return [Environment(row.environment) for row in rows if edited_values(row)]


def draft_copy(*, integration: Integration, source: Integration, actor: Any) -> int:
    """Copy the fields into the draft and return how many; never a secret, never an inbox."""
    manifest, values = manifest_get(integration.connector_key), edited_values(source)
    own = {item.name for item in manifest.generated} | set(manifest.exclusive_fields)
    copied = {
        item.name: values[item.name]
        for item in manifest.fields
        if not item.kind.is_secret and item.name not in own and values.get(item.name)
    }
    if copied:
        integration_draft_save(integration=integration, values=copied)
        audit_record(
            project=integration.project,
            actor=actor,
            action="integration.copied",
            subject=str(integration),
            fields=copied,
        )
    return len(copied)
