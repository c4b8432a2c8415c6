"""Examine an installation: settings, stores, keys, clocks, processes; each with its cure."""

from __future__ import annotations

import enum
import ipaddress
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from celery import current_app
from django.conf import settings
from django.core.checks import run_checks
from django.core.checks.messages import ERROR, WARNING
from django.core.exceptions import ImproperlyConfigured
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis import Redis
from redis.exceptions import RedisError

from config.addresses import without_password
from config.celery import WORKER_QUEUES, Queue
from handoffs.relay.leases import workers_alive
from handoffs.relay.status import delivery_oldest, handoffs_orphaned
from integrations.credentials.fields import keys_problem
from integrations.credentials.secrets_audit import secrets_unreadable
from integrations.telemetry.heartbeats import BEAT_LATE_SECONDS, beat_age_seconds

CLOCK_WARNING_SECONDS = 2.0
CLOCK_PROBLEM_SECONDS = 30.0
UNDELIVERED_WARNING_SECONDS = 60.0
# Queued tasks beyond which the workers do not keep up.
QUEUE_WARNING = 1000


class Verdict(enum.StrEnum):
    """How a finding is judged."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One line of the report; the cure is empty where nothing is wrong."""

    subject: str
    verdict: Verdict
    text: str
    cure: str = ""


def examine() -> Iterator[Finding]:
    """Yield the findings, cheapest first; what a dead store hides is a finding of its own."""
    yield from _settings()
    yield _public_url()
    yield _var_dir()
    yield from _guarded("database", _database, "Start PostgreSQL or correct DATABASE_URL.")
    yield from _guarded("redis", _redis, "Start Redis or correct REDIS_URL.")


def _guarded(subject: str, look: Callable[[], Iterator[Finding]], cure: str) -> Iterator[Finding]:
    try:
        yield from look()
    except (DatabaseError, RedisError, OperationalError, OSError) as error:
        yield _problem(subject, f"does not answer ({type(error).__name__})", cure)
    except ImproperlyConfigured as error:
        yield _problem(subject, str(error), cure)


# ---- settings and this machine ----


def _settings() -> Iterator[Finding]:
    found = [message for message in run_checks() if message.level >= WARNING]
    for message in found:
        verdict = Verdict.PROBLEM if message.level >= ERROR else Verdict.WARNING
        text = f"{message.id}: {message.msg}"
        yield Finding(subject="settings", verdict=verdict, text=text, cure=message.hint or "")
    if not settings.SECRET_KEY:
        yield _problem("settings", "SECRET_KEY is empty", "Set SECRET_KEY to a long random text.")
    if settings.DEBUG:
        yield _warning("settings", "DEBUG is on", "Unset DEBUG except for development.")
    if not found and settings.SECRET_KEY and not settings.DEBUG:
        yield _ok("settings", "all checks pass")


def _public_url() -> Finding:
    parts, subject = urlsplit(settings.PUBLIC_URL), "PUBLIC_URL"
    host = parts.hostname or ""
    if parts.scheme not in ("http", "https") or not host or parts.path:
        cure = "Set it to scheme and host alone, such as https://baton.example.com."
        return _problem(subject, f"{settings.PUBLIC_URL} is no address of a portal", cure)
    if not _is_allowed(host):
        return _problem(subject, f"its host {host} is not allowed", "Add it to ALLOWED_HOSTS.")
    if _is_local(host):
        cure = "Set it to where browsers reach the portal: widgets' script tags bear it."
        return _warning(subject, f"{settings.PUBLIC_URL} is this machine only", cure)
    if parts.scheme == "http":
        cure = "Use https: cookies are sent in clear, and vendors call no plain webhook address."
        return _warning(subject, f"{settings.PUBLIC_URL} has no TLS", cure)
    return _ok(subject, settings.PUBLIC_URL)


def _is_allowed(host: str) -> bool:
    def fits(pattern: str) -> bool:
        return pattern in ("*", host) or (pattern.startswith(".") and host.endswith(pattern))

    return any(fits(pattern) for pattern in settings.ALLOWED_HOSTS)


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _var_dir() -> Finding:
    path = settings.VAR_DIR
    if path.is_dir() and os.access(path, os.W_OK | os.X_OK):
        return _ok("var", f"{path} can be written")
    cure = "Make the directory and give it to the user that runs Baton, or set BATON_VAR_DIR."
    return _problem("var", f"{path} cannot be written", cure)


# ---- the database and what it knows ----


def _database() -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    yield _ok("database", f"{connection.vendor} answers")
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if missing:
        text = f"{len(missing)} migrations are missing"
        yield _problem("migrations", text, "Run manage.py migrate, then restart all processes.")
        return  # what follows needs the tables as they should be
    yield _ok("migrations", "all applied")
    yield _clock()
    yield _keys()
    yield from _relay()


def _clock() -> Finding:
    query = "SELECT extract(epoch FROM clock_timestamp())"
    if connection.vendor == "sqlite":
        query = "SELECT (julianday('now') - 2440587.5) * 86400"
    with connection.cursor() as cursor:
        before = timezone.now().timestamp()
        cursor.execute(query)
        theirs = float(cursor.fetchone()[0])
    off = theirs - (before + timezone.now().timestamp()) / 2
    text = f"the database's clock is {off:+.1f} s from this machine's"
    cure = "Let both machines take the time from the network (NTP): signed tokens need it."
    if abs(off) > CLOCK_PROBLEM_SECONDS:
        return _problem("clock", text, cure)
    return _warning("clock", text, cure) if abs(off) > CLOCK_WARNING_SECONDS else _ok("clock", text)


def _keys() -> Finding:
    if problem := keys_problem(settings.ENCRYPTION_KEYS):
        return _problem("keys", problem, "Make a key with manage.py make_key, and set it.")
    total, unreadable = secrets_unreadable()
    if unreadable:
        where = ", ".join(f"{label} {key}" for label, key in unreadable[:5])
        text = f"{len(unreadable)} of {total} stored secrets fit no key: {where}"
        cure = "Add the key they were encrypted with to BATON_ENCRYPTION_KEYS, or enter them anew."
        return _problem("keys", text, cure)
    return _ok("keys", f"all {total} stored secrets can be read")


def _relay() -> Iterator[Finding]:
    alive = workers_alive().count()
    if alive == 0:
        yield _problem("relay workers", "none is alive", "Start one: make relay.")
    elif alive == 1:
        yield _warning(
            "relay workers", "1 is alive", "Start a second: it takes over from the first."
        )
    else:
        yield _ok("relay workers", f"{alive} are alive")
    orphans = handoffs_orphaned()
    if orphans:
        cure = "A living relay worker takes them within seconds; look at manage.py relay_status."
        yield _warning("handoffs", f"{orphans} have no living owner", cure)
    oldest = delivery_oldest()
    if oldest and oldest.age_seconds > UNDELIVERED_WARNING_SECONDS:
        text = f"a message of {oldest.handoff_id} has waited for {oldest.age_seconds:.0f} s"
        yield _warning("deliveries", text, "Its timeline shows the calls to the vendor.")


# ---- Redis and what it knows ----


def _redis() -> Iterator[Finding]:
    with Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as client:
        client.ping()
        yield _ok("redis", f"{without_password(settings.REDIS_URL)} answers")
        waiting = max(int(client.llen(name)) for name in (*WORKER_QUEUES, Queue.RELAY))
        if waiting > QUEUE_WARNING:
            cure = "Start more workers of that queue, or look why they are stuck."
            yield _warning("task queues", f"{waiting} tasks wait", cure)
    yield _beat()
    yield _workers()


def _workers() -> Finding:
    found = current_app.control.inspect(timeout=1.5).active_queues() or {}
    served = {queue["name"] for queues in found.values() for queue in queues}
    missing = [name for name in WORKER_QUEUES if name not in served]
    if not missing:
        return _ok("workers", f"all of the queues {', '.join(WORKER_QUEUES)} are served")
    effect = ": the AI agent is silent" if Queue.TURNS in missing else ""
    text = f"none serves {', '.join(missing)}{effect}"
    return _problem(
        "workers", text, f"Start one: make worker. It needs -Q {','.join(WORKER_QUEUES)}."
    )


def _beat() -> Finding:
    age = beat_age_seconds()
    if age is not None and age < BEAT_LATE_SECONDS:
        return _ok("beat", f"its last sweep ran {age:.0f} s ago")
    text = "no sweep has run" if age is None else f"its last sweep ran {age:.0f} s ago"
    return _problem("beat", text, "Start beat: make beat. Sweeps also need a worker.")


def _ok(subject: str, text: str) -> Finding:
    return Finding(subject=subject, verdict=Verdict.OK, text=text)


def _warning(subject: str, text: str, cure: str) -> Finding:
    return Finding(subject=subject, verdict=Verdict.WARNING, text=text, cure=cure)


def _problem(subject: str, text: str, cure: str) -> Finding:
    return Finding(subject=subject, verdict=Verdict.PROBLEM, text=text, cure=cure)
