"""Finds the vendor folders; nothing else in the portal names a vendor's module."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

from integrations.contract.connector import Connector
from integrations.contract.manifest import Manifest

_PACKAGE = "integrations.vendors"
_FOLDER = Path(__file__).parent.parent / "vendors"


@cache
def vendor_keys() -> tuple[str, ...]:
    """Return the keys of all vendor folders, sorted."""
    found = [path.parent for path in _FOLDER.glob("*/manifest.py")]
    found += [path.parent.parent for path in _FOLDER.glob("*/manifest/__init__.py")]
    return tuple(sorted(folder.name for folder in found))


@cache
def manifest(key: str) -> Manifest:
    """Return one vendor's manifest; raises LookupError for a key without a folder."""
    found = vars(_module(key, "manifest")).get("MANIFEST")
    if not isinstance(found, Manifest) or found.key != key:
        raise TypeError(f"vendors/{key}/manifest.py must define MANIFEST with key {key!r}")
    return found


def manifest_with(key: str, credentials: Mapping[str, str]) -> Manifest:
    """Return a vendor's manifest with the capabilities that these credentials leave."""
    can = connector_class(key).capabilities_with(credentials)
    return replace(manifest(key), capabilities=can)


def manifests() -> tuple[Manifest, ...]:
    """Return all manifests, sorted by key."""
    return tuple(manifest(key) for key in vendor_keys())


@cache
def connector_class(key: str) -> type[Connector]:
    """Return the one Connector class of a vendor; raises LookupError for an unknown key."""
    module = _module(key, "connector")
    found = [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Connector) and _is_of(module, member)
    ]
    if len(found) != 1:
        raise TypeError(f"vendors/{key}/connector.py must define exactly one Connector class")
    return found[0]


def _is_of(module: ModuleType, member: type) -> bool:
    """Tell the vendor's own class from those that the module imports."""
    return f"{member.__module__}.".startswith(f"{module.__name__}.")


def _module(key: str, name: str) -> ModuleType:
    if key not in vendor_keys():
        raise LookupError(f"no vendor folder named {key!r}")
    return importlib.import_module(f"{_PACKAGE}.{key}.{name}")
