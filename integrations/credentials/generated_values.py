"""What the portal makes for the vendor: secrets, external ids; and what is kept beside the fields.

A replaced secret stays good for a day under `<name>__previous`, so that no call is lost while the
new one is pasted at the vendor.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from django.utils import timezone

from integrations.contract.manifest import GeneratedKind, GeneratedValue, Manifest

# What is no secret: made once, and shown for as long as it is good.
SHOWN_KINDS = (GeneratedKind.EXTERNAL_ID, GeneratedKind.USER_NAME)
OVERLAP = timedelta(hours=24)
_PREVIOUS = "__previous"
_UNTIL = "__previous_until"
_LETTERS = string.ascii_letters + string.digits


def generated_for(manifest: Manifest, mode: str, *kinds: GeneratedKind) -> list[GeneratedValue]:
    """Return the values of these kinds that a connection type needs."""
    return [
        item
        for item in manifest.generated
        if item.kind in kinds and (not item.shown_for_modes or mode in item.shown_for_modes)
    ]


def secret_new(manifest: Manifest, name: str) -> str:
    """Return random bytes as text that the vendor's form takes."""
    size = next(item.size for item in manifest.generated if item.name == name)
    return secrets.token_urlsafe(size)


def shown_value_new(kind: GeneratedKind, project_id: str) -> str:
    """Return a user's name, or an id that names the project; nobody can guess either."""
    prefix, length = ("hp_", 12) if kind is GeneratedKind.USER_NAME else (f"hp-{project_id}-", 24)
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(length))


def kept_beside_fields(manifest: Manifest, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values that no form asks for: what the portal made and what a vendor returned."""
    asked = {item.name for item in manifest.fields}
    return {name: value for name, value in values.items() if name not in asked}


def secrets_in(manifest: Manifest, values: Mapping[str, str]) -> list[str]:
    """Return every value that must not be seen in a record of calls."""
    fields = {item.name for item in manifest.fields if not item.kind.is_secret}
    shown = {item.name for item in manifest.generated if item.kind in SHOWN_KINDS}
    is_open = fields | shown | set(_address_names(values))
    return [
        value for name, value in values.items() if name not in is_open and not name.endswith(_UNTIL)
    ]


def with_previous(
    manifest: Manifest, values: Mapping[str, str], *, before: Mapping[str, str]
) -> dict[str, str]:
    """Return the values with each replaced secret kept for the overlap, and outlived ones gone."""
    kept = {name: value for name, value in values.items() if not _is_outlived(name, values)}
    for name in _secret_names(manifest):
        old = before.get(name, "")
        if old and old != values.get(name):
            kept[name + _PREVIOUS] = old
            kept[name + _UNTIL] = (timezone.now() + OVERLAP).isoformat()
    return kept


def previous_until(values: Mapping[str, str], name: str) -> datetime | None:
    """Return until when the replaced secret is still good, or None."""
    text = values.get(name + _UNTIL, "")
    until = datetime.fromisoformat(text) if text else None
    return until if until and until > timezone.now() else None


def variants(manifest: Manifest, values: Mapping[str, str]) -> Iterator[Mapping[str, str]]:
    """Yield the values, then once more with each secret that was replaced a short while ago."""
    yield values
    for name in _secret_names(manifest):
        if previous_until(values, name):
            yield {**values, name: values[name + _PREVIOUS]}


def _secret_names(manifest: Manifest) -> list[str]:
    return [item.name for item in manifest.generated if item.kind is GeneratedKind.SECRET]


def _is_outlived(name: str, values: Mapping[str, str]) -> bool:
    if not name.endswith((_PREVIOUS, _UNTIL)):
        return False
    return previous_until(values, name.partition(_PREVIOUS)[0]) is None


def _address_names(values: Mapping[str, str]) -> list[str]:
    return [name for name in values if name.startswith("webhook_url")]
