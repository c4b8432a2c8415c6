"""What a run costs: processor time by part, PostgreSQL's own counters, the product's metrics."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import psycopg
from prometheus_client.parser import text_string_to_metric_families

from tests.bench.process import cpu_seconds, thread_seconds
from tests.bench.rig import METRICS_PORTS, METRICS_TOKEN, Rig

Key = TypeVar("Key")
DATABASE = (
    "SELECT xact_commit, active_time, tup_inserted + tup_updated FROM pg_stat_database "
    "WHERE datname = current_database()"
)
OPERATION = "send_message"


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Counters at one moment, or what a run has added to them."""

    seconds: float
    cpu: dict[str, float]
    threads: dict[str, dict[int, float]]
    transactions: float
    statement_ms: float
    rows_written: float
    metrics: dict[str, float]

    def since(self, before: Costs) -> Costs:
        """Return what was added after an earlier moment."""
        return Costs(
            seconds=self.seconds - before.seconds,
            cpu=_more(self.cpu, before.cpu),
            threads={name: _more(now, before.threads[name]) for name, now in self.threads.items()},
            transactions=self.transactions - before.transactions,
            statement_ms=self.statement_ms - before.statement_ms,
            rows_written=self.rows_written - before.rows_written,
            metrics=_more(self.metrics, before.metrics),
        )

    def mean_ms(self, name: str) -> float:
        """Return the mean of a histogram of the product's, in milliseconds."""
        total, number = (self.metrics.get(f"{name}_{part}", 0.0) for part in ("sum", "count"))
        return 1000 * total / number if number else 0.0

    def busiest(self, name: str) -> float:
        """Return the share of a core that the busiest thread of a process used."""
        return max(self.threads[name].values(), default=0.0) / self.seconds


def costs(rig: Rig) -> Costs:
    """Read every counter now."""
    pids = rig.pids()
    with psycopg.connect(rig.stack.database_url) as connection:
        row = connection.execute(DATABASE).fetchone()
    assert row is not None
    parts = {name: cpu_seconds(pid) for name, pid in pids.items()}
    return Costs(
        seconds=time.monotonic(),
        cpu=parts | {"generator": time.process_time()},
        threads={name: thread_seconds(pids[name]) for name in ("web", "relay1", "relay2")},
        transactions=float(row[0]),
        statement_ms=float(row[1]),
        rows_written=float(row[2]),
        metrics=_metrics(),
    )


def _more(now: Mapping[Key, float], before: Mapping[Key, float]) -> dict[Key, float]:
    return {key: value - before.get(key, 0.0) for key, value in now.items()}


def _metrics() -> dict[str, float]:
    """Sum the metrics of all workers; of the calls to vendors only what sends a message."""
    found: defaultdict[str, float] = defaultdict(float)
    for port in METRICS_PORTS:
        for name, labels, value in _samples(port):
            if labels.get("operation", OPERATION) == OPERATION and "le" not in labels:
                found[name] += value
    return found


def _samples(port: int) -> Iterator[tuple[str, Mapping[str, str], float]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(ConnectionRefusedError):
        connection.request("GET", "/", headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
        answer = connection.getresponse()
        text = answer.read().decode() if answer.status == http.HTTPStatus.OK else ""
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                yield sample.name, sample.labels, sample.value
