"""The pretend service, and a connector in front of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest

from config.demo.embedded import free_port
from conversations.event_loop.executor import run_sync
from integrations.http.client import HttpClient, open_session
from integrations.http.recording import VendorCallRecord
from integrations.models import Integration
from integrations.simulators.simulator import running_simulator
from integrations.vendors.custom.connector import CustomConnector
from integrations.vendors.custom.simulator import CustomSimulator
from integrations.vendors.custom.simulator.world import SIGNING_SECRET
from tests.contract.bench import MemoryTokens
from tests.handoffs.talk import Talk
from tests.vendors.relayed import hand_off, relayed
from tests.waiting import eventually

Connect = Callable[..., CustomConnector]
RunExample = Callable[..., str]
EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "examples"
EVERYTHING = "typing,presence,read,attachments,queue_status,availability,end_by_user"


@pytest.fixture(scope="module")
def served() -> Iterator[CustomSimulator]:
    simulator = CustomSimulator(retry_pause_seconds=0.05)
    with running_simulator(simulator):
        yield simulator


@pytest.fixture
def simulator(served: CustomSimulator) -> CustomSimulator:
    served.reset()
    served.configure(events_url="")
    return served


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with open_session(allow_local=True) as session:
        yield session


@pytest.fixture
def records() -> list[VendorCallRecord]:
    return []


@pytest.fixture
def connect(
    simulator: CustomSimulator, http: aiohttp.ClientSession, records: list[VendorCallRecord]
) -> Connect:
    def make(**changes: str) -> CustomConnector:
        credentials = {
            "connector": "back_office",
            "base_url": simulator.base_url,
            "signing_secret": SIGNING_SECRET,
            "capabilities": EVERYTHING,
            **changes,
        }
        client = HttpClient(http, allow_local=True, recorder=records.append)
        return CustomConnector(credentials=credentials, http=client, tokens=MemoryTokens())

    return make


@pytest.fixture
def run_example(tmp_path: Path) -> Iterator[RunExample]:
    """Run a server of the docs with this environment, as a process of its own; its address."""
    running: list[subprocess.Popen[bytes]] = []

    def run(name: str, **environment: str) -> str:
        port, log = free_port(), tmp_path / f"{name}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, str(EXAMPLES / name)],
                env={**os.environ, **environment, "PORT": str(port)},
                stdout=output,
                stderr=output,
            )
        running.append(process)
        eventually(lambda: b"Running on" in log.read_bytes())
        return f"http://127.0.0.1:{port}"

    yield run
    for process in running:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


@pytest.fixture
async def talk(connection: Integration) -> AsyncIterator[Talk]:
    """A handoff to the connection that the test's module has made, by the name of its connector."""

    hints = {"connector": connection.credentials["connector"], "queue": "Parcels"}
    handoff = await run_sync(lambda: hand_off(connection, **hints))
    async with relayed(handoff, None) as one:
        yield one
