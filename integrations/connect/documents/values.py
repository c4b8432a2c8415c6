"""A connection's fields as JSON has them, and as they are kept: texts, one for each field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from integrations.contract.manifest import CredentialField, FieldKind, GeneratedKind, Manifest
from integrations.credentials.cleaning import fields_for_mode, mask, mode_of
from integrations.credentials.generated_values import SHOWN_KINDS, generated_for

SECRET_MIN, SECRET_MAX = 16, 256
_TRUE, _FALSE = ("true", "on", "1", "yes"), ("false", "off", "0", "no", "")


def field_json(item: CredentialField, value: str) -> Any:
    """Return a kept value as JSON has it; a secret as its mask."""
    if item.kind.is_secret:
        return mask(value)
    if item.kind is FieldKind.SWITCH:
        return value == "true"
    if item.kind is FieldKind.CHOICES:
        return [one for one in value.split(",") if one]
    if item.kind is FieldKind.KEY_VALUE:
        return json.loads(value) if value else {}
    if item.kind is FieldKind.NUMBER:
        return int(value) if value else None
    return value


def field_text(item: CredentialField, given: Any) -> str:
    """Return what the form would have posted; raises ValueError with what is expected."""
    if given is None:
        return ""
    if item.kind is FieldKind.SWITCH:
        return _switch(given)
    if item.kind is FieldKind.CHOICES and isinstance(given, list):
        return ",".join(_plain(one) for one in given)
    if item.kind is FieldKind.KEY_VALUE and (pairs := _pairs(given)) is not None:
        return "\n".join(_pair(name, value) for name, value in pairs.items())
    return _plain(given)


def set_json(manifest: Manifest, values: Mapping[str, str]) -> dict[str, Any]:
    """Return a set's values as the API answers with them; no secret is among them."""
    mode = mode_of(manifest, values)
    shown = {
        item.name: field_json(item, values.get(item.name, item.default))
        for item in fields_for_mode(manifest, mode)
    }
    for item in generated_for(manifest, mode, *SHOWN_KINDS):
        shown[item.name] = values.get(item.name, "")
    beside = secrets_beside(manifest, mode)
    return {**shown, **{name: mask(values.get(name, "")) for name in beside}}


def secrets_beside(manifest: Manifest, mode: str) -> dict[str, str]:
    """Return the secrets that no form asks for, with their labels: both sides are told of them."""
    asked = {item.name for item in manifest.fields}
    found = generated_for(manifest, mode, GeneratedKind.SECRET)
    return {item.name: item.label for item in found if item.name not in asked}


def _switch(given: Any) -> str:
    text = str(given).strip().lower() if isinstance(given, bool | str | int) else "?"
    if text not in (*_TRUE, *_FALSE):
        raise ValueError("Send true or false.")
    return "true" if text in _TRUE else "false"


def _plain(given: Any) -> str:
    if isinstance(given, str):
        return given
    if isinstance(given, int) and not isinstance(given, bool):
        return str(given)
    raise ValueError("Send a text.")


def _pairs(given: Any) -> Mapping[str, Any] | None:
    """Return pairs, also where a script has made a text of them; None for lines of a form."""
    if isinstance(given, str) and given.lstrip().startswith("{"):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError) as error:
            raise ValueError("Send an object of names and values.") from error
    return given if isinstance(given, Mapping) else None


def _pair(name: str, value: Any) -> str:
    text = "" if value is None else _plain(value)
    if "=" in name or any(sign in name + text for sign in "\r\n"):
        raise ValueError("A name or value cannot hold a line break, nor a name an equals sign.")
    return f"{name} = {text}"
