"""Checks the `data` of a handoff: any JSON, within a depth and a size, without secrets."""

from __future__ import annotations

from integrations.contract.hints import (
    MAX_BLOCK_BYTES,
    Notes,
    block_bytes,
    is_finite_number,
    join_path,
    text,
    without_secrets,
)

MAX_DATA_DEPTH = 8


def json_block(value: object, path: str, notes: Notes) -> dict[str, object]:
    """Check a dict of JSON values, limited in depth and size, and drop what looks secret."""
    if not isinstance(value, dict):
        notes.wrong(path, "a dict", value)
        return {}
    before = len(notes.problems)
    found = _json_value(value, path, notes, MAX_DATA_DEPTH)
    if len(notes.problems) > before or not isinstance(found, dict):
        return {}
    if block_bytes(found) > MAX_BLOCK_BYTES:
        notes.problem(path, f"expected at most {MAX_BLOCK_BYTES // 1024} KB")
    return found


def _json_value(value: object, path: str, notes: Notes, depth: int) -> object:
    if depth == 0:
        notes.problem(path, f"nested more than {MAX_DATA_DEPTH} levels deep")
    elif isinstance(value, dict):
        return _json_dict(value, path, notes, depth)
    elif isinstance(value, (list, tuple)):
        items = enumerate(value)
        return [_json_value(item, f"{path}[{at}]", notes, depth - 1) for at, item in items]
    elif isinstance(value, str):
        return text(0, MAX_BLOCK_BYTES)(value, path, notes)
    elif value is not None and not isinstance(value, bool) and not is_finite_number(value):
        notes.wrong(path, "a JSON value", value)
    return value


def _json_dict(
    value: dict[object, object], path: str, notes: Notes, depth: int
) -> dict[object, object]:
    found: dict[object, object] = {}
    for name, item in without_secrets(value, path, notes):
        at = join_path(path, name)
        text(0, 256)(name, at, notes)
        found[name] = _json_value(item, at, notes, depth - 1)
    return found
