"""Write a list as CSV or NDJSON while it is read, so that its length costs no memory."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from django.db import close_old_connections
from django.http import HttpRequest, StreamingHttpResponse

FORMATS: dict[str, str] = {
    "csv": "text/csv; charset=utf-8",
    "ndjson": "application/x-ndjson; charset=utf-8",
}
EXPORTED_MAX = 10_000
BYTE_ORDER_MARK = "\ufeff"
# A spreadsheet would run what begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def export_response(
    request: HttpRequest,
    name: str,
    form: str,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Any]],
) -> StreamingHttpResponse:
    """Answer with a file of rows; `form` is one of FORMATS, anything else is CSV."""
    form = form if form in FORMATS else "csv"
    lines = export_lines(form, columns, rows)
    content = _beside_the_loop(lines) if hasattr(request, "scope") else lines
    response = StreamingHttpResponse(content, content_type=FORMATS[form])
    response["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    response["Cache-Control"] = "no-store"
    return response


def export_lines(
    form: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]
) -> Iterator[str]:
    """Write rows in one of FORMATS."""
    return _ndjson(columns, rows) if form == "ndjson" else csv_lines(columns, rows)


def csv_lines(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Write a head and rows as RFC 4180 has it, with the mark by which Excel knows UTF-8."""
    yield BYTE_ORDER_MARK + _csv_line(columns)
    for row in rows:
        yield _csv_line([row.get(column) for column in columns])


def cell(value: object) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        value = ", ".join(map(str, value))
    text = str(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"'{text}" if text.startswith(_FORMULA) and not is_number else text


def _csv_line(values: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow([cell(value) for value in values])
    return line.getvalue()


def _ndjson(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    for row in rows:
        kept = {column: row.get(column) for column in columns}
        yield json.dumps(kept, ensure_ascii=False, default=str) + "\n"


async def _beside_the_loop(lines: Iterator[str]) -> AsyncIterator[str]:
    """Read lines in another thread, some hundreds at a time, so that the loop serves others."""
    while chunk := await asyncio.to_thread(_chunk, lines):
        yield chunk


def _chunk(lines: Iterator[str], size: int = 200) -> str:
    try:
        return "".join(islice(lines, size))
    finally:
        close_old_connections()
