"""Reads the hints of a payload against the table of the integration they are meant for."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from handoffs.payload.checks import Check, Notes, join_path, without_secrets
from handoffs.payload.rules import (
    COMMON_HINTS,
    HINT_ALIASES,
    REFUSED_HINTS,
    REQUIRED_HINTS,
    VENDOR_HINTS,
)

_EVERY_HINT: Mapping[str, Check] = {
    name: check for table in (COMMON_HINTS, *VENDOR_HINTS.values()) for name, check in table.items()
}


def hints_read(
    hints: object, integration_key: str | None, path: str, notes: Notes
) -> dict[str, object]:
    """Return the known hints, normalised; without an integration, those of any are known.

    None counts as not given, because a missing key of `conv.state` reads as None.
    """
    if not isinstance(hints, dict):
        notes.wrong(path, "a dict of hints, which may be empty", hints)
        return {}
    checks, aliases = _tables(integration_key)
    found: dict[str, object] = {}
    for given, value in without_secrets(hints, path, notes):
        name = aliases.get(given, given) if isinstance(given, str) else ""
        at = join_path(path, given)
        if given in REFUSED_HINTS.get(integration_key or "", ()):
            notes.problem(at, "not accepted here: the saved connection decides this")
        elif name not in checks:
            notes.warn(at, "unknown hint, ignored")
        elif name != given and name in hints:
            notes.warn(at, f"ignored: {name} is given as well")
        elif value is not None:
            found[name] = checks[name](value, at, notes)
    return found


def hints_for(
    integration_key: str, hints: Mapping[str, object], path: str, notes: Notes
) -> dict[str, object]:
    """Keep the hints that this integration understands, and report the others as ignored."""
    checks, _ = _tables(integration_key)
    for name in hints.keys() - checks.keys():
        notes.warn(join_path(path, name), f"ignored: {integration_key} has no such hint")
    return {name: value for name, value in hints.items() if name in checks}


def hints_passed_on(
    hints: Mapping[str, object], integration_key: str, also: Collection[str]
) -> dict[str, object]:
    """Return the hints of one integration that mean something to another as well.

    `also` are those that its connector names itself.
    """
    known = {*COMMON_HINTS, *VENDOR_HINTS.get(integration_key, ()), *also}
    return {name: value for name, value in hints.items() if name in known}


def require_hints(
    integration_key: str, hints: Mapping[str, object], path: str, notes: Notes
) -> None:
    """Record a problem where the integration cannot work without a hint that is not there."""
    required = REQUIRED_HINTS.get(integration_key)
    if required and required not in hints and not notes.has_problem_at(join_path(path, required)):
        notes.problem(join_path(path, required), "required, and missing")


def _tables(integration_key: str | None) -> tuple[Mapping[str, Check], Mapping[str, str]]:
    if integration_key is None:
        aliases = {old: new for table in HINT_ALIASES.values() for old, new in table.items()}
        return _EVERY_HINT, aliases
    checks = {**COMMON_HINTS, **VENDOR_HINTS[integration_key]}
    return checks, {**HINT_ALIASES[""], **HINT_ALIASES.get(integration_key, {})}
