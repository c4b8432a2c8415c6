"""The probe turns a tile to Needs attention and back, by itself and not too soon."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from config.celery import app
from integrations.connections.probe import (
    FAILURES_ALLOWED,
    integration_probe,
    integrations_to_probe,
)
from integrations.models import Integration, Project
from integrations.simulators.simulator import Simulator, running_simulator
from integrations.tasks import probe_all
from integrations.vendors.genesys.simulator import GenesysSimulator
from integrations.vendors.salesforce_messaging.simulator import SalesforceMessagingSimulator
from tests import factories
from tests.contract.vendors import SETUPS

Status = Integration.Status


def status_of(row: Integration) -> tuple[str, str]:
    row.refresh_from_db()
    return row.status, row.last_error_code


def connected(project: Project, key: str, url: str) -> Integration:
    return factories.integration(
        project,
        connector_key=key,
        integration_key=f"{key}_integration",
        credentials=dict(SETUPS[key].credentials(url)),
    )


@pytest.fixture(scope="module")
def genesys() -> GenesysSimulator:
    return GenesysSimulator()


@pytest.fixture(scope="module")
def genesys_url(genesys: Simulator) -> Iterator[str]:
    with running_simulator(genesys) as url:
        yield url


def test_vendor_that_does_not_answer_is_red_after_three_failures_in_a_row_and_green_again(
    project: Project,
) -> None:
    simulator = SalesforceMessagingSimulator()
    with running_simulator(simulator) as url:
        row = factories.integration(project, url=url)
        simulator.fail_next(503, count=99, path_prefix="")
        again, seen = [], []
        for _ in range(FAILURES_ALLOWED):
            again.append(integration_probe(row.pk))
            seen.append(status_of(row)[0])
        message = row.last_error_message
        simulator.reset()

        integration_probe(row.pk)

    assert again == [True, True, False]
    assert seen == [Status.CONNECTED, Status.CONNECTED, Status.NEEDS_ATTENTION]
    assert message.startswith("Organization and deployment: ")
    assert status_of(row) == (Status.CONNECTED, "")
    assert row.failed_probes == 0
    assert row.probed_at is not None


def test_success_between_failures_starts_the_count_anew(project: Project) -> None:
    simulator = SalesforceMessagingSimulator()
    with running_simulator(simulator) as url:
        row = factories.integration(project, url=url)
        for is_broken in (True, True, False, True, True):
            if is_broken:
                simulator.fail_next(503, count=99, path_prefix="")
            integration_probe(row.pk)
            simulator.reset()

    assert status_of(row)[0] == Status.CONNECTED


def test_refused_credentials_are_red_at_once(project: Project, genesys_url: str) -> None:
    row = connected(project, "genesys", genesys_url)
    row.credentials = {**row.credentials, "client_secret": "somebody-elses"}
    row.save()

    is_repeated = integration_probe(row.pk)

    assert not is_repeated
    assert status_of(row) == (Status.NEEDS_ATTENTION, "invalid_auth")


def test_probe_of_genesys_takes_no_notification_channel_and_tries_nothing_by_doing(
    project: Project, genesys: GenesysSimulator, genesys_url: str
) -> None:
    row = connected(project, "genesys", genesys_url)
    genesys.configure(webhook_url="http://127.0.0.1:8000/handoff/webhooks/a/b/c/d/events")
    before = len(genesys.requests.all())

    integration_probe(row.pk)

    asked = genesys.requests.all()[before:]
    assert asked
    assert [call for call in asked if "notifications" in call.path] == []
    assert [c for c in asked if c.method != "GET" and "oauth" not in c.path] == []


def test_only_integrations_in_use_are_probed(project: Project) -> None:
    used = [
        factories.integration(project, integration_key=status, status=status)
        for status in (Status.CONNECTED, Status.NEEDS_ATTENTION)
    ]
    rest = [
        factories.integration(project, integration_key=status, status=status)
        for status in (Status.DISABLED, Status.NOT_CONNECTED)
    ]

    assert sorted(integrations_to_probe()) == [row.pk for row in used]
    assert [integration_probe(row.pk) for row in rest] == [False, False]


def test_one_failure_that_may_pass_is_counted_and_no_more(project: Project) -> None:
    row = factories.integration(project)
    simulator = SalesforceMessagingSimulator()
    with running_simulator(simulator) as url:
        row.credentials = {**row.credentials, "scrt_url": url, "es_developer_name": "Wrong"}
        row.save()
        integration_probe(row.pk)

    assert status_of(row) == (Status.CONNECTED, "")
    assert row.failed_probes == 1


def test_beat_queues_a_probe_for_each_every_quarter_of_an_hour(project: Project, redis_server):
    entry = app.conf.beat_schedule["probe"]
    row = factories.integration(project)

    probe_all()

    with app.connection_for_read() as broker:
        queue = broker.SimpleQueue("default")
        message = queue.get(timeout=5)
        message.ack()
        queue.close()
    assert (entry["task"], entry["schedule"]) == (probe_all.name, 900.0)
    assert message.headers["task"] == "integrations.tasks.probe"
    assert message.payload[0] == [row.pk]
