"""Vendor folders are found, and their simulators never come along."""

from __future__ import annotations

import subprocess
import sys

import pytest

from integrations.contract import registry
from integrations.contract.connector import Connector
from integrations.contract.manifest import Manifest


def test_every_folder_has_a_manifest_and_one_connector_class():
    keys = registry.vendor_keys()

    assert "salesforce_messaging" in keys
    for key in keys:
        assert isinstance(registry.manifest_get(key), Manifest)
        assert issubclass(registry.connector_class(key), Connector)
        assert registry.connector_class(key).manifest is registry.manifest_get(key)
    assert [manifest.key for manifest in registry.manifests()] == list(keys)


@pytest.mark.parametrize("key", ["", "nobody", "../vendors", "salesforce_messaging.simulator"])
def test_unknown_key_is_a_lookup_error(key: str):
    with pytest.raises(LookupError):
        registry.manifest_get(key)
    with pytest.raises(LookupError):
        registry.connector_class(key)


def test_loading_every_connector_loads_neither_a_simulator_nor_django():
    code = (
        "import sys; from integrations.contract import registry\n"
        "[registry.connector_class(key) for key in registry.vendor_keys()]\n"
        "print([name for name in sys.modules if 'simulator' in name or name == 'django'])"
    )

    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert found.stdout.strip() == "[]"
