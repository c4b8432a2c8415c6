"""Reads the hints of a payload against the manifests of the integration they are meant for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from handoffs.payload.common_hints import COMMON_HINTS
from integrations.contract.hints import Check, Hint, Notes, join_path, without_secrets
from integrations.contract.integration_keys import hints_of, payload_keys, refused_hints_of


def hints_read(
    hints: object, integration_key: str | None, path: str, notes: Notes
) -> dict[str, object]:
    """Return the known hints, normalised; without an integration, those of any are known.

    None counts as not given, because a missing key of `conv.state` reads as None.
    """
    if not isinstance(hints, dict):
        notes.wrong(path, "a dict of hints, which may be empty", hints)
        return {}
    known, aliases = _known(integration_key), _aliases(integration_key)
    refused = refused_hints_of(integration_key) if integration_key else frozenset()
    found: dict[str, object] = {}
    for given, value in without_secrets(hints, path, notes):
        name = aliases.get(given, given) if isinstance(given, str) else ""
        at = join_path(path, given)
        if given in refused:
            notes.problem(at, "not accepted here: the saved connection decides this")
        elif name not in known:
            notes.warn(at, "unknown hint, ignored")
        elif name != given and name in hints:
            notes.warn(at, f"ignored: {name} is given as well")
        elif value is not None:
            found[name] = _checked(known[name], value, at, notes)
    return found


def hints_for(
    integration_key: str, hints: Mapping[str, object], path: str, notes: Notes
) -> dict[str, object]:
    """Keep the hints that this integration understands, and report the others as ignored.

    They were read for any integration, whose hint of the same name may have had another check.
    """
    known = _known(integration_key)
    for name in hints.keys() - known.keys():
        notes.warn(join_path(path, name), f"ignored: {integration_key} has no such hint")
    return {
        name: _checked(known[name], value, join_path(path, name), notes)
        for name, value in hints.items()
        if name in known
    }


def hints_passed_on(hints: Mapping[str, object], integration_key: str) -> dict[str, object]:
    """Return the hints of one integration that mean something to another as well."""
    known = _known(integration_key)
    return {name: value for name, value in hints.items() if name in known}


def require_hints(
    integration_key: str, hints: Mapping[str, object], path: str, notes: Notes
) -> None:
    """Record a problem where the integration cannot work without a hint that is not there."""
    for name, hint in hints_of(integration_key).items():
        at = join_path(path, name)
        if hint.is_required and name not in hints and not notes.has_problem_at(at):
            notes.problem(at, "required, and missing")


@cache
def override_hints() -> frozenset[str]:
    """Return the hints that replace what an admin saved, of any integration."""
    every = (hint for key in payload_keys() for hint in hints_of(key).values())
    return frozenset(hint.name for hint in every if hint.replaces_saved)


@cache
def _known(integration_key: str | None) -> Mapping[str, tuple[Check, ...]]:
    """Return the checks by hint; several where integrations have a hint of the same name."""
    found: dict[str, tuple[Check, ...]] = {}
    for hint in _hints(integration_key):
        found[hint.name] = (*found.get(hint.name, ()), hint.check)
    return found


@cache
def _aliases(integration_key: str | None) -> Mapping[str, str]:
    """Return the name by other spelling; what is a name itself is never another's spelling."""
    known = _known(integration_key)
    return {
        alias: hint.name
        for hint in _hints(integration_key)
        for alias in hint.aliases
        if alias not in known
    }


def _hints(integration_key: str | None) -> list[Hint]:
    keys = payload_keys() if integration_key is None else (integration_key,)
    own = [hint for key in keys for hint in hints_of(key).values()]
    return [*COMMON_HINTS.values(), *own]


def _checked(checks: tuple[Check, ...], value: object, path: str, notes: Notes) -> object:
    """Return the value as the first check that accepts it takes it; else record the problems."""
    for check in checks[:-1]:
        alone = Notes()
        found = check(value, path, alone)
        if not alone.problems:
            notes.warnings += alone.warnings
            return found
    return checks[-1](value, path, notes)
