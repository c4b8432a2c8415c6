"""The set-ups of all vendors, found in `tests/vendors/<key>/contract_setup.py`."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

from integrations.contract.connector import Connector
from integrations.contract.registry import connector_class
from tests.contract.setup import VendorSetup

_FOUND = sorted((Path(__file__).parents[1] / "vendors").glob("*/contract_setup.py"))


def build_connector(key: str, options: Mapping[str, object], **parts: object) -> Connector:
    """Make a vendor's connector with shortened waits."""
    return connector_class(key)(**parts, **options)


def _setup(key: str) -> VendorSetup:
    module = importlib.import_module(f"tests.vendors.{key}.contract_setup")
    setup: VendorSetup = module.SETUP
    return setup


SETUPS: Mapping[str, VendorSetup] = {path.parent.name: _setup(path.parent.name) for path in _FOUND}
