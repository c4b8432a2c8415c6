"""A vendor's connections as the Credentials API shows them: no secret is ever among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from handoffs.lifecycle.in_use import open_handoff_count
from integrations.connect.documents.planning import Place
from integrations.connect.documents.reading import CONNECTION_TYPE
from integrations.connect.documents.settings import settings_shared
from integrations.connect.documents.values import set_json
from integrations.connections.addresses import webhook_urls
from integrations.connections.destinations import credential_set_for
from integrations.contract.connector import CheckResult
from integrations.contract.failures import answer_word
from integrations.contract.manifest import GeneratedKind
from integrations.contract.registry import manifest_get
from integrations.credentials.cleaning import mode_of
from integrations.credentials.generated_values import generated_for
from integrations.models import Integration
from integrations.models.connection_name import EVERY_VARIANT


def document_shown(place: Place) -> dict[str, Any]:
    """Return the document that a PUT of it would leave as it is."""
    rows = place.connected()
    chosen = credential_set_for(place.project, place.environment, place.vendor.integration_key)
    default = next((row for row in rows if row.credential_set == chosen), rows[0])
    assigned = {name: row.credential_set for row in rows for name in row.assigned_to}
    shown = {
        "vendor": place.vendor.name,
        "client_env": place.environment,
        "credential_sets": {row.credential_set: _set(row) for row in rows},
        "assignments": {EVERY_VARIANT: default.credential_set, **assigned},
        "settings": settings_shared(rows, default),
        "states": {row.credential_set: row.status for row in rows},
    }
    urls = _webhook_urls(rows)
    return {**shown, "webhook_urls": urls} if urls else shown


def checks_shown(results: Sequence[CheckResult]) -> list[dict[str, Any]]:
    """Return the checks in the words of the documented answer."""
    return [
        {
            "name": one.name,
            "ok": one.is_ok,
            "code": answer_word(one.code),
            "detail": one.detail,
            "ms": one.ms,
        }
        for one in results
    ]


def status_shown(row: Integration | None) -> dict[str, Any]:
    """Return what the tile says; None is a set that is not there."""
    if row is None:
        state = Integration.Status.NOT_CONNECTED
        return {"state": state, "last_ok_at": None, "last_error": None, "open_handoffs": 0}
    error = {
        "at": row.last_error_at,
        "code": answer_word(row.last_error_code),
        "message": row.last_error_message,
    }
    return {
        "state": row.status,
        "last_ok_at": row.last_success_at,
        "last_error": error if row.last_error_code else None,
        "open_handoffs": open_handoff_count(row),
    }


def _set(row: Integration) -> dict[str, Any]:
    manifest = manifest_get(row.connector_key)
    return {CONNECTION_TYPE: manifest.key, **set_json(manifest, row.credentials)}


def _webhook_urls(rows: Sequence[Integration]) -> dict[str, str]:
    """Return the addresses that the vendor is to be given; all sets have the same."""
    found: dict[str, str] = {}
    for row in rows:
        manifest = manifest_get(row.connector_key)
        mode = mode_of(manifest, row.credentials)
        urls = webhook_urls(row)
        for item in generated_for(manifest, mode, GeneratedKind.WEBHOOK_URL):
            found[item.name] = urls[item.name]
    return found
