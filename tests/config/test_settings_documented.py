"""Every setting is explained where operators look, with the default that it has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from conversations.api.files import ENVELOPE_BYTES

ROOT = Path(__file__).parents[2]
SETTINGS = (ROOT / "config" / "settings.py").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
OPERATORS = (ROOT / "docs" / "operators.md").read_text()
# Said in words there, because it depends on other settings.
WORDED = {"SECRET_KEY", "BATON_ENCRYPTION_KEYS", "ALLOWED_HOSTS", "DATABASE_URL", "BATON_VAR_DIR"}


def declared() -> dict[str, ast.expr | None]:
    """Return each environment variable that settings.py reads, with its default."""
    found: dict[str, ast.expr | None] = {}
    for node in ast.walk(ast.parse(SETTINGS)):
        is_read = (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and isinstance(node.func.value, ast.Name)
            and node.func.value.id == "env"
            and node.args
        )
        if is_read and isinstance(node.args[0], ast.Constant):
            defaults = [word.value for word in node.keywords if word.arg == "default"]
            found[node.args[0].value] = defaults[0] if defaults else None
    return found


def in_example() -> dict[str, str]:
    return dict(re.findall(r"^#?([A-Z][A-Z_]+)=(.*)$", EXAMPLE, re.M))


def in_operators() -> dict[str, str]:
    """Return names and defaults of the table of settings; a row may hold several of both."""
    section = OPERATORS.split("\n## Settings\n", 1)[1].split("\n## ", 1)[0]
    found = {}
    for row in re.findall(r"^\| (`[A-Z].*?) \| (.*?) \|", section, re.M):
        names, defaults = re.findall(r"`([A-Z_]+)`", row[0]), row[1].split(", ")
        found |= dict(zip(names, defaults if len(defaults) == len(names) else names, strict=True))
    return found


def simple_defaults() -> dict[str, str]:
    """Return the defaults that can be told without running the settings, as text."""
    found = {}
    for name, default in declared().items():
        if name in WORDED or default is None:
            continue
        if any(isinstance(part, ast.Name) for part in ast.walk(default)):
            continue  # it hangs on another setting
        value = eval(compile(ast.Expression(default), "settings", "eval"), {})
        found[name] = str(value).lower() if isinstance(value, bool) else str(value)
    return found


def test_env_example_lists_what_the_settings_read():
    assert set(in_example()) == set(declared())


def test_the_operators_table_lists_what_the_settings_read():
    assert set(in_operators()) == set(declared())


@pytest.mark.parametrize(("name", "default"), simple_defaults().items())
def test_env_example_shows_the_default(name, default):
    assert _same(in_example()[name], default)


@pytest.mark.parametrize(("name", "default"), simple_defaults().items())
def test_the_operators_table_shows_the_default(name, default):
    shown = in_operators()[name].strip("`")

    assert _same(shown, default) or (default == "" and shown == "none")


def _same(shown: str, default: str) -> bool:
    try:
        return float(shown) == float(default)
    except ValueError:
        return shown == default


def test_the_documented_proxy_takes_as_large_a_body_as_the_product() -> None:
    [megabytes] = re.findall(r"client_max_body_size (\d+)m;", OPERATORS)

    largest_file = int(in_example()["ATTACHMENT_MAX_BYTES"])

    assert int(megabytes) * 1024 * 1024 >= largest_file + ENVELOPE_BYTES
