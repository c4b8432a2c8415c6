"""What payloads may name: integration keys, aliases and hints, read from all manifests."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from integrations.contract.hints import Hint, hints_by_name
from integrations.contract.manifest import Manifest
from integrations.contract.registry import all_manifests, manifests


@cache
def payload_keys() -> tuple[str, ...]:
    """Return the keys that a payload may name, whether or not there is a connector yet."""
    return tuple(dict.fromkeys(m.integration_key for m in all_manifests() if m.takes_live_chats))


def vendor_choices() -> list[tuple[str, str]]:
    """Return the vendors by which a list is narrowed."""
    return [(key, vendor_name(key)) for key in payload_keys()]


def key_named(name: str) -> str | None:
    """Return the integration key that a builder means by its own name or by an alias."""
    wanted = name.strip().casefold()
    return wanted if wanted in payload_keys() else _aliases().get(wanted)


@cache
def hints_of(integration_key: str) -> Mapping[str, Hint]:
    """Return the hints that an integration understands beyond the common ones, by name."""
    return hints_by_name(*(hint for found in _sharing(integration_key) for hint in found.hints))


@cache
def refused_hints_of(integration_key: str) -> frozenset[str]:
    """Return the hints that would choose where credentials are sent."""
    return frozenset().union(*(found.refused_hints for found in _sharing(integration_key)))


def has_connector(integration_key: str) -> bool:
    """Tell whether handoffs can go there at all, connected or not."""
    return any(
        found.integration_key == integration_key and not found.only_for_tools
        for found in manifests()
    )


def vendor_name(integration_key: str) -> str:
    """Return the vendor's name as sentences use it; empty where no vendor is known."""
    if named := _sharing(integration_key):
        return named[0].vendor or named[0].name
    return integration_key.removesuffix("_integration").replace("_", " ").title()


def overridable_hints() -> str:
    """Name the hints that replace a saved value, for each vendor with a connector, in words."""
    named = [(found.override_hints, vendor_name(found.integration_key)) for found in manifests()]
    return "; ".join(f"{', '.join(hints)} of {vendor}" for hints, vendor in named if hints)


def tool_integrations() -> dict[str, tuple[str, ...]]:
    """Return the operations of each name under conv.integrations, connected or not."""
    return {
        one.tool_name: tuple(operation.name for operation in one.tool_operations)
        for one in manifests()
        if one.tool_name
    }


@cache
def _sharing(integration_key: str) -> tuple[Manifest, ...]:
    """Return the manifests behind a key, those with a connector first."""
    built = {found.key for found in manifests()}
    found = [m for m in all_manifests() if m.integration_key == integration_key]
    return tuple(sorted(found, key=lambda one: (one.key not in built, one.tile_order)))


@cache
def _aliases() -> dict[str, str]:
    return {
        alias: found.integration_key
        for found in all_manifests()
        if found.takes_live_chats
        for alias in found.aliases
    }
