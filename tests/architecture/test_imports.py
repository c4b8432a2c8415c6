"""Dependencies point one way: config, handoffs, conversations, integrations, vendors."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.architecture.sources import ROOT, imports, python_files, relative

STANDARD = sys.stdlib_module_names
FRAMEWORKS = ("django", "celery", "channels", "rest_framework")
PURE = (
    "integrations/contract/connector.py",
    "integrations/contract/manifest.py",
    "integrations/contract/events.py",
    "integrations/contract/errors.py",
)
PURE += ("handoffs/states.py", "handoffs/payload/reading.py", "handoffs/errors.py")
# What loads a simulator on purpose.
SIMULATOR_USERS = ("integrations/management/commands/run_simulator.py",)


def _offences(files: Iterator[Path], is_bad: Callable[[str], bool]) -> list[str]:
    return [
        f"{relative(path)}:{line} imports {name}"
        for path in files
        for line, name in imports(path)
        if is_bad(name)
    ]


def _starts(*prefixes: str) -> Callable[[str], bool]:
    return lambda name: any(name == p or name.startswith(p + ".") for p in prefixes)


def _vendor_folders() -> list[Path]:
    return [p for p in sorted((ROOT / "integrations/vendors").iterdir()) if p.is_dir()]


def test_integrations_knows_neither_conversations_nor_handoffs() -> None:
    bad = _starts("conversations", "handoffs", "config")

    assert _offences(python_files("integrations"), bad) == []


def test_conversations_knows_neither_handoffs_nor_a_vendor() -> None:
    bad = _starts("handoffs", "config", "integrations.vendors")

    assert _offences(python_files("conversations"), bad) == []


def test_handoffs_knows_neither_config_nor_a_vendor() -> None:
    bad = _starts("config", "integrations.vendors")

    assert _offences(python_files("handoffs"), bad) == []


def test_a_vendor_knows_no_framework_no_app_and_no_other_vendor() -> None:
    offences = []
    for folder in _vendor_folders():
        others = [f.name for f in _vendor_folders() if f != folder]
        bad = _starts(
            *FRAMEWORKS,
            *("config", "conversations", "handoffs", "tests"),
            *(f"integrations.vendors.{name}" for name in others),
            *_bound_to_a_framework(),
        )
        offences += _offences(iter(sorted(folder.rglob("*.py"))), bad)

    assert offences == []


def _bound_to_a_framework() -> list[str]:
    """Name the modules of integrations that themselves import a framework."""
    found = ["integrations.models"]
    for path in sorted((ROOT / "integrations").glob("*.py")):
        if any(_starts(*FRAMEWORKS)(name) for _, name in imports(path)):
            found.append(f"integrations.{path.stem}")
    return found


def test_the_interface_needs_the_standard_library_alone() -> None:
    files = [ROOT / name for name in PURE]
    files += [folder / "mapping.py" for folder in _vendor_folders() if folder.name[0] != "_"]
    own = _starts("integrations", "handoffs")

    def is_bad(name: str) -> bool:
        return name.split(".")[0] not in STANDARD and not own(name)

    assert _offences(iter(files), is_bad) == []


def test_a_simulator_is_written_apart_from_its_connector() -> None:
    offences = []
    for folder in _vendor_folders():
        own = f"integrations.vendors.{folder.name}"
        bad = _starts(*(f"{own}.{name}" for name in ("client", "mapping", "connector")))
        offences += _offences(iter(sorted(folder.glob("simulator*.py"))), bad)

    assert offences == []


def test_only_the_simulator_command_loads_a_simulator() -> None:
    files = (
        path
        for path in python_files()
        if relative(path) not in SIMULATOR_USERS and not path.name.startswith("simulator")
    )

    assert _offences(files, lambda name: "simulator" in name.split(".")[-2:][0]) == []


def test_nothing_imports_the_tests() -> None:
    assert _offences(python_files(), _starts("tests")) == []


def test_only_one_module_sends_to_groups() -> None:
    users = [
        relative(path)
        for path in python_files()
        if re.search(r"\.groups?_send\(", path.read_text(encoding="utf-8"))
    ]

    # The layer is what publish.py sends through.
    assert users == ["conversations/journal/channel_layer.py", "conversations/journal/publish.py"]


def test_only_one_module_opens_sockets_to_vendors() -> None:
    allowed = (
        "integrations/http/client.py",
        "integrations/http/errors.py",
        "integrations/http/url_guard.py",
    )
    offences = _offences(
        (path for path in python_files("integrations", "handoffs", "conversations")),
        _starts("aiohttp", "requests", "httpx", "urllib.request", "http.client"),
    )
    # A session is handed on as a type; only integrations/http/client.py makes one.
    makers = [line for line in offences if not line.startswith(allowed) and "aiohttp" not in line]
    makes = [
        relative(path)
        for path in python_files()
        if "aiohttp.ClientSession(" in path.read_text(encoding="utf-8")
    ]

    assert (makers, makes) == ([], ["integrations/http/client.py"])
