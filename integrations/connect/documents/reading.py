"""Reads the document of a vendor's connections: which sets there shall be, and with which values.

The manifest is the one source: whatever a Connect form asks for, a document may say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.connect.documents.values import (
    SECRET_MAX,
    SECRET_MIN,
    field_text,
    secrets_beside,
)
from integrations.contract.manifest import CredentialField, FieldKind, Manifest
from integrations.contract.registry import manifests
from integrations.credentials.cleaning import MASK, credentials_clean, mask, mode_of
from integrations.credentials.generated_values import (
    SHOWN_KINDS,
    generated_for,
    kept_beside_fields,
    shown_value_new,
)
from integrations.models import Integration, Project
from integrations.models.connection_name import EVERY_VARIANT, SET_NAME

# Beside the fields of a set: which connector of the vendor it is of, where there are several.
CONNECTION_TYPE = "connection_type"
SETS_MAX, VARIANT_MAX = 20, 64
_WRITTEN = frozenset({"credential_sets", "assignments", "settings", "save_anyway"})
# What an answer says beside that; sent back, it changes nothing.
_READ_ONLY = frozenset({"vendor", "client_env", "states", "webhook_urls"})


class DocumentError(Exception):
    """A document cannot be taken; each problem has the path of its field and a sentence."""

    def __init__(self, problems: Iterable[tuple[str, str]]) -> None:
        """Keep all of them."""
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{path}: {text}" for path, text in self.problems))


class MalformedError(Exception):
    """The body is no document at all; the text says what is expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """A vendor as addresses name it, and its connectors, the one to take first."""

    name: str
    connectors: tuple[Manifest, ...]

    @property
    def integration_key(self) -> str:
        """Return what payloads call it."""
        return self.connectors[0].integration_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What was sent, by set; nothing of it is judged yet."""

    sets: Mapping[str, Mapping[str, Any]] = field(repr=False)
    assignments: Mapping[str, str]
    settings: Mapping[str, Any]
    save_anyway: bool


def vendor_named(name: str) -> Vendor | None:
    """Find a vendor by its integration key, with or without its ending, an alias or a connector."""
    found = [one for one in manifests() if name in _names(one)]
    if not found:
        return None
    key = found[0].integration_key
    sharing = [one for one in manifests() if one.integration_key == key]
    sharing.sort(key=lambda one: (one.key != name, one.tile_order))
    return Vendor(name=key.removesuffix("_integration"), connectors=tuple(sharing))


def _names(manifest: Manifest) -> set[str]:
    key = manifest.integration_key
    return {key, key.removesuffix("_integration"), manifest.key, *manifest.aliases}


def document_read(body: Any) -> Document:
    """Return the parts of a body; raises MalformedError for what is no document."""
    if not isinstance(body, Mapping):
        raise MalformedError("The body must be a JSON object.")
    if unknown := sorted(set(body) - _WRITTEN - _READ_ONLY):
        raise MalformedError(f"There is no field {unknown[0][:60]}. Known: {_list(_WRITTEN)}.")
    sets = _object(body, "credential_sets")
    if not 1 <= len(sets) <= SETS_MAX:
        raise MalformedError(f"credential_sets must have 1 to {SETS_MAX} sets, each by its name.")
    for name, values in sets.items():
        if not SET_NAME.fullmatch(name):
            rule = "has up to 40 small letters, digits, hyphens and underscores"
            raise MalformedError(f"credential_sets: the name of a set {rule}.")
        if not isinstance(values, Mapping):
            raise MalformedError(f"credential_sets.{name} must be an object of its fields.")
    save_anyway = body.get("save_anyway", False)
    if not isinstance(save_anyway, bool):
        raise MalformedError("save_anyway is true or false.")
    return Document(
        sets=sets,
        assignments=_assignments(_object(body, "assignments"), sets),
        settings=_object(body, "settings"),
        save_anyway=save_anyway,
    )


def set_connector(vendor: Vendor, row: Integration | None, values: Mapping[str, Any]) -> Manifest:
    """Return the connector of a set: the one it names, else the present one, else the first.

    Raises ValueError for a name of none.
    """
    by_key = {one.key: one for one in vendor.connectors}
    named = values.get(CONNECTION_TYPE)
    if named is None:
        in_use = row is not None and row.status != Integration.Status.NOT_CONNECTED
        return by_key[row.connector_key] if row is not None and in_use else vendor.connectors[0]
    if not isinstance(named, str) or named not in by_key:
        raise ValueError(f"Choose one of: {', '.join(by_key)}.")
    return by_key[named]


def set_values(
    manifest: Manifest, given: Mapping[str, Any], *, stored: Mapping[str, str], project: Project
) -> dict[str, str]:
    """Return all values of a set, judged as the Connect form judges them; raises DocumentError."""
    known = {item.name: item for item in manifest.fields}
    raw, problems = _texts(known, manifest, given)
    cleaned = credentials_clean(manifest, raw, stored=stored)
    problems = {**cleaned.errors, **problems}
    mode = mode_of(manifest, {**raw, **cleaned.values})
    beside = kept_beside_fields(manifest, stored)
    for name, label in secrets_beside(manifest, mode).items():
        try:
            beside[name] = _own_secret(label, given.get(name), stored.get(name, ""))
        except ValueError as error:
            problems[name] = str(error)
    for item in generated_for(manifest, mode, *SHOWN_KINDS):
        made = stored.get(item.name, "")
        if given.get(item.name, made) not in (made, "", None):
            problems[item.name] = f"{item.label} is made by Baton. Leave it out, and read it."
        beside[item.name] = made or shown_value_new(item.kind, project.public_id)
    if problems:
        raise DocumentError(problems.items())
    return {**beside, **cleaned.values}


def _texts(
    known: Mapping[str, CredentialField], manifest: Manifest, given: Mapping[str, Any]
) -> tuple[dict[str, str], dict[str, str]]:
    raw, problems = _defaults(known), {}
    beside = {item.name for item in manifest.generated} | {CONNECTION_TYPE}
    for name, value in given.items():
        try:
            if name in known:
                raw[name] = field_text(known[name], value)
            elif name not in beside:
                raise ValueError(f"There is no such field. Known: {_list(known)}.")
        except ValueError as error:
            problems[name] = str(error)
    return raw, problems


def _defaults(known: Mapping[str, CredentialField]) -> dict[str, str]:
    """Return what an untouched form would post: what is ticked stays so."""
    ticked = (FieldKind.SWITCH, FieldKind.CHOICES)
    return {name: item.default for name, item in known.items() if item.kind in ticked}


def _own_secret(label: str, given: Any, stored: str) -> str:
    if given is not None and not isinstance(given, str):
        raise ValueError("Send a text.")
    text = (given or "").strip()
    if stored and text in ("", mask(stored)):
        return stored
    if text.startswith(MASK) or not SECRET_MIN <= len(text) <= SECRET_MAX:
        made = f"Send a secret of your own with {SECRET_MIN} to {SECRET_MAX} characters"
        raise ValueError(f"{label} is missing. {made}, the one that the vendor gets as well.")
    return text


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise MalformedError(f"{name} must be an object.")
    return value


def _assignments(given: Mapping[str, Any], sets: Mapping[str, Any]) -> dict[str, str]:
    for variant, name in given.items():
        if not variant or len(variant) > VARIANT_MAX:
            raise MalformedError(f"assignments: a variant has 1 to {VARIANT_MAX} characters.")
        if not isinstance(name, str) or name not in sets:
            raise MalformedError(f"assignments.{variant} must name one of: {_list(sets)}.")
    if EVERY_VARIANT in given:
        return dict(given)
    if "default" not in sets and len(sets) > 1:
        raise MalformedError(f"assignments.{EVERY_VARIANT} must name one of: {_list(sets)}.")
    return {EVERY_VARIANT: "default" if "default" in sets else next(iter(sets)), **given}


def _list(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
