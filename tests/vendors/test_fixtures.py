"""Every vendor with live agents has its payloads as fixtures, and its own tests read each one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from integrations.contract.registry import manifests
from integrations.vendors import five9

VENDORS = Path(five9.__file__).parents[1]
TESTS = Path(__file__).parent
KEYS = [one.key for one in manifests() if one.takes_live_chats]


@pytest.mark.parametrize("key", KEYS)
def test_each_fixture_is_one_payload_that_a_test_of_its_vendor_names(key: str) -> None:
    fixtures = sorted((VENDORS / key / "fixtures").glob("*.json"))
    read = "".join(path.read_text(encoding="utf-8") for path in (TESTS / key).rglob("*.py"))

    payloads = [json.loads(path.read_text(encoding="utf-8")) for path in fixtures]
    unread = [path.stem for path in fixtures if not _is_named(path.stem, read)]

    assert fixtures
    assert all(isinstance(payload, dict) for payload in payloads)
    assert unread == []


def _is_named(stem: str, tests: str) -> bool:
    """Look for the whole name, or for the part behind what a test's reader puts before all."""
    return any(f'"{name}"' in tests for name in (stem, stem.split("_", 1)[-1]))
