"""What the core knows of vendors is in their manifests, and nowhere else."""

from __future__ import annotations

import ast
import re
from collections import Counter
from typing import get_args

import pytest

from integrations.contract.errors import ConnectorError
from integrations.contract.failures import ANSWER_WORDS, CheckCode, answer_word
from integrations.contract.manifest import Manifest
from integrations.contract.registry import (
    all_manifests,
    manifests,
)
from tests.architecture.sources import Sources, parsed, project

# They show a reader what a name looks like.
EXAMPLES = {
    "integrations/management/commands/new_vendor.py",
    "conversations/ai_agent/tools/editor.py",
    "integrations/management/commands/run_simulator.py",
}
# A word of every language, and the tile for whoever is not a vendor.
OURS = {"custom", "Custom connector"}


def _vendor_words() -> set[str]:
    words = {w for m in all_manifests() for w in (m.key, m.integration_key, m.name, m.vendor)}
    return words - OURS - {""}


def _named_in(sources: Sources) -> list[str]:
    """Return where a text of the core, docstrings left out, names a vendor."""
    names = re.compile(r"\b(?:" + "|".join(map(re.escape, sorted(_vendor_words()))) + r")\b")
    return [
        f"{path}:{node.lineno} {node.value[:60]!r}"
        for path, text in sources.items()
        if not path.startswith("integrations/vendors/") and path not in EXAMPLES
        for node in ast.walk(parsed(text))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if names.search(node.value) and node.value not in _docstrings(text)
    ]


def _own_fields() -> set[str]:
    """Return the names of fields with a meaning that only their manifest may know."""
    pairs = [m.key_pair for m in manifests() if m.key_pair]
    named = {name for pair in pairs for name in (pair.key_id_field, pair.algorithm_field)}
    return (named | {m.mode_field for m in manifests()}) - {""}


def _fields_in(sources: Sources) -> list[str]:
    """Return where the core asks for a field of one vendor's by name."""
    return [
        f"{path}:{node.lineno} {node.value}"
        for path, text in sources.items()
        if not path.startswith("integrations/vendors/")
        for node in ast.walk(parsed(text))
        if isinstance(node, ast.Constant) and node.value in _own_fields()
    ]


def _docstrings(text: str) -> set[str]:
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    nodes = (node for node in ast.walk(parsed(text)) if isinstance(node, kinds))
    return {ast.get_docstring(node, clean=False) or "" for node in nodes}


def test_no_text_of_the_core_names_a_vendor() -> None:
    assert _named_in(project()) == []


@pytest.mark.parametrize("word", ["zendesk", "nice_integration", "Genesys", "Five9"])
def test_a_planted_table_of_vendors_is_found(word: str) -> None:
    planted = {"handoffs/payload/novel.py": f'NAMES = {{"{word}": 1}}\n'}

    assert len(_named_in(planted)) == 1


def test_no_field_has_a_name_that_the_core_knows() -> None:
    assert _own_fields()
    assert _fields_in(project()) == []


def test_a_planted_magic_name_is_found() -> None:
    planted = {"integrations/connect/novel.py": 'chosen = values.get("mode")\n'}

    assert _fields_in(planted) == ["integrations/connect/novel.py:1 mode"]


def test_an_alias_means_one_integration_and_is_no_integration_key() -> None:
    means = {(alias, m.integration_key) for m in all_manifests() for alias in m.aliases}
    counted = Counter(alias for alias, _ in means)

    assert [alias for alias, count in counted.items() if count > 1] == []
    assert set(counted) & {m.integration_key for m in all_manifests()} == set()


def test_another_spelling_of_a_hint_is_nobodys_hint() -> None:
    hints = [hint for m in all_manifests() for hint in m.hints]

    assert {alias for hint in hints for alias in hint.aliases} & {h.name for h in hints} == set()


@pytest.mark.parametrize("found", manifests(), ids=lambda found: found.key)
def test_fields_that_a_manifest_names_are_among_its_fields(found: Manifest) -> None:
    pair = found.key_pair
    named = {found.mode_field, found.named_by, *found.exclusive_fields}
    named |= {name for fields in found.listed_hints.values() for name in fields}
    if pair:
        named |= {pair.private_key_field, pair.key_id_field, pair.algorithm_field}

    assert named - {""} <= {item.name for item in found.fields}


# The words of a connection test's documented answer.
DOCUMENTED = {"ok", "dns", "tls", "timeout", "auth", "forbidden", "not_found", "not_published"}
DOCUMENTED |= {"disabled", "wrong_region", "wrong_type", "licence", "rate_limited", "vendor_error"}
DOCUMENTED |= {"webhook_not_seen", "skipped"}


@pytest.mark.parametrize("found", manifests(), ids=lambda found: found.key)
def test_help_is_kept_under_the_codes_of_the_one_vocabulary(found: Manifest) -> None:
    assert {code for _, code in found.error_help} - set(get_args(CheckCode)) == set()


def test_every_code_of_a_check_is_answered_with_a_documented_word() -> None:
    assert {answer_word(code) for code in get_args(CheckCode)} == DOCUMENTED
    # What has a word of its own in the answer never goes by that word inside.
    assert set(get_args(CheckCode)) & set(ANSWER_WORDS.values()) == set()


def test_a_check_calls_an_error_what_everything_else_calls_it() -> None:
    codes = {kind.code for kind in _kinds(ConnectorError)}

    # Neither comes out of a check: one is renamed there, the other answers an inbound call.
    assert codes - set(get_args(CheckCode)) == {"conversation_gone", "webhook_unverified"}


def _kinds(kind: type[ConnectorError]) -> set[type[ConnectorError]]:
    return {kind}.union(*map(_kinds, kind.__subclasses__()))
