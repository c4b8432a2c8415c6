"""The short chaos run: real processes, one fault after the other, every message accounted for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT

SECONDS = 25
SEED = 20261120


@pytest.mark.timeout(280)
def test_nothing_is_lost_doubled_or_out_of_order_whatever_breaks() -> None:
    command = [sys.executable, "-m", "tests.chaos", "--seconds", str(SECONDS), "--seed", str(SEED)]

    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )

    print(done.stdout)
    assert done.returncode == 0, done.stdout
