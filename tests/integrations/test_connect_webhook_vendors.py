"""The Connect flow of vendors that call back: addresses, secrets shown once, one inbox each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.connect.steps import check_view
from integrations.connections.addresses import webhook_urls
from integrations.connections.building import connector_with
from integrations.connections.services import (
    DraftIncompleteError,
    integration_connect,
    integration_disconnect,
    integration_draft_save,
)
from integrations.connections.tokens import MemoryTokens
from integrations.contract.connector import CheckResult
from integrations.contract.registry import manifest_get
from integrations.credentials.generated_values import variants
from integrations.models import AuditEntry, Environment, Integration, Project
from integrations.simulators.simulator import running_simulator
from integrations.vendors.genesys.simulator import GenesysSimulator
from tests import factories
from tests.contract.vendors import SETUPS

Status = Integration.Status
GENESYS = manifest_get("genesys")


def page(project: Project, name: str, key: str = "genesys", environment: str = "sandbox") -> str:
    return reverse(name, args=[project.public_id, environment, key])


@pytest.fixture(scope="module")
def genesys_url() -> Iterator[str]:
    with running_simulator(GenesysSimulator()) as url:
        yield url


def row_of(project: Project, environment: str = "sandbox") -> Integration:
    return Integration.objects.get(project=project, environment=environment)


def typed(url: str = "", **changes: str) -> dict[str, str]:
    values = dict(SETUPS["genesys"].credentials(url))
    del values["webhook_secret"]
    return {**values, "queue_name_attribute": "QueueName", "use_notifications": "on", **changes}


def make_secret(
    admin: Client, project: Project, key: str = "genesys", name: str = "webhook_secret"
) -> str:
    """Press the button, and return what the answer shows."""
    answer = admin.post(page(project, "connect_give", key), {"make": name})
    found = re.search(rf'id="{name}"><code>([^<]+)', answer.content.decode())
    assert found
    return found[1]


def draft(project: Project, environment: str = Environment.SANDBOX, **changes: str) -> Integration:
    """Return an integration whose draft is complete."""
    row = Integration.objects.create(
        project=project,
        environment=environment,
        connector_key="genesys",
        integration_key="genesys_integration",
    )
    values = {**typed(), "webhook_secret": "portal-secret-0123456789", **changes}
    integration_draft_save(integration=row, values=values)
    row.refresh_from_db()
    return row


def checks_of(row: Integration) -> dict[str, str]:
    row.refresh_from_db()
    return {check["name"]: check["code"] for check in row.draft["test"]["checks"]}


# ---- what is given to the vendor ----


def test_address_is_shown_and_the_secret_only_in_the_answer_that_made_it(
    admin: Client, project: Project
) -> None:
    before = admin.get(page(project, "connect_give")).content.decode()

    secret = make_secret(admin, project)

    after = admin.get(page(project, "connect_give")).content.decode()
    form = admin.get(page(project, "connect_values")).content.decode()
    row = row_of(project)
    assert webhook_urls(row)["events"] in before
    assert len(secret) == 43
    assert row.draft["values"]["webhook_secret"] == secret
    assert secret not in after + form
    assert f"••••{secret[-4:]}" in after
    assert AuditEntry.objects.get().fields == ["webhook_secret"]


def test_secret_that_a_form_asks_for_too_is_filled_in_there(
    admin: Client, project: Project
) -> None:
    url = page(project, "connect_give", "zendesk")
    shown = admin.post(url, {"make": "status_webhook_secret"}).content.decode()

    form = admin.get(page(project, "connect_values", "zendesk")).content.decode()

    secret = row_of(project).draft["values"]["status_webhook_secret"]
    assert secret in shown
    assert secret not in form
    assert f"••••{secret[-4:]}" in form
    assert "/status" in shown


def test_external_id_is_made_once_and_may_be_seen_again(admin: Client, project: Project) -> None:
    url = page(project, "connect_give", "amazon_connect")

    first, second = (admin.get(url).content.decode() for _ in range(2))

    external_id = row_of(project).draft["values"]["external_id"]
    assert re.fullmatch(rf"hp-{project.public_id}-[A-Za-z0-9]{{24}}", external_id)
    assert external_id in first
    assert external_id in second


def test_a_user_has_a_name_that_stays_and_a_password_that_is_shown_once(
    admin: Client, project: Project
) -> None:
    url = page(project, "connect_give", "five9")
    admin.get(url)

    password = make_secret(admin, project, "five9", "webhook_password")

    after = admin.get(url).content.decode()
    user = row_of(project).draft["values"]["webhook_username"]
    assert re.fullmatch(r"hp_[A-Za-z0-9]{12}", user)
    assert user in after
    assert len(password) == 32
    assert password not in after


def test_only_secrets_that_the_manifest_names_can_be_made(admin: Client, project: Project) -> None:
    admin.post(page(project, "connect_give"), {"make": "client_secret"})

    assert not AuditEntry.objects.exists()


def test_set_up_without_the_secret_leads_back_to_where_it_is_made(
    admin: Client, project: Project, genesys_url: str
) -> None:
    admin.post(page(project, "connect_values"), typed(genesys_url))

    answer = admin.get(page(project, "connect_test"))

    assert answer.url == page(project, "connect_give")


def test_new_secret_counts_at_once_and_the_old_one_for_a_day(
    admin: Client, project: Project
) -> None:
    row = integration_connect(integration=draft(project), actor=None, save_anyway=True)
    old = row.credentials["webhook_secret"]

    new = make_secret(admin, project)

    row.refresh_from_db()
    good = [values["webhook_secret"] for values in variants(GENESYS, row.credentials)]
    until = row.credentials["webhook_secret__previous_until"]
    shown = admin.get(page(project, "connect_give")).content.decode()
    assert good == [new, old]
    assert until > (timezone.now() + timedelta(hours=23)).isoformat()
    assert "is accepted until" in shown


def test_saving_values_again_keeps_the_secret_and_the_one_before(
    admin: Client, project: Project
) -> None:
    row = integration_connect(integration=draft(project), actor=None, save_anyway=True)
    new = make_secret(admin, project)
    admin.post(page(project, "connect_values"), typed(queue_name_attribute="Team"))

    integration_connect(integration=row, actor=None, save_anyway=True)

    row.refresh_from_db()
    assert row.credentials["queue_name_attribute"] == "Team"
    assert [v["webhook_secret"] for v in variants(GENESYS, row.credentials)] == [
        new,
        "portal-secret-0123456789",
    ]


async def test_made_secrets_are_hidden_from_records_of_calls_and_addresses_are_not() -> None:
    credentials = {
        "webhook_secret": "made-secret-0123456789",
        "webhook_secret__previous": "former-secret-0123456",
        "webhook_url": "https://portal.example.org/hook",
    }
    connector = connector_with(
        GENESYS, credentials=credentials, session=None, tokens=MemoryTokens()
    )

    cleaned = connector._http.without_secrets(json.dumps(credentials))

    assert "made-secret" not in cleaned
    assert "former-secret" not in cleaned
    assert "https://portal.example.org/hook" in cleaned


# ---- the test ----


def test_test_compares_the_vendors_address_with_ours_and_waits_for_its_first_call(
    admin: Client, project: Project
) -> None:
    simulator = GenesysSimulator()
    with running_simulator(simulator) as url:
        secret = make_secret(admin, project)
        row = row_of(project)
        simulator.configure(webhook_url="http://127.0.0.1:9/other/events", webhook_secret=secret)
        admin.post(page(project, "connect_values"), typed(url))
        admin.post(page(project, "connect_test_run"))
        elsewhere = checks_of(row)
        simulator.configure(webhook_url=webhook_urls(row)["events"])
        admin.post(page(project, "connect_test_run"))
        unseen, shown = checks_of(row), admin.get(page(project, "connect_test")).content.decode()
        admin.post(page(project, "connect_save"))
    row.refresh_from_db()

    assert elsewhere["webhook"] == "webhook_not_seen"
    assert unseen.pop("webhook_seen") == "webhook_not_seen"
    assert set(unseen.values()) == {"ok"}
    assert 'data-state="not yet"' in shown
    assert webhook_urls(row)["events"] in shown
    assert row.status == Status.CONNECTED
    assert row.credentials["webhook_secret"] == secret
    assert "webhook_url" not in row.credentials


def test_done_step_ticks_when_the_vendor_has_called(admin: Client, project: Project) -> None:
    row = integration_connect(integration=draft(project), actor=None, save_anyway=True)
    before = admin.get(page(project, "connect_verify")).json()
    Integration.objects.filter(pk=row.pk).update(last_webhook_at=timezone.now())

    after = admin.get(page(project, "connect_verify")).json()

    assert (before["webhook"], after["webhook"]) == (False, True)


# ---- one inbox, one connection ----


def test_inbox_of_another_environment_is_refused_at_its_field(
    admin: Client, project: Project
) -> None:
    integration_connect(integration=draft(project, Environment.LIVE), actor=None, save_anyway=True)

    answer = admin.post(page(project, "connect_values"), typed())

    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "the environment Live of this project" in shown
    assert shown.index('name="integration_id"') < shown.index("in use by")


def test_inbox_of_a_stranger_is_refused_without_naming_them(
    admin: Client, project: Project
) -> None:
    stranger = factories.project(name="Fjord Rail")
    integration_connect(integration=draft(stranger), actor=None, save_anyway=True)

    shown = admin.post(page(project, "connect_values"), typed()).content.decode()

    assert "another project of this portal" in shown
    assert "Fjord Rail" not in shown


def test_two_drafts_for_one_inbox_connect_once_and_the_loser_may_after_a_disconnect(
    project: Project,
) -> None:
    first, second = draft(project), draft(project, Environment.LIVE)
    first = integration_connect(integration=first, actor=None, save_anyway=True)
    with pytest.raises(DraftIncompleteError) as refused:
        integration_connect(integration=second, actor=None, save_anyway=True)
    integration_disconnect(integration=first, actor=None)

    second = integration_connect(integration=second, actor=None, save_anyway=True)

    assert list(refused.value.errors) == ["integration_id"]
    assert second.status == Status.NEEDS_ATTENTION


# ---- copy from another environment ----


def test_copy_takes_over_everything_but_secrets_and_the_inbox(
    admin: Client, project: Project
) -> None:
    source = draft(project, Environment.LIVE, queue_name_attribute="Team")
    source = integration_connect(integration=source, actor=None, save_anyway=True)
    offered = admin.get(page(project, "connect_values")).content.decode()

    answer = admin.post(page(project, "connect_copy"), {"source": "live"})

    copied = row_of(project).draft["values"]
    entry: Any = AuditEntry.objects.get(action="integration.copied")
    assert '<option value="live">Live</option>' in offered
    assert answer.url == page(project, "connect_values")
    assert copied["queue_name_attribute"] == "Team"
    assert copied["client_id"] == source.credentials["client_id"]
    assert not {"client_secret", "webhook_secret", "integration_id"} & set(copied)
    assert "client_secret" not in entry.fields


def test_copy_from_nothing_says_so(admin: Client, project: Project) -> None:
    answer = admin.post(page(project, "connect_copy"), {"source": "live"}, follow=True)

    assert "nothing to copy from" in answer.content.decode()


@pytest.mark.parametrize(("key", "first"), [("genesys", "handoff"), ("twilio_sms", "text")])
def test_what_will_bring_the_first_call_is_named(key: str, first: str) -> None:
    unseen = CheckResult(name="webhook_seen", code="webhook_not_seen", is_ok=False)

    assert f"The first {first} brings the first call." in check_view(manifest_get(key), unseen).cure
