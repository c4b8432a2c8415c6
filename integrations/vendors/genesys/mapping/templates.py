"""Fills in the placeholders of Genesys's notification templates."""

from __future__ import annotations

import re
from collections.abc import Mapping

from integrations.kit.json_values import Json, as_objects, as_text

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


def parameters_of(part: Json) -> dict[str, str]:
    """Return what is to stand in a part of a template, by name, in the vendor's order."""
    parameters = as_objects(part.get("parameters"))
    return {as_text(item.get("name")): as_text(item.get("text")) for item in parameters}


def filled(text: str, parameters: Mapping[str, str]) -> str:
    """Put values in the place of `{{name}}` and `{{1}}`; what nobody filled in is left out.

    Where the vendor has filled in by itself, nothing is left to replace.
    """
    values = list(parameters.values())

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name in parameters:
            return parameters[name]
        number = int(name) if name.isdecimal() else 0
        return values[number - 1] if 1 <= number <= len(values) else ""

    return _PLACEHOLDER.sub(value, text)
