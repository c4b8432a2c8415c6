"""Insert one row in one plain statement: for the few places that every message passes."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.db import connection, models


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
