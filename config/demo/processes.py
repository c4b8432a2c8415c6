"""Run a child process in its own group, logged to a file, that never outlives its parent."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent.parent
_PR_SET_PDEATHSIG = 1
# Loaded before any fork: a child must not import or allocate much before it execs.
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None

TAIL_LINES = 15


class ProcessError(RuntimeError):
    """A child process did not start or did not become ready; the text says what it wrote last."""


def wait_until(is_true: Callable[[], bool], *, seconds: float, step_seconds: float = 0.02) -> bool:
    """Ask again and again until the answer is yes; False when the time is up."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            return False
        time.sleep(step_seconds)
    return True


class ChildProcess:
    """One child process that can be started, signalled, stopped and started again.

    It runs in Baton's own directory, wherever its parent was started.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log_path: Path,
        environment: Mapping[str, str] | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.log_path = log_path
        self._environment = {**os.environ, **(environment or {})}
        self._user = user
        self._stop_signal = stop_signal
        self._popen: subprocess.Popen[bytes] | None = None
        self._is_group_ended = False

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._popen.pid if self._popen and self.is_running() else None

    @property
    def exit_code(self) -> int | None:
        """How it ended; None while it runs or before the first start."""
        return self._popen.poll() if self._popen else None

    def is_running(self) -> bool:
        """Tell whether the process is alive."""
        return self._popen is not None and self._popen.poll() is None

    def start(self) -> None:
        """Start the process; its output is appended to the log."""
        if self.is_running():
            return
        self.kill()  # what a crashed one may have left behind
        self._is_group_ended = False
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._popen = subprocess.Popen(  # noqa: S603 - the command is ours, no shell
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=BASE_DIR,
                user=self._user,
                start_new_session=True,
                preexec_fn=_dying_with(os.getpid()),
            )

    def send_signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        if self._popen:
            self._popen.send_signal(number)

    def ask_to_stop(self) -> None:
        """Send the process its stop signal; do not wait."""
        self.send_signal(self._stop_signal)

    def wait(self, *, seconds: float) -> bool:
        """Wait for the process to end by itself; False when it still runs after that time."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._popen:
                self._popen.wait(timeout=max(seconds, 0))
        return not self.is_running()

    def stop(self, *, seconds: float = 10.0) -> None:
        """Ask the process to stop, wait, then end whatever is left of its group."""
        self.ask_to_stop()
        self.wait(seconds=seconds)
        self.kill()

    def kill(self) -> None:
        """End the process and everything it started, at once."""
        if self._popen and not self._is_group_ended:
            # macOS answers "not permitted" for a group of which only a zombie is left.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
            # The system may give the number to somebody else from now on.
            self._is_group_ended = True

    def log_tail(self) -> str:
        """Return the last lines of the log."""
        if not self.log_path.exists():
            return ""
        lines = self.log_path.read_text(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    def error(self, what: str) -> ProcessError:
        """Build the error that shows the log's end and where the rest is."""
        return ProcessError(
            f"{self.name} {what}. Its last lines:\n{self.log_tail()}\n(all of it: {self.log_path})"
        )


def _dying_with(parent_pid: int) -> Callable[[], None] | None:
    """Build the hook that makes Linux kill the child when its parent dies, even by SIGKILL.

    Elsewhere a parent that was killed leaves its children; one that stops takes them along.
    """
    libc = _libc
    if libc is None:
        return None

    def hook() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent_pid:
            os._exit(1)

    return hook
