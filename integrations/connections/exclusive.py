"""One inbox at a vendor, one connection: some vendors can call a single address for each."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from integrations.contract.manifest import Manifest
from integrations.models import Integration


def inbox_key(manifest: Manifest, values: Mapping[str, str]) -> str:
    """Return what two connections to the same inbox have in common; empty where it is no matter."""
    parts = [values.get(name, "").lower() for name in manifest.inbox_fields]
    if not parts or not all(parts):
        return ""
    return hashlib.sha256("\n".join([manifest.key, *parts]).encode()).hexdigest()


def inbox_errors(
    integration: Integration, manifest: Manifest, values: Mapping[str, str]
) -> dict[str, str]:
    """Return a sentence for the field that names an inbox which another connection uses."""
    key = inbox_key(manifest, values)
    others = Integration.objects.filter(inbox_key=key).exclude(pk=integration.pk)
    other = others.select_related("project__workspace").first() if key else None
    if other is None:
        return {}
    return {manifest.inbox_fields[-1]: _sentence(integration, manifest, other)}


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
