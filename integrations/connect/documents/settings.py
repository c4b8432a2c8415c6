"""The settings of a document: the Behaviour form's, for every set of a vendor at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from integrations.behaviour.fallback import fallback_choices
from integrations.behaviour.settings import BehaviourForm, behaviour_of
from integrations.connect.documents.planning import PlannedSet
from integrations.connect.documents.reading import Document, DocumentError
from integrations.connections.services import (
    integration_behaviour_save,
    integration_default_set,
    integration_disable,
    integration_enable,
)
from integrations.contract.manifest import Manifest
from integrations.contract.registry import manifest_with
from integrations.models import ApiKey, Integration
from integrations.models.connection_name import EVERY_VARIANT

# Switches of a connection that are no behaviour.
ENABLED, DEFAULT_SYSTEM = "enabled", "default_agent_system"


def settings_json(row: Integration) -> dict[str, Any]:
    """Return the settings that have an effect with this connection."""
    form = _form(row, manifest_with(row.connector_key, row.credentials))
    values = {name: form.initial[name] for name in form.fields}
    return {
        ENABLED: row.status != Integration.Status.DISABLED,
        DEFAULT_SYSTEM: row.is_default,
        **values,
    }


def settings_shared(rows: Sequence[Integration], chosen: Integration) -> dict[str, Any]:
    """Return what all sets have alike: what differs cannot be said once."""
    shown = [settings_json(row) for row in rows]
    return {
        name: value
        for name, value in settings_json(chosen).items()
        if name == DEFAULT_SYSTEM or all(name in one and one[name] == value for one in shown)
    }


def settings_judge(
    planned: Sequence[PlannedSet], given: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return each set's behaviour as it shall be; raises DocumentError."""
    switches = {n: v for n, v in given.items() if n in (ENABLED, DEFAULT_SYSTEM)}
    if wrong := [name for name, value in switches.items() if not isinstance(value, bool)]:
        raise DocumentError([(f"settings.{wrong[0]}", "Send true or false.")])
    wanted = {name: value for name, value in given.items() if name not in switches}
    return {one.name: _judged(one, wanted) for one in planned} if wanted else {}


def settings_save(
    planned: Sequence[PlannedSet],
    behaviours: Mapping[str, Mapping[str, Any]],
    document: Document,
    key: ApiKey,
) -> None:
    """Store what was judged, and switch what is asked for."""
    is_enabled = document.settings.get(ENABLED)
    for one in planned:
        if one.name in behaviours:
            integration_behaviour_save(integration=one.row, values=behaviours[one.name], actor=key)
        if is_enabled is not None:
            switch = integration_enable if is_enabled else integration_disable
            switch(integration=one.row, actor=key)
    is_default = document.settings.get(DEFAULT_SYSTEM)
    if is_default is not None:
        chosen = document.assignments[EVERY_VARIANT]
        row = next(one.row for one in planned if one.name == chosen)
        integration_default_set(integration=row, is_default=is_default, actor=key)


def _judged(planned: PlannedSet, given: Mapping[str, Any]) -> dict[str, Any]:
    manifest = manifest_with(planned.manifest.key, planned.values)
    empty = _form(planned.row, manifest)
    if unknown := sorted(set(given) - set(empty.fields)):
        known = ", ".join(sorted((*empty.fields, ENABLED, DEFAULT_SYSTEM)))
        text = f"There is no such setting here. Known: {known}."
        raise DocumentError([(f"settings.{unknown[0][:60]}", text)])
    data = {name: empty.initial.get(name) for name in empty.fields}
    form = _form(planned.row, manifest, data={**data, **given})
    if not form.is_valid():
        raise DocumentError(
            (f"settings.{name}", " ".join(map(str, texts))) for name, texts in form.errors.items()
        )
    return {name: form.cleaned_data[name] for name in form.fields}


def _form(
    row: Integration, manifest: Manifest, *, data: Mapping[str, Any] | None = None
) -> BehaviourForm:
    return BehaviourForm(manifest, behaviour_of(row), data=data, fallbacks=fallback_choices(row))
