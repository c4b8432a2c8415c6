"""What Prometheus is shown, by whom it may be read, and what draws and warns from it."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from django.db import connection
from django.test import Client
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from config import metrics
from config.demo.embedded import free_port
from handoffs.relay.leases import worker_stop
from handoffs.states import State
from integrations.http.recording import RunningCall, recorder_with_metrics
from integrations.telemetry.metrics import stream_opened
from tests import factories

OPERATING = Path(__file__).parents[2] / "docs" / "operating"
TOKEN = "a-token-for-prometheus"
PRODUCT = {
    "baton_handoffs_open",
    "baton_handoffs_orphaned",
    "baton_relay_workers_alive",
    "baton_oldest_undelivered_seconds",
    "baton_database_up",
}


@pytest.fixture(autouse=True)
def _uncached(monkeypatch):
    monkeypatch.setattr(metrics, "CACHE_SECONDS", 0.0)


def scrape(token=TOKEN, **headers):
    headers = {"authorization": f"Bearer {token}"} if token else headers
    return Client().get("/metrics", headers=headers)


def samples(text):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


# ---- the page of the web process ----


def test_without_a_token_in_the_settings_there_is_no_page():
    assert scrape().status_code == 404


@pytest.mark.parametrize("token", ["", "wrong", "a-token-for-prometheuſ"])
def test_a_wrong_token_is_refused(settings, token):
    settings.METRICS_TOKEN = TOKEN

    answer = scrape(token.encode().decode("latin-1") if token else "")

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.django_db
def test_open_handoffs_are_counted_by_state_and_connector(settings):
    settings.METRICS_TOKEN = TOKEN
    for state in (State.QUEUED, State.ACTIVE, State.ACTIVE, State.ENDED, State.FAILED):
        factories.handoff(state=state)

    found = samples(scrape().content.decode())

    of = ("connector", "salesforce_messaging")
    assert found[("baton_handoffs_open", of, ("state", "active"))] == 2
    assert found[("baton_handoffs_open", of, ("state", "queued"))] == 1
    assert found[("baton_handoffs_open", ("connector", ""), ("state", "requested"))] == 0
    assert found[("baton_database_up",)] == 1
    assert not [key for key in found if ("state", "ended") in key]


@pytest.mark.django_db
def test_orphans_and_workers_are_counted(settings):
    settings.METRICS_TOKEN = TOKEN
    factories.handoff(state=State.ACTIVE)
    factories.handoff()

    found = samples(scrape().content.decode())

    assert found[("baton_handoffs_orphaned",)] == 1
    assert found[("baton_relay_workers_alive",)] == 1
    assert found[("baton_oldest_undelivered_seconds",)] == 0


@pytest.mark.django_db
def test_when_the_database_fails_the_page_says_so_and_shows_the_rest(settings):
    settings.METRICS_TOKEN = TOKEN
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE handoffs_handoff RENAME TO handoffs_away")

    found = samples(scrape().content.decode())

    assert found[("baton_database_up",)] == 0
    assert ("baton_sockets_open",) in found


@pytest.mark.django_db
def test_the_database_is_asked_once_in_five_seconds(
    settings, monkeypatch, django_assert_num_queries
):
    settings.METRICS_TOKEN = TOKEN
    scrape()
    monkeypatch.setattr(metrics, "CACHE_SECONDS", 5.0)

    with django_assert_num_queries(0):
        scrape()


# ---- the port of the workers ----


def get(port, token=""):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    return urllib.request.urlopen(request, timeout=10)


def test_no_port_is_opened_unless_one_is_set():
    assert metrics.metrics_serve() == 0


def test_the_second_worker_takes_the_next_port(settings):
    settings.METRICS_PORT = free_port()

    first, second = metrics.metrics_serve(), metrics.metrics_serve()

    assert first >= settings.METRICS_PORT
    assert second > first
    assert "baton_relay_sessions" in get(second).read().decode()


def test_the_port_asks_for_the_token_as_well(settings):
    settings.METRICS_PORT, settings.METRICS_TOKEN = free_port(), TOKEN
    port = metrics.metrics_serve()

    with pytest.raises(urllib.error.HTTPError) as refused:
        get(port)

    assert refused.value.code == 401
    assert get(port, TOKEN).status == 200


# ---- what is counted ----


def test_a_failed_call_counts_under_its_connector_operation_and_class():
    before = value(
        "baton_vendor_call_errors_total", connector="five9", operation="say", error="rate_limited"
    )
    kept = []

    recorder_with_metrics("five9", kept.append)(
        RunningCall("say", "POST", "/").record("rate_limited")
    )

    after = value(
        "baton_vendor_call_errors_total", connector="five9", operation="say", error="rate_limited"
    )
    assert after == before + 1
    assert [record.error_code for record in kept] == ["rate_limited"]
    assert value("baton_vendor_call_seconds_count", connector="five9", operation="say") >= 1


def test_a_broken_stream_is_an_error_but_its_life_is_no_latency():
    call = RunningCall("stream", "GET", "/")
    call.status = 200

    recorder_with_metrics("webex", None)(call.record("cannot_connect"))

    assert value("baton_vendor_call_seconds_count", connector="webex", operation="stream") == 0
    assert (
        value(
            "baton_vendor_call_errors_total",
            connector="webex",
            operation="stream",
            error="cannot_connect",
        )
        == 1
    )


def test_a_second_stream_of_the_same_session_is_a_reconnect():
    stream_opened("listen for a test")
    stream_opened("listen for a test")

    counted = SimpleNamespace(
        **{
            kind: value("baton_streams_opened_total", operation="listen for a test", kind=kind)
            for kind in ("first", "reconnect")
        }
    )
    assert (counted.first, counted.reconnect) == (1, 1)


@pytest.mark.django_db
def test_takeovers_and_journal_lines_are_counted():
    handoff = factories.handoff(state=State.ACTIVE)
    lines, takeovers = value("baton_journal_lines_total"), _takeovers()
    worker_stop(factories.lease_of(handoff).worker_id)

    factories.claim(handoff)
    factories.said(handoff.conversation, "Hello")

    assert _takeovers() == takeovers + 1
    assert value("baton_journal_lines_total") == lines + 1


def _takeovers():
    return value("baton_leases_claimed_total", kind="takeover")


# ---- dashboard and alerts ----


def known():
    names = {
        sample.name
        for family in REGISTRY.collect()
        if family.name.startswith("baton_")
        for sample in family.samples
    }
    # A metric with labels has no samples before its first use.
    for family in REGISTRY.collect():
        if family.name.startswith("baton_"):
            suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_count", "_sum"]}
            names |= {family.name + suffix for suffix in suffixes.get(family.type, [""])}
    return names | PRODUCT


def expressions():
    board = json.loads((OPERATING / "dashboards" / "baton.json").read_text())
    rules = yaml.safe_load((OPERATING / "alerts.yml").read_text())
    yield from (target["expr"] for panel in board["panels"] for target in panel["targets"])
    yield from (rule["expr"] for group in rules["groups"] for rule in group["rules"])


def named():
    return {name for text in expressions() for name in re.findall(r"\bbaton_\w+", text)}


def test_every_metric_that_the_dashboard_and_the_alerts_name_exists():
    assert named() - known() == set()


def test_every_metric_is_drawn():
    drawn = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in named()}
    exist = {re.sub(r"_(total|bucket|count|sum|created)$", "", name) for name in known()}

    assert exist - drawn == set()


def test_every_alert_names_its_cure():
    rules = yaml.safe_load((OPERATING / "alerts.yml").read_text())["groups"][0]["rules"]

    assert [rule["alert"] for rule in rules if not rule["annotations"].get("cure")] == []
