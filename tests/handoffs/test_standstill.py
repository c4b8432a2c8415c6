"""A process that stood still knows it, so that what it may have missed is looked for."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

SCRIPT = """
import time
from handoffs.receiving.standstill import standstill_watch
standstill_watch(
    lambda: print("stood still", flush=True), tick_seconds=0.05, standstill_seconds=1.0
)
print("running", flush=True)
time.sleep(60)
"""


def test_a_process_that_was_stopped_says_so_once_it_runs_again():
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True, cwd="."
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "running\n"

        process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)
        process.send_signal(signal.SIGCONT)

        assert process.stdout.readline() == "stood still\n"
    finally:
        process.kill()
        process.wait()
