"""Plain statements for the few places that every message passes, on both kinds of database."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import connection, models
from django.utils.dateparse import parse_datetime


def row_insert(row: models.Model, *, ignore_conflicts: bool = False) -> bool:
    """Insert a row; False if `ignore_conflicts` and a constraint stopped it.

    A key that the database makes is not read back. Values pass the fields' own conversion.
    """
    statement, columns = _insert(type(row))
    values = [
        column.get_db_prep_save(getattr(row, column.attname), connection) for column in columns
    ]
    if ignore_conflicts:
        statement += " ON CONFLICT DO NOTHING"
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return bool(cursor.rowcount == 1)


@cache
def _insert(model: type[models.Model]) -> tuple[str, tuple[Any, ...]]:
    """Return the statement for a model; every name in it comes from the model itself."""
    columns = tuple(
        column
        for column in model._meta.local_concrete_fields
        if not isinstance(column, models.AutoField)
    )
    names = ", ".join(f'"{column.column}"' for column in columns)
    marks = ", ".join(["%s"] * len(columns))
    statement = f'INSERT INTO "{model._meta.db_table}" ({names}) VALUES ({marks})'  # noqa: S608
    return statement, columns


def plain_json(value: Any) -> Any:
    """Return a JSON column's value, which a plain cursor gives as text."""
    return json.loads(value) if isinstance(value, str) else value


def plain_moment(value: Any) -> datetime:
    """Return a time column's value, which SQLite gives as text without a zone."""
    moment = parse_datetime(value) if isinstance(value, str) else value
    assert moment is not None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def to_moment(value: datetime) -> Any:
    """Return a time as the database takes it."""
    return connection.ops.adapt_datetimefield_value(value)


def to_uuid(value: uuid.UUID) -> Any:
    """Return a UUID as the database takes it."""
    return value if connection.features.has_native_uuid_field else value.hex
