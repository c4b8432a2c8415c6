"""Everything that is measured, started: the floor, the echoing vendor, and Baton on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.demo.embedded import free_port
from config.demo.environment import demo_environment_load
from config.demo.processes import BASE_DIR
from tests.journeys.stack import Stack
from tests.postgres import PostgresServer, database_create

METRICS_TOKEN = "bench"
# Each worker serves its metrics on the first of them that is free.
METRICS_PORTS = [free_port() for _ in range(8)]
LIMITS = {
    "ACCESS_TOKENS_PER_MINUTE": "1000000",
    "SESSIONS_PER_MINUTE": "1000000",
    "HANDSHAKES_PER_MINUTE": "1000000",
    "JOURNAL_BYTES_PER_MINUTE": "1000000000",
    "SOCKET_FRAMES_PER_SECOND": "1000000",
    # From one machine, as if from many.
    "SIGN_IN_TRIES_PER_ADDRESS": "1000000",
    "LOG_LEVEL": "WARNING",
    "METRICS_TOKEN": METRICS_TOKEN,
    "METRICS_PORT": str(METRICS_PORTS[0]),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """Where to find what."""

    stack: Stack
    postgres: PostgresServer
    vendor_url: str
    floor_url: str
    vendor_pid: int
    floor_pid: int

    def pids(self) -> dict[str, int]:
        """Name every process that runs, the generator apart."""
        found = {
            "PostgreSQL": self.postgres.pid,
            "Redis": self.stack.redis.pid,
            "vendor": self.vendor_pid,
            "floor": self.floor_pid,
        }
        names = ("web", "relay1", "relay2", "worker", "beat")
        found |= {name: self.stack.pid(name) for name in names}
        return {name: pid for name, pid in found.items() if pid is not None}

    @property
    def demo(self) -> dict[str, Any]:
        """What the seed made."""
        return self.stack.demo


@contextmanager
def rig(directory: Path) -> Iterator[Rig]:
    """Start everything, point Baton at the echoing vendor, stop everything."""
    os.environ["BATON_VAR_DIR"] = str(directory / "stack")
    demo_environment_load()
    with PostgresServer(directory / "postgres") as postgres:
        url = database_create(postgres.url, "bench")
        stack = Stack(directory / "stack", database_url=url, **LIMITS)
        stack.start_all()
        vendor_port, floor_port = free_port(), free_port()
        vendor_url = f"http://127.0.0.1:{vendor_port}"
        vendor = python_start("tests.bench.vendor", str(vendor_port))
        floor = python_start("tests.bench.floor", str(floor_port), vendor_url, stack.redis.url)
        try:
            stack.run_module("tests.bench.point_at", vendor_url)
            yield Rig(
                stack=stack,
                postgres=postgres,
                vendor_url=vendor_url,
                floor_url=f"http://127.0.0.1:{floor_port}",
                vendor_pid=vendor.pid,
                floor_pid=floor.pid,
            )
        finally:
            for process in (vendor, floor):
                process.kill()
                process.wait()
            stack.stop_all()


def python_start(module: str, *arguments: str) -> subprocess.Popen[str]:
    """Start a module and return once it says that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], cwd=BASE_DIR, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    if process.stdout.readline().strip() != "ready":
        raise RuntimeError(f"{module} did not start")
    return process
