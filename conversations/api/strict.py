"""Bodies and parameters whose values are taken as they are documented, and in no other way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.fields import Field
from rest_framework.settings import api_settings

from conversations.api.errors import BadFieldError
from integrations.kit.json_values import count_read

# The framework would convert: 0 to false, 12 to "12", "5" to 5. A subclass stands first.
_TYPES: tuple[tuple[type[Field[Any, Any, Any, Any]], tuple[type, ...], str], ...] = (
    (serializers.BooleanField, (bool,), "It must be true or false."),
    (serializers.IntegerField, (int, float), "It must be a whole number."),
    (serializers.CharField, (str,), "It must be a text."),
    (serializers.ChoiceField, (str,), "It must be a text."),
    (serializers.ListField, (list,), "It must be a list."),
    (serializers.DictField, (dict,), "It must be an object."),
)
# Under which the framework keeps what is wrong with a whole object.
NOBODYS = api_settings.NON_FIELD_ERRORS_KEY


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses a value of another type with the field at fault, before anything else is checked."""

    def to_internal_value(self, data: Any) -> Any:
        """Convert nothing but what JSON has no type for, as times and ids."""
        if not isinstance(data, Mapping):
            told = "It must be an object." if self.parent else "The body must be a JSON object."
            raise serializers.ValidationError({NOBODYS: [told]})
        problems = {
            name: [problem]
            for name, field in self.fields.items()
            if name in data and (problem := type_problem(field, data[name]))
        }
        if problems:
            raise serializers.ValidationError(problems)
        return super().to_internal_value(data)


class ClosedSerializer(StrictSerializer):
    """Refuses fields that are unknown, too: a misspelt one would be forgotten without a word.

    Not for what other makers' clients send, who may know more fields than we do.
    """

    def to_internal_value(self, data: Any) -> Any:
        """Name what is unknown, and what there is."""
        if isinstance(data, Mapping) and (problems := unknown_fields(self.fields, data)):
            raise serializers.ValidationError(problems)
        return super().to_internal_value(data)


def unknown_fields(known: Iterable[str], body: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return each field of a body that is unknown, with what is known."""
    names = ", ".join(known)
    told = f"There is no such field. Known: {names}." if names else "This call takes no fields."
    return {name[:60]: [told] for name in body if name not in set(known)}


def type_problem(field: Field[Any, Any, Any, Any], value: Any) -> str:
    """Say what is wrong with a value's type; the empty text where nothing is."""
    if value is None:
        return ""  # the field says whether it takes none
    for kind, types, problem in _TYPES:
        if isinstance(field, kind):
            is_flag = isinstance(value, bool) and bool not in types
            if is_flag or not isinstance(value, types):
                return problem
            return _first_problem(field, value)
    return ""


def _first_problem(field: Any, value: Any) -> str:
    """Look into a list or an object."""
    inside: Iterable[Any] = ()
    if isinstance(value, list):
        inside = value
    elif isinstance(value, dict):
        inside = value.values()
    problems = (type_problem(field.child, one) for one in inside)
    return next(filter(None, problems), "")


def count_asked(
    query: Mapping[str, str], name: str, *, most: int, least: int = 0, default: int = 0
) -> int:
    """Return a whole number of the query; raises BadFieldError, which names its bounds."""
    number = count_read(query.get(name, "") or str(default))
    if number is None or not least <= number <= most:
        raise BadFieldError(f"{name} must be a whole number from {least} to {most}.")
    return number


def problems_told(errors: Any) -> str:
    """Return all that a serializer found wrong, each with the path of its field."""
    return "; ".join(_told(errors, ""))


def _told(errors: Any, path: str) -> Iterator[str]:
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            shown = "" if name == NOBODYS else str(name)
            yield from _told(inner, ".".join(filter(None, (path, shown))))
    elif isinstance(errors, list) and any(isinstance(one, Mapping) for one in errors):
        for number, inner in enumerate(errors):
            yield from _told(inner, f"{path}[{number}]")
    elif errors:
        text = " ".join(map(str, errors)) if isinstance(errors, list) else str(errors)
        yield f"{path}: {text}" if path else text
