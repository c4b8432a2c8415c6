"""Questions in SOQL, and records as tools get them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from integrations.contract.tool_operations import text_given
from integrations.kit.json_values import Json

CONTACT = ("Id", "Name", "FirstName", "LastName", "Email", "Phone", "MobilePhone", "AccountId")
ACCOUNT = ("Id", "Name", "Phone", "Website")
CASE = (
    *("Id", "CaseNumber", "Subject", "Status", "Priority", "Origin", "ContactId", "AccountId"),
    *("OwnerId", "IsClosed", "CreatedDate"),
)
WHOLE_CASE = (*CASE, "Description")
MOST_RECORDS = 50
# Of records whose number has the digits of the one that is looked for, among others.
MOST_LOOKED_AT = 200
PHONES = ("Phone", "MobilePhone")
_USUAL_RECORDS = 5
_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_NO_DIGITS = re.compile(r"[\s()/.-]+")
# A trunk prefix that stands in brackets behind the code of a country.
_TRUNK = re.compile(r"\(0\)|[^0-9]")
# So many last digits tell a number well enough to look for it; fewer are a short code.
_TELLING_DIGITS = 7
# SOQL knows these escapes alone.
_ESCAPES = {
    "\\": "\\\\",
    "'": "\\'",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\b": "\\b",
    "\f": "\\f",
}


def soql(kind: str, fields: Iterable[str], where: str, *, limit: int, newest: bool = False) -> str:
    """Return a query; `where` is made of `same` alone."""
    order = " ORDER BY CreatedDate DESC" if newest else ""
    return f"SELECT {','.join(fields)} FROM {kind} WHERE {where}{order} LIMIT {limit}"  # noqa: S608 - see same


def same(field: str, values: Iterable[str]) -> str:
    """Return the condition that a field holds one of these texts."""
    return " OR ".join(f"{field} = '{_quoted(value)}'" for value in values)


def either(*conditions: str) -> str:
    """Return the condition that one of these holds; empty ones count for nothing."""
    return " OR ".join(condition for condition in conditions if condition)


def phone_in(fields: Iterable[str], phone: str) -> str:
    """Return the condition that a field may hold a telephone number, however written."""
    digits = _digits(phone)[-_TELLING_DIGITS:]
    if len(digits) == _TELLING_DIGITS:
        return either(*(f"{name} LIKE '%{'%'.join(digits)}'" for name in fields))
    forms = list(dict.fromkeys([phone, _NO_DIGITS.sub("", phone)]))
    return either(*(same(name, forms) for name in fields)) if phone else ""


def is_number(kept: object, phone: str) -> bool:
    """Say whether a field holds a number, with or without the code of its country."""
    one, other = sorted((_digits(str(kept or "")), _digits(phone)), key=len)
    return one == other or (len(one) >= _TELLING_DIGITS and other.endswith(one))


def _digits(phone: str) -> str:
    return _TRUNK.sub("", phone).lstrip("0")


def record(answer: Json, fields: Iterable[str]) -> dict[str, object]:
    """Return what a tool gets of a record: its fields, without Salesforce's attributes."""
    return {name: answer.get(name) for name in fields}


def case_fields(given: Mapping[str, object]) -> dict[str, object]:
    """Return the body that opens a case; raises ValueError for what can be no field."""
    named = {
        "Subject": text_given(given, "subject"),
        "Description": text_given(given, "description"),
        "ContactId": record_id(given, "contact_id", optional=True),
        "AccountId": record_id(given, "account_id", optional=True),
        "Priority": text_given(given, "priority"),
        "Status": text_given(given, "status") or "New",
        "Origin": text_given(given, "origin") or "Chat",
    }
    return {name: value for name, value in named.items() if value} | _more_fields(given)


def _more_fields(given: Mapping[str, object]) -> dict[str, object]:
    more = given.get("fields") or {}
    if not isinstance(more, Mapping):
        raise ValueError("fields must be a dict of field names and values")
    for name, value in more.items():
        if not _NAME.fullmatch(str(name)):
            raise ValueError(f"fields: {str(name)[:40]} is no API name of a field")
        if value is not None and not isinstance(value, str | int | float):
            raise ValueError(f"fields: {name} must be a text, a number or a bool")
    return dict(more)


def record_id(given: Mapping[str, object], name: str, *, optional: bool = False) -> str:
    """Return an argument that is the Id of a record; raises ValueError for anything else."""
    value = text_given(given, name)
    if optional and not value:
        return ""
    if not _ID.fullmatch(value):
        raise ValueError(f"{name} is no Id of Salesforce: 15 or 18 letters and digits")
    return value


def limit_of(given: Mapping[str, object]) -> int:
    """Return how many records are wanted, 5 unless said; raises ValueError."""
    value = given.get("limit")
    if value is None:
        return _USUAL_RECORDS
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_RECORDS:
        raise ValueError(f"limit must be a number from 1 to {MOST_RECORDS}")
    return value


def _quoted(value: str) -> str:
    return "".join(_ESCAPES.get(sign, sign) for sign in value)
