"""What an end user fills into a form: checked field by field, as values and as a text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from conversations.errors import ClientFaultError

_WHERE = "payload.answer.values"
_NUMBER_MAX = 40
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?")


def form_filled(form: Mapping[str, Any], given: Mapping[str, str]) -> tuple[dict[str, str], str]:
    """Return the values as the vendor takes them, and "label: value" lines to read.

    Raises ClientFaultError, which names the field.
    """
    fields = {asked["name"]: asked for asked in form["fields"]}
    if unknown := sorted(set(given) - set(fields)):
        raise ClientFaultError(f"{_WHERE}.{unknown[0][:64]} is no field of that form.")
    values: dict[str, str] = {}
    lines = []
    for name, asked in fields.items():
        value = given.get(name, "").strip()
        if not value:
            _check_empty(asked)
            continue
        values[name], shown = _checked(asked, value)
        lines.append(f"{asked['label']}: {shown}")
    text = "\n".join(lines)
    if not text:
        raise ClientFaultError(f"{_WHERE} fills in no field of that form.")
    if len(text) > settings.MESSAGE_MAX_CHARACTERS:
        limit = settings.MESSAGE_MAX_CHARACTERS
        raise ClientFaultError(f"{_WHERE} may have {limit} characters together.")
    return values, text


def _check_empty(asked: Mapping[str, Any]) -> None:
    if asked["is_required"]:
        raise ClientFaultError(f"{_WHERE}.{asked['name']} is required.")


def _checked(asked: Mapping[str, Any], value: str) -> tuple[str, str]:
    """Return a field's value for the vendor, and as it is read."""
    where = f"{_WHERE}.{asked['name']}"
    if len(value) > settings.MESSAGE_MAX_CHARACTERS:
        limit = settings.MESSAGE_MAX_CHARACTERS
        raise ClientFaultError(f"{where} may have {limit} characters.")
    if asked["kind"] == "select":
        option = asked["options"].get(value)
        if option is None:
            raise ClientFaultError(f"{where} must be the payload of one of the field's options.")
        return option["token"], option["label"]
    check = _CHECKS.get(asked["kind"])
    if check is not None and not check[0](value):
        raise ClientFaultError(f"{where} must be {check[1]}.")
    return value, value


def _is_email(value: str) -> bool:
    try:
        validate_email(value)
    except ValidationError:
        return False
    return True


def _is_number(value: str) -> bool:
    if len(value) > _NUMBER_MAX or not _NUMBER.fullmatch(value):
        return False
    try:
        return Decimal(value.replace(",", ".")).is_finite()
    except InvalidOperation:
        return False


def _is_date(value: str) -> bool:
    try:
        date.fromisoformat(value)
    except ValueError:
        return False
    return len(value) == len("2026-12-01")


_CHECKS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "email": (_is_email, "an e-mail address"),
    "number": (_is_number, "a number"),
    "date": (_is_date, "a date such as 2026-12-01"),
}
