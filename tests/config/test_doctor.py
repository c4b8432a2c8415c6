"""What the doctor finds, what it advises, and that the cure works; and the relay's status."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from config.doctor import Verdict, examine
from handoffs.models import Delivery, RelayWorker
from handoffs.sending.outbox import delivery_create
from handoffs.states import State
from handoffs.tasks import sweep
from tests import factories

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _var(settings, tmp_path):
    settings.VAR_DIR = tmp_path


def found(subject):
    return next(finding for finding in examine() if finding.subject == subject)


def verdict(subject):
    return found(subject).verdict


def run(name):
    out, code = StringIO(), 0
    try:
        call_command(name, stdout=out)
    except SystemExit as stopped:
        code = stopped.code
    return code, out.getvalue()


# ---- settings ----


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://baton.example.com", Verdict.OK),
        ("http://baton.example.com", Verdict.WARNING),
        ("http://127.0.0.1:8000", Verdict.WARNING),
        ("https://elsewhere.example.com", Verdict.PROBLEM),
        ("https://baton.example.com/portal", Verdict.PROBLEM),
        ("baton.example.com", Verdict.PROBLEM),
    ],
)
def test_the_public_address_is_judged(settings, url, expected):
    settings.ALLOWED_HOSTS = ["baton.example.com", "127.0.0.1"]
    settings.PUBLIC_URL = url

    finding = found("PUBLIC_URL")

    assert finding.verdict == expected
    assert bool(finding.cure) == (expected != Verdict.OK)


@pytest.mark.django_db
def test_a_directory_that_is_not_there_is_a_problem_until_it_is(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "var"
    assert verdict("var") == Verdict.PROBLEM

    settings.VAR_DIR.mkdir()

    assert verdict("var") == Verdict.OK


# ---- the database ----


@pytest.mark.django_db
def test_a_missing_migration_is_named_and_hides_what_needs_it():
    [newest] = MigrationLoader(connection).graph.leaf_nodes("handoffs")
    MigrationRecorder(connection).record_unapplied(*newest)

    subjects = {finding.subject for finding in examine()}

    assert found("migrations").verdict == Verdict.PROBLEM
    assert "migrate" in found("migrations").cure
    assert "keys" not in subjects


@pytest.mark.django_db
def test_a_secret_that_fits_no_key_is_found_and_the_old_key_mends_it(settings):
    old = settings.ENCRYPTION_KEYS
    integration = factories.integration()
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    finding = found("keys")

    settings.ENCRYPTION_KEYS = [*settings.ENCRYPTION_KEYS, *old]

    assert finding.verdict == Verdict.PROBLEM
    assert f"integrations.Integration.credentials {integration.pk}" in finding.text
    assert verdict("keys") == Verdict.OK


@pytest.mark.django_db
def test_no_finding_shows_a_secret(settings):
    secret = "Planted-in-the-credentials"
    factories.integration(credentials={"key_secret": secret})
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    _, printed = run("doctor")

    assert secret not in printed
    assert settings.ENCRYPTION_KEYS[0] not in printed


@pytest.mark.django_db
def test_the_clocks_of_this_machine_and_the_database_are_compared():
    assert "s from this machine's" in found("clock").text
    assert verdict("clock") == Verdict.OK


# ---- processes ----


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("workers", "expected"), [(0, Verdict.PROBLEM), (1, Verdict.WARNING), (2, Verdict.OK)]
)
def test_two_relay_workers_are_wanted(workers, expected):
    for _ in range(workers):
        factories.worker()

    assert verdict("relay workers") == expected


@pytest.mark.django_db
def test_beat_is_known_by_its_last_sweep():
    assert verdict("beat") == Verdict.PROBLEM

    sweep()

    assert verdict("beat") == Verdict.OK


@pytest.mark.django_db
def test_no_worker_is_a_problem():
    assert "make worker" in found("workers").cure


@pytest.mark.django_db
def test_an_orphan_and_an_old_message_are_warned_of():
    handoff = factories.handoff(state=State.ACTIVE)
    delivery_create(handoff, factories.said(handoff.conversation, "Anybody?"))
    Delivery.objects.update(created_at=timezone.now() - timedelta(minutes=2))
    RelayWorker.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=1))

    assert verdict("handoffs") == Verdict.WARNING
    assert handoff.pk in found("deliveries").text


# ---- the commands ----


@pytest.mark.django_db
def test_the_exit_status_tells_of_a_problem():
    code, printed = run("doctor")

    assert code == 1
    assert "problem  relay workers: none is alive. Cure: Start one: make relay." in printed


def test_without_stores_the_doctor_says_so_instead_of_failing(tmp_path):
    environment = {
        **os.environ,
        "DATABASE_URL": "sqlite:////nowhere/at/all.sqlite3",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "BATON_ENCRYPTION_KEYS": "",
    }

    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert "problem  database: does not answer (OperationalError)" in done.stdout
    assert "problem  redis: does not answer (ConnectionError)" in done.stdout
    assert "problem  settings: integrations.E001" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.django_db
def test_the_relays_status_shows_workers_handoffs_orphans_and_the_oldest_message():
    served, waiting = factories.handoff(state=State.ACTIVE), factories.handoff()
    RelayWorker.objects.update(name="alpha:1")
    delivery_create(served, factories.said(served.conversation, "Anybody?"))
    gone = factories.worker("omega:2")
    RelayWorker.objects.filter(pk=gone).update(heartbeat_at=timezone.now() - timedelta(minutes=1))

    _, printed = run("relay_status")

    assert "worker  alpha:1  alive" in printed
    assert "1 handoffs" in printed
    assert "worker  omega:2  gone" in printed
    assert "open  requested  salesforce_messaging  1" in printed
    assert "orphaned  1" in printed
    assert printed.splitlines()[-1].endswith(served.pk)
    assert waiting.pk not in printed
