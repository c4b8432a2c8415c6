"""Finds who takes part in the demo: the vendors and carriers whose folder says how."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from config.demo.processes import BASE_DIR
from integrations.simulators.demo import DemoCarrier, DemoVendor

_MODULE = "simulator.demo"
_FOLDER = BASE_DIR / "integrations" / "vendors"


@cache
def demo_vendors() -> Mapping[str, DemoVendor]:
    """Return the vendors by connector key, the one of the plain phrase first."""
    found = {key: one for key, one in _found("DEMO").items() if isinstance(one, DemoVendor)}
    return dict(sorted(found.items(), key=lambda item: not item[1].is_plain))


@cache
def demo_carriers() -> Mapping[str, DemoCarrier]:
    """Return the carriers by connector key: end users' phones, and no live agents."""
    return {key: one for key, one in _found("CARRIER").items() if isinstance(one, DemoCarrier)}


def _found(name: str) -> Mapping[str, object]:
    """Return what the vendors' folders offer under a name; each offers one of the two."""
    paths = sorted(Path(_FOLDER).glob("*/simulator/demo.py"))
    modules = {path.parent.parent.name: _module(path.parent.parent.name) for path in paths}
    for key, module in modules.items():
        if not isinstance(module.get("DEMO", module.get("CARRIER")), DemoVendor | DemoCarrier):
            raise TypeError(f"vendors/{key}/simulator/demo.py must define DEMO or CARRIER")
    return {key: module[name] for key, module in modules.items() if name in module}


def _module(key: str) -> Mapping[str, object]:
    return vars(importlib.import_module(f"integrations.vendors.{key}.{_MODULE}"))
