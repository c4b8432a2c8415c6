"""Hands out sandbox workers: every run gets a process of its own, and few live at a time."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic_monty import Monty, MontySession, ResourceLimits

from conversations.ai_agent.sandbox_results import ToolError

# A worker keeps what a run did to its modules, so none is used twice: not for another project,
# nor for another conversation of the same one. Starting one takes about a millisecond.
RUNS_PER_WORKER = 1
MAX_WORKERS = 8
MAX_WORKERS_PER_PROJECT = 4
WAIT_SECONDS = 30.0
# Kills a worker that answers nothing at all; the run's own limits act long before.
BACKSTOP_SECONDS = 90.0


class WorkerPool:
    """Owns the sandbox workers of this process; thread-safe, but fork before the first use."""

    def __init__(self) -> None:
        """Start nothing yet: a pool must belong to the process that uses it."""
        self._lock = threading.Condition()
        self._pool: Monty | None = None
        self._was_started = False
        self._is_broken = False
        self._running: Counter[str] = Counter()

    @contextmanager
    def session(
        self,
        project_key: str,
        limits: ResourceLimits,
        *,
        stubs: str | None = None,
    ) -> Iterator[MontySession]:
        """Yield a session in a fresh worker, which dies at the end of the block.

        With `stubs`, what is fed is type-checked against them first. Raises ToolError `busy`
        when the project's or the machine's workers stay taken.
        """
        with self._turn(project_key):
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
            try:
                yield session
            finally:
                checkout.__exit__(None, None, None)

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
        self._lock = threading.Condition()
        self._running = Counter()

    @contextmanager
    def _turn(self, project_key: str) -> Iterator[None]:
        """Keep one project from holding all workers with slow tools."""
        with self._lock:
            has_room = self._lock.wait_for(
                lambda: self._running[project_key] < MAX_WORKERS_PER_PROJECT, WAIT_SECONDS
            )
            if not has_room:
                raise busy()
            self._running[project_key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._running[project_key] -= 1
                if not self._running[project_key]:
                    del self._running[project_key]
                self._lock.notify_all()

    def _ready(self) -> Monty:
        if self._is_broken:
            # The library's own threads did not survive the fork: a call would wait for ever.
            raise RuntimeError("this process was forked from one that had run tools already")
        with self._lock:
            if self._pool is None:
                pool = Monty(
                    max_processes=MAX_WORKERS,
                    max_checkouts_per_worker=RUNS_PER_WORKER,
                    checkout_timeout=WAIT_SECONDS,
                    request_timeout=BACKSTOP_SECONDS,
                )
                self._pool = pool.__enter__()
                self._was_started = True
            return self._pool


def busy() -> ToolError:
    """Return the error for a run that found no worker in time."""
    return ToolError("busy", "all tool workers are busy; try again in a moment")


WORKERS = WorkerPool()
os.register_at_fork(after_in_child=WORKERS.forget)
