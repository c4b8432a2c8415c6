"""The processes that together are Baton, for whoever starts them all: the demo, the journeys."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from celery import Celery
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from config.celery import WORKER_QUEUES, Queue
from config.demo.embedded import LOOPBACK, RedisServer, redis_answers
from config.demo.supervisor import Process, answers_http

SIMULATORS = "simulators"
RELAY_WORKERS = ("relay1", "relay2")
FRAME_MAX_BYTES = 262_144


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """Where one Baton runs: its ports, its Redis and its directory."""

    port: int
    # Connector key -> port of its simulator.
    simulator_ports: Mapping[str, int]
    redis_url: str
    redis: RedisServer | None
    var_dir: Path
    environment: Mapping[str, str]
    # Written at every change: fit for a demo that is stopped and started, not for a load.
    keeps_vendor_state: bool = True

    @property
    def url(self) -> str:
        """The address of the web process."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def simulator_urls(self) -> dict[str, str]:
        """The addresses of the simulated vendors by connector key."""
        return {key: f"http://{LOOPBACK}:{port}" for key, port in self.simulator_ports.items()}

    def processes(self) -> list[Process]:
        """List all processes in the order in which they start."""
        relays = [self._worker(name, Queue.RELAY, threads=8) for name in RELAY_WORKERS]
        return [
            *self._redis(),
            self._simulators(),
            self._web(),
            *relays,
            self._worker("worker", *WORKER_QUEUES, threads=16),
            self._beat(),
        ]

    def store_names(self) -> list[str]:
        """Name what must run before the data is made."""
        return [*(process.name for process in self._redis()), SIMULATORS]

    def pids_by_part(self, pids: Mapping[str, int]) -> dict[str, int]:
        """Name each simulator among the running processes, though one process serves them all."""
        parts = {name: pid for name, pid in pids.items() if name != SIMULATORS}
        if (shared := pids.get(SIMULATORS)) is not None:
            parts |= {f"simulator_{key}": shared for key in self.simulator_ports}
        return parts

    def _redis(self) -> list[Process]:
        if self.redis is None:
            return []
        is_ready = partial(redis_answers, self.redis_url)
        command = self.redis.command
        return [Process(name="redis", command=command, is_ready=is_ready, is_store=True)]

    def _web(self) -> Process:
        return self._python(
            "web",
            *("uvicorn", "config.asgi:application", "--host", LOOPBACK, "--port", str(self.port)),
            *("--loop", "uvloop", "--ws", "websockets-sansio", "--no-access-log"),
            *("--ws-max-size", str(FRAME_MAX_BYTES)),
            is_ready=answers_http(f"{self.url}/healthz"),
        )

    def _worker(self, name: str, *queues: str, threads: int) -> Process:
        node = f"{name}@{socket.gethostname()}"
        return self._python(
            name,
            *("celery", "-q", "-A", "config", "worker", "-P", "threads", "-c", str(threads)),
            *("-Q", ",".join(queues), "-n", node, "--without-gossip", "--without-mingle"),
            is_ready=partial(_answers_ping, self.redis_url, node),
        )

    def _beat(self) -> Process:
        schedule = str(self.var_dir / "celerybeat-schedule")
        pid_file = "--pidfile="  # none: a file left by a crash would refuse the next start
        return self._python(
            "beat", "celery", "-q", "-A", "config", "beat", "-s", schedule, pid_file
        )

    def _simulators(self) -> Process:
        served = [f"{key}:{port}" for key, port in self.simulator_ports.items()]
        kept = ("--state-directory", str(self.var_dir)) if self.keeps_vendor_state else ()
        checks = [answers_http(f"{url}/_desk/config") for url in self.simulator_urls.values()]
        return Process(
            name=SIMULATORS,
            command=[
                *(sys.executable, "manage.py", "run_simulator", *served),
                *("--host", LOOPBACK, *kept),
            ],
            is_ready=lambda: all(check() for check in checks),
            environment=self.environment,
        )

    def _python(
        self, name: str, *module: str, is_ready: Callable[[], bool] = lambda: True
    ) -> Process:
        return Process(
            name=name,
            command=[sys.executable, "-m", *module],
            is_ready=is_ready,
            environment=self.environment,
        )


def _answers_ping(broker_url: str, node: str) -> bool:
    # A fresh client each time: one that is kept would hold connections from before a restart.
    with Celery(broker=broker_url, set_as_current=False) as client:
        try:
            return bool(client.control.ping(destination=[node], timeout=0.5))
        except (OperationalError, RedisError):
            return False
