"""Hands out sandbox workers: every run gets a process of its own, and few live at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.conf import settings
from pydantic_monty import Monty, MontySession, ResourceLimits

from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.sandbox.slots import FairSlots, Tenant

# A worker keeps what a run did to its modules, so none is used twice: not for another project,
# nor for another conversation of the same one. Starting one takes about a millisecond.
RUNS_PER_WORKER = 1
# A process of its own is not started at once on a busy machine.
START_SECONDS = 10.0
# Above zero is behind everybody else: a tool that loops takes only what is left of the machine, and
# after a moment stands behind the tools that have just begun.
NICENESS, SLOW_NICENESS = 5, 15
SLOW_AFTER_SECONDS = 0.5
# Kills a worker that answers nothing at all; the run's own limits act long before.
BACKSTOP_SECONDS = 90.0


class WorkerPool:
    """Owns the sandbox workers of this process; thread-safe, but fork before the first use."""

    def __init__(self) -> None:
        """Start nothing yet: a pool must belong to the process that uses it."""
        self._lock = threading.Lock()
        self._pool: Monty | None = None
        self._was_started = False
        self._is_broken = False
        self._slots = FairSlots(settings.TURNS_AT_ONCE)

    @contextmanager
    def session(
        self,
        project_key: str,
        limits: ResourceLimits,
        *,
        workspace_key: str = "",
        stubs: str | None = None,
    ) -> Iterator[MontySession]:
        """Yield a session in a fresh worker, which dies at the end of the block.

        With `stubs`, what is fed is type-checked against them first. Raises ToolError `busy` at
        once where the project, or its workspace, has its share of the slots already.
        """
        with self._slot(Tenant(workspace=workspace_key or project_key, project=project_key)):
            checkout = self._ready().checkout(
                script_name="tool.py",
                limits=limits,
                type_check=stubs is not None,
                type_check_stubs=stubs,
                type_check_format="json",
                os_policy={"sleep": "system", "sleep_system_max": float("inf")},
            )
            try:
                session = checkout.__enter__()
            except TimeoutError as error:
                raise busy() from error
            later = threading.Timer(SLOW_AFTER_SECONDS, _stand_back, (session, SLOW_NICENESS))
            later.daemon = True
            try:
                _stand_back(session, NICENESS)
                later.start()
                yield session
            finally:
                later.cancel()
                checkout.__exit__(None, None, None)

    @property
    def running(self) -> int:
        """How many sessions there are now."""
        return self._slots.taken

    def close(self) -> None:
        """End all workers; the next run starts anew."""
        with self._lock:
            pool, self._pool = self._pool, None
            if pool is not None and not self._is_broken:
                pool.__exit__(None, None, None)

    def forget(self) -> None:
        """Start over after a fork; where the parent had run tools, refuse to run any here.

        The parent's pool is left alone, because closing it from here would end its workers.
        """
        self._is_broken = self._was_started
        self._lock = threading.Lock()
        self._slots = FairSlots(self._slots.number)

    @contextmanager
    def _slot(self, tenant: Tenant) -> Iterator[None]:
        if not self._slots.try_take(tenant):
            raise busy()
        try:
            yield
        finally:
            self._slots.give_back(tenant)

    def _ready(self) -> Monty:
        if self._is_broken:
            # The library's own threads did not survive the fork: a call would wait for ever.
            raise RuntimeError("this process was forked from one that had run tools already")
        with self._lock:
            if self._pool is None:
                pool = Monty(
                    max_processes=self._slots.number,
                    max_checkouts_per_worker=RUNS_PER_WORKER,
                    checkout_timeout=START_SECONDS,
                    request_timeout=BACKSTOP_SECONDS,
                )
                self._pool = pool.__enter__()
                self._was_started = True
            return self._pool


def busy() -> ToolError:
    """Return the error for a run that found no slot free for it."""
    return ToolError("busy", "all tool workers are busy; try again in a moment")


def _stand_back(session: MontySession, niceness: int) -> None:
    """Let everything else on the machine go before the tool."""
    pid = session.worker_pid
    if pid is None:
        return
    # It may have died already: what is fed to it will say so.
    with suppress(ProcessLookupError, FileNotFoundError):
        for number in _threads(pid):
            os.setpriority(os.PRIO_PROCESS, number, niceness)


def _threads(pid: int) -> list[int]:
    """Return the numbers by which a process's priority is set: Linux counts threads apart."""
    tasks = Path(f"/proc/{pid}/task")
    return [int(task.name) for task in tasks.iterdir()] if tasks.exists() else [pid]


WORKERS = WorkerPool()
os.register_at_fork(after_in_child=WORKERS.forget)
