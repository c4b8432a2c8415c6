"""All of Baton as real processes, for tests that use it from outside and kill parts of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from config.demo.embedded import RedisServer, free_port
from config.demo.processes import BASE_DIR, ChildProcess
from config.demo.product import Product
from config.demo.start import demo_file_read, seed, wait_for_portal
from config.demo.supervisor import Supervisor
from config.demo.vendors import demo_carriers, demo_vendors

READY_SECONDS = 60.0
STOP_SECONDS = 15.0


class Stack:
    """Web, two relay workers, worker, beat, simulators and a Redis, on ports of their own.

    Nothing is restarted by itself: what a test kills stays dead until `start`.
    """

    def __init__(self, directory: Path, *, database_url: str, **settings: str) -> None:
        self.directory = directory
        self.database_url = database_url
        self.redis = RedisServer(directory / "redis")
        port = free_port()
        self._product = Product(
            port=port,
            simulator_ports={key: free_port() for key in [*demo_vendors(), *demo_carriers()]},
            redis_url=self.redis.url,
            redis=None,
            var_dir=directory,
            keeps_vendor_state=False,
            environment={
                "BATON_VAR_DIR": str(directory),
                "DATABASE_URL": database_url,
                "REDIS_URL": self.redis.url,
                "PUBLIC_URL": f"http://127.0.0.1:{port}",
                "PYTHONUNBUFFERED": "1",
                "DATABASE_FROZEN_SECONDS": "4",
                # All end users of the journeys sit at one address; with every vendor's they open
                # more in a minute than people at one address do.
                "SESSIONS_PER_MINUTE": "1000",
                "SMS_TEXTS_PER_MINUTE": "1000",
                "SMS_TEXTS_PER_MINUTE_PER_PROJECT": "5000",
                **settings,
            },
        )
        self._supervisor = Supervisor(
            self._product.processes(), log_dir=directory / "log", write=lambda line: None
        )

    @property
    def url(self) -> str:
        """The portal's address."""
        return self._product.url

    @property
    def simulator_urls(self) -> dict[str, str]:
        """The simulated vendors' addresses by connector key; each one's desk is below /_desk/."""
        return self._product.simulator_urls

    @property
    def simulator_url(self) -> str:
        """The address of the simulated Salesforce."""
        return self.simulator_urls["salesforce_messaging"]

    @property
    def demo(self) -> dict[str, Any]:
        """What the seed made: the content of var/demo.json."""
        return demo_file_read(self.directory)

    def start_all(self) -> None:
        """Start everything, with fresh data, and return when it is ready."""
        self.redis.start()
        simulators = self._product.store_names()
        self._supervisor.start(*simulators)
        self._supervisor.wait_ready(*simulators, seconds=READY_SECONDS)
        seed(self._product)
        self._supervisor.start()
        self.wait_ready()

    def wait_ready(self) -> None:
        """Return when every process is ready and the portal sees a relay worker."""
        self._supervisor.wait_ready(seconds=READY_SECONDS)
        wait_for_portal(self._product)

    def stop_all(self) -> None:
        """Stop everything."""
        self._supervisor.stop()
        self.redis.stop()

    def run_module(self, name: str, *arguments: str) -> str:
        """Run a Python module against this product's data and return what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", name, *arguments],
            cwd=BASE_DIR,
            env={**os.environ, **self._product.environment},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout

    def pid(self, name: str) -> int:
        """Return a process's number; raises LookupError when it does not run."""
        pid = self._child(name).pid
        if pid is None:
            raise LookupError(f"{name} does not run")
        return pid

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to a process and return when it is gone."""
        os.kill(self.pid(name), number)
        if not self._child(name).wait(seconds=STOP_SECONDS):
            raise TimeoutError(f"{name} still runs {STOP_SECONDS:.0f} s after {number.name}")

    def pause(self, name: str) -> None:
        """Freeze a process, as a machine that hangs would."""
        os.kill(self.pid(name), signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Let a frozen process go on."""
        os.kill(self.pid(name), signal.SIGCONT)

    def start(self, name: str) -> None:
        """Start a process that a test has killed, and return when it is ready."""
        if name == "redis":
            self.redis.start()
        else:
            self._supervisor.start(name)
            self._supervisor.wait_ready(name, seconds=READY_SECONDS)

    def restart_redis(self) -> None:
        """Stop Redis and start it empty on the same port."""
        self.redis.restart()

    def logs(self) -> dict[str, str]:
        """Return the end of each process's log."""
        return {
            path.stem: "\n".join(path.read_text(errors="replace").splitlines()[-60:])
            for path in sorted((self.directory / "log").glob("*.log"))
        }

    def _child(self, name: str) -> ChildProcess:
        return self.redis.process if name == "redis" else self._supervisor.child(name)
