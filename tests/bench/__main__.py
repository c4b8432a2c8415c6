"""make bench: Baton beside its floor, in one run, as tables.

python -m tests.bench [--seconds 10] [--only latency,throughput,handoffs,sockets,growth,...]
                      [--most 5000] [--share 0.1]
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from functools import partial
from pathlib import Path

import aiohttp
import uvloop

from tests.bench.growth import growth
from tests.bench.handoffs import open_handoffs
from tests.bench.matching import matching
from tests.bench.neighbours import neighbours
from tests.bench.pages import pages
from tests.bench.process import files_allow_many
from tests.bench.relay import latency
from tests.bench.rig import Rig, rig
from tests.bench.sockets import idle_sockets
from tests.bench.throughput import throughput
from tests.bench.turns import turns
from tests.bench.ways import ways

PARTS = {
    "latency": latency,
    "throughput": throughput,
    "handoffs": open_handoffs,
    "sockets": idle_sockets,
    "ways": ways,
    "growth": growth,
    "matching": matching,
    "neighbours": neighbours,
    "turns": turns,
    "pages": pages,
}
# These take minutes: only when asked for.
LONG = frozenset({"handoffs", "neighbours", "turns", "pages"})


async def measure(made: Rig, options: argparse.Namespace) -> None:
    """Run the parts one after the other."""
    parts = PARTS | {
        "handoffs": partial(open_handoffs, most=options.most),
        "pages": partial(pages, share=options.share),
    }
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
        for name in options.only.split(","):
            await parts[name](made, http, seconds=options.seconds)


def main() -> int:
    """Read the command line, print the machine, measure."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of each measurement (10)")
    parser.add_argument(
        "--only",
        default=",".join(name for name in PARTS if name not in LONG),
        help="parts, separated by commas",
    )
    parser.add_argument("--most", type=int, default=0, help="open handoffs, as one more step")
    parser.add_argument("--share", type=float, default=1.0, help="of the rows behind the pages")
    options = parser.parse_args()
    files_allow_many()
    most = f" --most {options.most}" if options.most else ""
    print(f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    print(f"repeat with: make bench SECONDS={options.seconds:g} ARGS='--only {options.only}{most}'")
    with (
        tempfile.TemporaryDirectory(prefix="baton-bench-") as directory,
        rig(Path(directory)) as made,
    ):
        uvloop.run(measure(made, options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
