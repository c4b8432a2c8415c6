"""Bodies whose fields are taken in the JSON type that is documented, and in no other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.fields import Field

# The framework would convert: 0 to false, 12 to "12", "5" to 5. A subclass stands first.
_TYPES: tuple[tuple[type[Field[Any, Any, Any, Any]], tuple[type, ...], str], ...] = (
    (serializers.BooleanField, (bool,), "It must be true or false."),
    (serializers.IntegerField, (int, float), "It must be a whole number."),
    (serializers.CharField, (str,), "It must be a text."),
    (serializers.ChoiceField, (str,), "It must be a text."),
    (serializers.ListField, (list,), "It must be a list."),
    (serializers.DictField, (dict,), "It must be an object."),
)


class StrictSerializer(serializers.Serializer[Any]):
    """Refuses a value of another type with the field at fault, before anything else is checked."""

    def to_internal_value(self, data: Any) -> Any:
        """Convert nothing but what JSON has no type for, as times and ids."""
        given = data if isinstance(data, Mapping) else {}
        problems = {
            name: [problem]
            for name, field in self.fields.items()
            if name in given and (problem := type_problem(field, given[name]))
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
