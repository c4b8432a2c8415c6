"""Hand the metrics to Prometheus: a guarded page in the web process, a port in the workers."""

from __future__ import annotations

import errno
import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from handoffs.relay.leases import workers_alive
from handoffs.relay.status import delivery_oldest, handoffs_open_counts, handoffs_orphaned
from integrations.telemetry.metrics import may_read

logger = logging.getLogger(__name__)
CACHE_SECONDS = 5.0
PORTS_TRIED = 32


class ProductCollector(Collector):
    """What the database knows of the whole product; asked at most every five seconds."""

    def __init__(self) -> None:
        """Ask nothing yet."""
        self._lock = threading.Lock()
        self._read_at = 0.0
        self._families: list[GaugeMetricFamily] = []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the gauges; without a database only the one that says so."""
        with self._lock:
            if not self._read_at or time.monotonic() - self._read_at > CACHE_SECONDS:
                self._families = _read()
                self._read_at = time.monotonic()
            yield from self._families


_product = CollectorRegistry(auto_describe=False)
_product.register(ProductCollector())


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with this process's metrics and the product's; 404 where no token is set."""
    if not settings.METRICS_TOKEN:
        return HttpResponse(status=404)
    if not may_read(request.headers.get("Authorization", ""), settings.METRICS_TOKEN):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"})
    text = generate_latest(REGISTRY) + generate_latest(_product)
    return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)


def metrics_serve() -> int:
    """Serve this process's metrics on METRICS_PORT or the next free one; return it, 0 for none."""
    if not settings.METRICS_PORT:
        return 0
    for port in range(settings.METRICS_PORT, settings.METRICS_PORT + PORTS_TRIED):
        try:
            server = make_server(settings.METRICS_HOST, port, _application, _Server, _Handler)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
        logger.info("Metrics are served on port %s", port, extra={"port": port})
        return port
    logger.error("No free port for metrics from %s on", settings.METRICS_PORT)
    return 0


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a scrape is no news."""


def _application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    if settings.METRICS_TOKEN and not may_read(
        environ.get("HTTP_AUTHORIZATION", ""), settings.METRICS_TOKEN
    ):
        start("401 Unauthorized", [("WWW-Authenticate", "Bearer")])
        return [b""]
    start("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
    return [generate_latest(REGISTRY)]


def _read() -> list[GaugeMetricFamily]:
    try:
        return [_gauge("baton_database_up", "Whether the database answers.", 1), *_read_database()]
    except DatabaseError as error:
        logger.warning("No metrics from the database: %s", type(error).__name__)
        return [_gauge("baton_database_up", "Whether the database answers.", 0)]


def _read_database() -> list[GaugeMetricFamily]:
    by_state = GaugeMetricFamily(
        "baton_handoffs_open", "Open handoffs.", labels=["state", "connector"]
    )
    for labels, number in handoffs_open_counts().items():
        by_state.add_metric(labels, number)
    oldest = delivery_oldest()
    return [
        by_state,
        _gauge("baton_handoffs_orphaned", "Without a living owner.", handoffs_orphaned()),
        _gauge("baton_relay_workers_alive", "With a fresh heartbeat.", workers_alive().count()),
        _gauge(
            "baton_oldest_undelivered_seconds",
            "Age of the oldest message that the vendor has not taken.",
            oldest.age_seconds if oldest else 0,
        ),
    ]


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)
