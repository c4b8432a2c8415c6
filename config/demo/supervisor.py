"""Keep a list of processes running: start, wait until ready, restart after a crash, stop."""

from __future__ import annotations

import contextlib
import http.client
import re
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NoReturn, Self
from urllib.parse import urlsplit

from config.demo.processes import ChildProcess, wait_until

STOP_SECONDS = 10.0
# Of those, what the stores keep for themselves: they stop last, when nobody uses them any more.
STORES_STOP_SECONDS = 2.0
FIRST_DELAY_SECONDS = 0.5
LONGEST_DELAY_SECONDS = 15.0
# A process that ran this long has recovered: its next crash starts the delays anew.
SETTLED_SECONDS = 30.0
TICK_SECONDS = 0.1
LINE_LENGTH = 160
# Levels as our own lines, uvicorn and Celery write them; not the %WARNING of Celery's greeting.
NOTEWORTHY = re.compile(r"(?<!%)\b(WARNING|ERROR|CRITICAL)\b|^Traceback")


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    """What to run, and how to see that it works."""

    name: str
    command: Sequence[str]
    is_ready: Callable[[], bool] = lambda: True
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_store: bool = False


def answers_http(url: str) -> Callable[[], bool]:
    """Build the check that a GET of this loopback address is answered with a 2xx or 3xx."""
    parts = urlsplit(url)
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"

    def check() -> bool:
        connection = http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return check


class Supervised:
    """One process under supervision: the child, what of its log was read, and its crashes."""

    def __init__(self, process: Process, log_dir: Path) -> None:
        self.process = process
        self.child = ChildProcess(
            process.name,
            process.command,
            log_path=log_dir / f"{process.name}.log",
            environment=process.environment,
        )
        self.restart_at: float | None = None
        self._crashes = 0
        self._started_at = 0.0
        self._log_position = 0

    def start(self) -> None:
        """Start the child now; at first, set the log of the supervisor's run before aside."""
        if not self._started_at:
            with contextlib.suppress(FileNotFoundError):
                self.child.log_path.replace(self.child.log_path.with_suffix(".log.1"))
        self.restart_at = None
        self._started_at = time.monotonic()
        self.child.start()

    def plan_restart(self) -> float:
        """Choose when to start again after a crash; return the delay in seconds."""
        if time.monotonic() - self._started_at > SETTLED_SECONDS:
            self._crashes = 0
        delay = min(FIRST_DELAY_SECONDS * float(2**self._crashes), LONGEST_DELAY_SECONDS)
        self._crashes += 1
        self.restart_at = time.monotonic() + delay
        return delay

    def noteworthy_lines(self) -> list[str]:
        """Return the log's new lines that a person at the console should see, cut to length."""
        try:
            with self.child.log_path.open("rb") as log:
                log.seek(self._log_position)
                text = log.read()
        except FileNotFoundError:
            return []
        complete = text[: text.rfind(b"\n") + 1]
        self._log_position += len(complete)
        lines = complete.decode(errors="replace").splitlines()
        return [line[:LINE_LENGTH] for line in lines if NOTEWORTHY.search(line)]


class Supervisor:
    """Runs processes in the order given; as a context manager it stops them on the way out.

    A signal to stop ends the block, wherever it is, and the program goes on behind it.
    """

    def __init__(
        self,
        processes: Sequence[Process],
        *,
        log_dir: Path,
        write: Callable[[str], None] = print,
        on_change: Callable[[dict[str, int]], None] | None = None,
    ) -> None:
        self._write = write
        self._on_change = on_change
        self._all = [Supervised(process, log_dir) for process in processes]
        self._handlers = {
            number: signal.getsignal(number)
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        }

    def __enter__(self) -> Self:
        # One way out for Ctrl-C, kill and a closed terminal: KeyboardInterrupt, wherever we are.
        self._handle_signals(signal.default_int_handler)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self._handle_signals(signal.SIG_IGN)
        self.stop()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        return kind is KeyboardInterrupt  # being told to stop is the ordinary end

    @property
    def pids(self) -> dict[str, int]:
        """The process id of each process that runs, by name."""
        found = {one.process.name: one.child.pid for one in self._all}
        return {name: pid for name, pid in found.items() if pid is not None}

    def child(self, name: str) -> ChildProcess:
        """Return the process of this name; raises KeyError when there is none."""
        return {one.process.name: one.child for one in self._all}[name]

    def start(self, *names: str) -> None:
        """Start the processes of these names, or all that do not run yet."""
        for one in self._all:
            if (not names or one.process.name in names) and not one.child.is_running():
                one.start()

    def wait_ready(self, *names: str, seconds: float = 60.0) -> None:
        """Return when the named processes (or all) are ready.

        Raises ProcessError when one ends meanwhile, or is not ready in time.
        """
        waiting = [one for one in self._all if not names or one.process.name in names]
        for one in waiting:
            began_at = time.monotonic()
            wait_until(partial(_has_settled, one), seconds=seconds, step_seconds=0.05)
            if not one.child.is_running():
                raise one.child.error(f"stopped with code {one.child.exit_code} while starting")
            if not one.process.is_ready():
                raise one.child.error(f"was not ready within {seconds:.0f} seconds")
            seconds -= time.monotonic() - began_at
            self._say(one, f"ready, process {one.child.pid}")

    def run(self) -> NoReturn:
        """Watch the processes until a signal ends the block."""
        self._tell_change()
        while True:
            self.tick()
            time.sleep(TICK_SECONDS)

    def tick(self) -> None:
        """Look at each process once: show what its log tells, restart it when it ended."""
        for one in self._all:
            # A store speaks of its host's tuning, which is nothing to act on here.
            for line in [] if one.process.is_store else one.noteworthy_lines():
                self._say(one, line)
            if one.restart_at is None and not one.child.is_running():
                self._plan_restart(one)
            elif one.restart_at is not None and time.monotonic() >= one.restart_at:
                self._restart(one)

    def stop(self) -> None:
        """Stop all within STOP_SECONDS, last started first, stores after everything else."""
        deadline = time.monotonic() + STOP_SECONDS
        stores = [one for one in self._all if one.process.is_store]
        others = [one for one in self._all if not one.process.is_store]
        self._stop(others, deadline - STORES_STOP_SECONDS)
        self._stop(stores, deadline)

    def _stop(self, group: Sequence[Supervised], deadline: float) -> None:
        for one in reversed(group):
            one.restart_at = None
            one.child.ask_to_stop()
        for one in reversed(group):
            if not one.child.wait(seconds=deadline - time.monotonic()):
                self._say(one, "did not stop in time and was killed")
            one.child.kill()

    def _plan_restart(self, one: Supervised) -> None:
        code = one.child.exit_code
        one.child.kill()
        delay = one.plan_restart()
        self._say(one, f"stopped with code {code}; starting again in {delay:g} s")

    def _restart(self, one: Supervised) -> None:
        one.start()
        self._say(one, f"started again, process {one.child.pid}")
        self._tell_change()

    def _tell_change(self) -> None:
        if self._on_change:
            self._on_change(self.pids)

    def _say(self, one: Supervised, text: str) -> None:
        self._write(f"{one.process.name:<14} {text}")

    def _handle_signals(self, handler: signal._HANDLER) -> None:
        for number in self._handlers:
            signal.signal(number, handler)


def _has_settled(one: Supervised) -> bool:
    return not one.child.is_running() or one.process.is_ready()
