"""What a process uses."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
from pathlib import Path

_SETTLED_SHARE = 0.002
_SETTLE_STEP_SECONDS = 1.0
_SETTLE_STEPS = 8


def files_allow_many() -> None:
    """Raise this process's limit of open files, and of all it starts, as far as it goes."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def resident_bytes(pid: int | str) -> int:
    """Return the memory a process holds, in bytes."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def settled_bytes(pid: int) -> int:
    """Return the memory a process holds once it has stopped to grow."""
    size = resident_bytes(pid)
    for _ in range(_SETTLE_STEPS):
        await asyncio.sleep(_SETTLE_STEP_SECONDS)
        before, size = size, resident_bytes(pid)
        if abs(size - before) < before * _SETTLED_SHARE:
            break
    return size


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its children, ended ones too, in seconds."""
    total = sum(_stat_seconds(Path(f"/proc/{pid}/stat"), 4))
    for child in _children(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += cpu_seconds(child)
    return total


def thread_seconds(pid: int) -> dict[int, float]:
    """Return the processor time of each thread of a process, by its number, oldest first."""
    found = {}
    for path in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found[int(path.name)] = sum(_stat_seconds(path / "stat", 2))
    return dict(sorted(found.items()))


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def _stat_seconds(path: Path, number: int) -> list[float]:
    """Return user and system time, and with 4 those of children that have ended as well."""
    fields = path.read_text().rsplit(")", 1)[1].split()[11 : 11 + number]
    return [int(field) / os.sysconf("SC_CLK_TCK") for field in fields]
