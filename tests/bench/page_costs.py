"""Measure the portal's pages in this process: statements, time on the server, and plans.

python -m tests.bench.page_costs CONVERSATION HANDOFF      name, statements, p95, scans; by tabs
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from config.demo.environment import demo_environment_load

demo_environment_load()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

import django  # noqa: E402 - needs the environment

django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import get_user_model  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402

from handoffs.portal.live.board import picture  # noqa: E402
from handoffs.portal.live.reading import LiveFilter  # noqa: E402
from integrations.models import Project  # noqa: E402
from tests.bench.page_targets import PAGES  # noqa: E402

TIMES = 20
# A table with more rows than this is not read from end to end.
ROWS_MAX = 10_000


def main(conversation: str, handoff: str) -> None:
    """Print a line for each page that this version has."""
    project = Project.objects.get(slug="demo-shop")
    settings.ALLOWED_HOSTS = ["*"]
    client = Client()
    client.force_login(get_user_model().objects.filter(is_superuser=True).first())  # type: ignore[arg-type]
    names = {"project": project.public_id, "conversation": conversation, "handoff": handoff}
    names["admin"] = settings.ADMIN_PATH
    for name, page in PAGES.items():
        path = page.path.format(**names)
        act = _tick(project) if not path else _get(client, path)
        if act() in (404, 410):
            continue
        print(name, *_cost(act), sep="\t", flush=True)


def _get(client: Client, path: str) -> Callable[[], int]:
    def get() -> int:
        answer = client.get(path, secure=True, follow=False)
        to = answer.headers.get("Location", "")
        if answer.status_code not in (200, 302, 404) or "login" in to:
            raise RuntimeError(f"{path}: {answer.status_code} {to}")
        return answer.status_code

    return get


def _tick(project: Project) -> Callable[[], int]:
    view = (project.pk, project.public_id, LiveFilter())

    def tick() -> int:
        picture(view)
        return 200

    return tick


def _cost(act: Callable[[], int]) -> tuple[int, str, str]:
    """Return the statements, the time that one in twenty takes longer than, and the scans."""
    with _statements() as captured:
        act()
    spent = []
    for _ in range(TIMES):
        started = time.perf_counter()
        act()
        spent.append((time.perf_counter() - started) * 1000)
    reads = [sql for sql in captured if sql.startswith("SELECT")]
    scans = sorted({scan for sql in reads for scan in _scans(sql)})
    return len(captured), f"{sorted(spent)[int(TIMES * 0.95) - 1]:.1f}", ", ".join(scans)


class _Heard(logging.Handler):
    """Keeps what Django says of each statement, in whichever thread it was run."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.statements: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if sql := getattr(record, "sql", ""):
            self.statements.append(str(sql))


@contextmanager
def _statements() -> Iterator[list[str]]:
    """Yield the statements of all connections; Django tells of them only in debug mode."""
    heard, logger = _Heard(), logging.getLogger("django.db.backends")
    level, passes = logger.level, logger.propagate
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(heard)
    settings.DEBUG = True
    try:
        yield heard.statements
    finally:
        settings.DEBUG = False
        logger.removeHandler(heard)
        logger.setLevel(level)
        logger.propagate = passes


def _scans(sql: str) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}".replace("%", "%%"), [])
        found = cursor.fetchone()[0]
    plan = json.loads(found) if isinstance(found, str) else found
    yield from _scanned(plan[0]["Plan"])


def _scanned(node: dict[str, Any]) -> Iterator[str]:
    """Return the large tables that a plan reads from end to end."""
    if node["Node Type"] == "Seq Scan" and _rows(node["Relation Name"]) > ROWS_MAX:
        yield node["Relation Name"]
    for child in node.get("Plans", ()):
        yield from _scanned(child)


def _rows(table: str) -> float:
    with connection.cursor() as cursor:
        cursor.execute("SELECT reltuples FROM pg_class WHERE relname = %s", [table])
        return float(cursor.fetchone()[0])


if __name__ == "__main__":
    main(*sys.argv[1:])
