"""What only one connection may use: some vendors can call a single address for it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from integrations.contract.manifest import Manifest
from integrations.models import Integration


def exclusive_key(manifest: Manifest, values: Mapping[str, str]) -> str:
    """Return what two connections that exclude each other share; empty where none do."""
    parts = [values.get(name, "").lower() for name in manifest.exclusive_fields]
    if not parts or not all(parts):
        return ""
    return hashlib.sha256("\n".join([manifest.key, *parts]).encode()).hexdigest()


def exclusive_errors(
    integration: Integration, manifest: Manifest, values: Mapping[str, str]
) -> dict[str, str]:
    """Return a sentence for the field that names what another connection uses already."""
    key = exclusive_key(manifest, values)
    others = Integration.objects.filter(inbox_key=key).exclude(pk=integration.pk)
    other = others.select_related("project__workspace").first() if key else None
    if other is None:
        return {}
    return {manifest.exclusive_fields[-1]: _sentence(integration, manifest, other)}


def _sentence(integration: Integration, manifest: Manifest, other: Integration) -> str:
    where = "another project of this portal"
    if other.project_id == integration.project_id:
        where = f"the environment {other.get_environment_display()} of this project"
    elif other.project.workspace_id == integration.project.workspace_id:
        where = f"the project {other.project.name}, {other.get_environment_display()},"
    return (
        f"This is in use by {where} already, and {manifest.name} calls one address for it only. "
        "Make another one at the vendor, or disconnect it there first."
    )
