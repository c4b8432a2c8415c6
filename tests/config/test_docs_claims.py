"""What pages claim of vendors, limits and settings is what manifests and code say."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from django import forms
from django.conf import settings

from conversations.api.messaging import ATTRIBUTES_MAX_BYTES
from handoffs.lifecycle.availability import BUDGET_SECONDS
from handoffs.payload.common_hints import COMMON_HINTS
from integrations.behaviour.settings import Behaviour, BehaviourForm
from integrations.connect.testing import TESTS_PER_MINUTE
from integrations.contract.checks import CALL_SECONDS, TOTAL_SECONDS
from integrations.contract.hints import MAX_BLOCK_BYTES, Hint, Notes
from integrations.contract.integration_keys import has_connector, payload_keys
from integrations.contract.manifest import Manifest
from integrations.contract.registry import all_manifests, manifest_get, manifests, planned_keys
from integrations.http.client import MAX_RESPONSE_BYTES, REQUEST_SECONDS

ROOT = Path(__file__).parents[2]
WORDS = {3: "three", 4: "four", 5: "five", 10: "ten", 60: "minute"}
MIB = 1024 * 1024


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(text: str) -> dict[str, list[str]]:
    """Return the rows of all tables of a page by their first cell; a row may name several."""
    found = {}
    for line in re.findall(r"^\| (.+) \|$", text, re.M):
        first, *cells = line.split(" | ")
        for name in re.findall(r"`([^`]+)`", first) or [first]:
            found.setdefault(name, cells)
    return found


def vendor_page(found: Manifest) -> str:
    return page(f"integrations/vendors/{found.key}/README.md")


# -- Vendors ----------------------------------------------------------------------------------


@pytest.mark.parametrize("found", manifests(), ids=lambda found: found.key)
def test_a_vendors_page_names_its_key_its_aliases_and_each_of_its_hints(found: Manifest) -> None:
    text = vendor_page(found)

    names = {found.integration_key, *found.aliases, *(hint.name for hint in found.hints)}
    names |= {alias for hint in found.hints for alias in hint.aliases}
    assert [name for name in sorted(names) if not re.search(rf"[`\"]{name}[`\"]", text)] == []


@pytest.mark.parametrize("found", manifests(), ids=lambda found: found.key)
def test_a_vendors_page_claims_the_size_of_files_that_the_manifest_allows(found: Manifest) -> None:
    sizes = {int(size) for size in re.findall(r"(\d+)\sMB", vendor_page(found))}

    assert found.attachments is None or found.attachments.max_bytes // MIB in sizes


def test_the_readme_lists_the_planned_vendors_as_what_does_not_work_yet() -> None:
    [line] = re.findall(r"^- \*\*Other vendors\.\*\* (.+)$", page("README.md"), re.M)
    planned = [m for m in all_manifests() if m.key in planned_keys()]

    assert [m.key for m in planned if (m.vendor or m.name) not in line] == []
    built = {m.vendor or m.name for m in manifests()} - {m.vendor or m.name for m in planned}
    assert [name for name in built if name in line] == []


def test_builders_read_which_integrations_a_tool_can_name() -> None:
    [sentence] = re.findall(r"The keys are (.+?);", page("docs/builders.md"))

    assert set(re.findall(r"`(\w+)`", sentence)) == {k for k in payload_keys() if has_connector(k)}


def test_builders_read_which_hints_replace_what_an_admin_saved() -> None:
    [paragraph] = re.findall(r"^Some hints replace .+$", page("docs/builders.md"), re.M)
    replacing, _ = paragraph.split("They need the switch")

    named = {name for m in all_manifests() for name in m.override_hints}
    assert set(re.findall(r"`(\w+)`", replacing)) == named


@pytest.mark.parametrize("hint", COMMON_HINTS.values(), ids=lambda hint: hint.name)
def test_builders_read_each_common_hint_with_its_limits(hint: Hint) -> None:
    notes = Notes()
    hint.check(object(), "x", notes)
    expected = notes.problems[0].message.partition(", got")[0]
    shown = rows(page("docs/builders.md").split("### Hints")[1])[hint.name][0]

    numbers = re.findall(r"\d+", expected) if "such as" not in expected else []
    choices = expected.removeprefix("expected one of ").split(", ")
    choices = choices if expected.startswith("expected one of") else []
    assert [limit for limit in [*numbers, *choices] if limit not in shown] == []
    assert [alias for alias in hint.aliases if alias not in page("docs/builders.md")] == []


# -- Limits and settings ----------------------------------------------------------------------


# A vendor for which every setting has an effect.
FIELDS = BehaviourForm(manifest_get("amazon_connect"), Behaviour(), fallbacks=[("x", "X")]).fields
NUMBERS = {n: field for n, field in FIELDS.items() if isinstance(field, forms.IntegerField)}


@pytest.mark.parametrize("name", NUMBERS)
def test_admins_read_the_default_and_the_bounds_of_each_number(name: str) -> None:
    field = NUMBERS[name]
    default = next(f.default for f in dataclasses.fields(Behaviour) if f.name == name)
    shown, meaning = rows(page("docs/admins.md"))[str(field.label)]

    assert shown == str(default)
    bounds = (field.min_value, field.max_value)
    assert [b for b in bounds if b and not re.search(rf"\b{b}\b", meaning)] == []


@pytest.mark.parametrize("name", [n for n in FIELDS if not n.startswith("response_")])
def test_admins_find_every_behaviour_by_its_label(name: str) -> None:
    label = str(FIELDS[name].label).replace("Amazon Connect", "the vendor")

    assert label in page("docs/admins.md")


CLAIMS = [
    ("docs/admins.md", "Each check has {} seconds, all together ten", CALL_SECONDS),
    ("docs/admins.md", "all together {}; a project may test", TOTAL_SECONDS),
    ("docs/admins.md", "a project may test {} times a minute", TESTS_PER_MINUTE),
    ("docs/admins.md", "An answer takes {} seconds at most", BUDGET_SECONDS),
    ("docs/builders.md", "`expires_in`, {} seconds", settings.ACCESS_TOKEN_SECONDS),
    ("docs/builders.md", "every {} seconds; a conversation", settings.SOCKET_HEARTBEAT_SECONDS),
    ("docs/builders.md", "for the Handoff API, up to {} KB", MAX_BLOCK_BYTES // 1024),
    ("docs/builders.md", "{} KB", ATTRIBUTES_MAX_BYTES // 1024),
    ("docs/architecture.md", "older than {} seconds", settings.RELAY_DEAD_AFTER_SECONDS),
    ("docs/operators.md", "heartbeat of {} seconds", settings.SOCKET_HEARTBEAT_SECONDS),
    ("docs/operators.md", "connection tests, for each project | {} a minute", TESTS_PER_MINUTE),
    ("docs/operators.md", "there | {} seconds | they count as there", BUDGET_SECONDS),
    ("docs/operators.md", "a call to a vendor | {} seconds", REQUEST_SECONDS),
    ("docs/operators.md", "a vendor's answer | {} MiB", MAX_RESPONSE_BYTES // MIB),
    ("docs/operators.md", "runs out after {} seconds", settings.RELAY_DEAD_AFTER_SECONDS),
    ("docs/operators.md", "handoffs fail after {} seconds", settings.HANDOFF_CONNECT_SECONDS),
    ("docs/operators.md", "delivered after {} minutes", settings.DELIVERY_DEADLINE_SECONDS // 60),
]


@pytest.mark.parametrize(("name", "words", "value"), CLAIMS)
def test_a_number_in_the_text_is_the_codes(name: str, words: str, value: float) -> None:
    text, number = page(name), int(value)

    spelt = [words.format(number), words.format(WORDS.get(number, number))]
    assert any(one in text for one in spelt), spelt
