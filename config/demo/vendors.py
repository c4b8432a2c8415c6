"""Finds the vendors that take part in the demo: those whose folder says how."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from config.demo.processes import BASE_DIR
from integrations.simulators.demo import DemoVendor

_MODULE = "simulator.demo"
_FOLDER = BASE_DIR / "integrations" / "vendors"


@cache
def demo_vendors() -> Mapping[str, DemoVendor]:
    """Return the vendors by connector key, the one of the plain phrase first."""
    paths = sorted(Path(_FOLDER).glob("*/simulator/demo.py"))
    keys = [path.parent.parent.name for path in paths]
    found = {key: _demo_vendor(key) for key in keys}
    return dict(sorted(found.items(), key=lambda item: not item[1].is_plain))


def _demo_vendor(key: str) -> DemoVendor:
    module = importlib.import_module(f"integrations.vendors.{key}.{_MODULE}")
    found = vars(module).get("DEMO")
    if not isinstance(found, DemoVendor):
        raise TypeError(f"vendors/{key}/simulator/demo.py must define DEMO")
    return found
