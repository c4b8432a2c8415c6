"""Finds the vendor folders; nothing else in the portal names a vendor's module."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType

from integrations.contract.carrier import Carrier
from integrations.contract.connector import Connector
from integrations.contract.manifest import Manifest

_PACKAGE = "integrations.vendors"
_FOLDER = Path(__file__).parent.parent / "vendors"


@cache
def vendor_keys() -> tuple[str, ...]:
    """Return the keys of all vendors with a connector, sorted."""
    return tuple(key for key in sorted(_folders("manifest")) if key in _folders("connector"))


@cache
def planned_keys() -> tuple[str, ...]:
    """Return the keys of the vendors that have a manifest, and no connector yet, sorted."""
    return tuple(key for key in sorted(_folders("manifest")) if key not in _folders("connector"))


@cache
def manifest_get(key: str) -> Manifest:
    """Return the manifest of a vendor with a connector; raises LookupError for any other key."""
    return _manifest(key, vendor_keys())


def manifest_with(key: str, credentials: Mapping[str, str]) -> Manifest:
    """Return a vendor's manifest with the capabilities that these credentials leave."""
    can = connector_class(key).capabilities_with(credentials)
    return replace(manifest_get(key), capabilities=can)


def manifests() -> tuple[Manifest, ...]:
    """Return the manifests of all vendors with a connector, sorted by key."""
    return tuple(manifest_get(key) for key in vendor_keys())


@cache
def all_manifests() -> tuple[Manifest, ...]:
    """Return all manifests, of planned vendors too, sorted by key."""
    keys = sorted({*vendor_keys(), *planned_keys()})
    return tuple(_manifest(key, keys) for key in keys)


@cache
def connector_class(key: str) -> type[Connector]:
    """Return the one Connector class of a vendor; raises LookupError for an unknown key."""
    module = _module(key, "connector", vendor_keys())
    found = [
        member
        for _, member in inspect.getmembers(module, inspect.isclass)
        if issubclass(member, Connector) and _is_of(module, member)
    ]
    if len(found) != 1:
        raise TypeError(f"vendors/{key}/connector.py must define exactly one Connector class")
    return found[0]


@cache
def carrier_keys() -> frozenset[str]:
    """Return the keys of those behind which no live agent is, but a channel of end users."""
    return frozenset(one.key for one in manifests() if one.channel)


def carrier_class(key: str) -> type[Carrier]:
    """Return the class of a carrier; raises LookupError for anything else."""
    found = connector_class(key)
    if not issubclass(found, Carrier):
        raise LookupError(f"{key!r} carries no texts")
    return found


def _is_of(module: ModuleType, member: type) -> bool:
    """Tell the vendor's own class from those that the module imports."""
    return f"{member.__module__}.".startswith(f"{module.__name__}.")


def _manifest(key: str, among: Collection[str]) -> Manifest:
    found = vars(_module(key, "manifest", among)).get("MANIFEST")
    if not isinstance(found, Manifest) or found.key != key:
        raise TypeError(f"vendors/{key}/manifest.py must define MANIFEST with key {key!r}")
    return found


@cache
def _folders(name: str) -> frozenset[str]:
    """Return the folders with a file or a package of this name."""
    found = [path.parent for path in _FOLDER.glob(f"*/{name}.py")]
    found += [path.parent.parent for path in _FOLDER.glob(f"*/{name}/__init__.py")]
    return frozenset(folder.name for folder in found)


def _module(key: str, name: str, among: Collection[str]) -> ModuleType:
    if key not in among:
        raise LookupError(f"no vendor folder named {key!r}")
    return importlib.import_module(f"{_PACKAGE}.{key}.{name}")
