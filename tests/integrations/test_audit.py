"""The audit: who changed what, by the names of fields, without a value."""

from __future__ import annotations

import csv
import io
import logging

import pytest
from django.test import Client

from integrations.connections.services import (
    integration_mark_healthy,
    integration_mark_needs_attention,
)
from integrations.models import AuditEntry, Project
from tests import factories
from tests.integrations.connecting import (
    address,
    connect,
    enter,
    run_test,
    salesforce_values,
    save,
)


def actions(project: Project) -> list[str]:
    """Return the actions of a project, oldest first."""
    entries = AuditEntry.objects.filter(project=project).order_by("id")
    return list(entries.values_list("action", flat=True))


def test_a_life_of_an_integration_is_written_down(
    admin: Client, project: Project, salesforce_url: str
) -> None:
    connect(admin, project, salesforce_values(salesforce_url))
    admin.post(address(project, "integration_disable"))
    admin.post(address(project, "integration_enable"))
    admin.post(address(project, "integration_disconnect"), {"confirm_name": "Salesforce Messaging"})

    assert actions(project) == [
        "integration.tested",
        "integration.connected",
        "integration.disabled",
        "integration.enabled",
        "integration.disconnected",
    ]
    assert all(entry.actor is not None for entry in AuditEntry.objects.all())


def test_a_change_names_its_fields_only(
    admin: Client, project: Project, salesforce_url: str
) -> None:
    connect(admin, project, salesforce_values(salesforce_url))
    values = salesforce_values(salesforce_url, routing_attributes="Tier = gold-plated")
    enter(admin, project, values)
    run_test(admin, project)
    save(admin, project)

    newest = AuditEntry.objects.filter(action="integration.connected").first()
    assert newest is not None
    assert newest.fields == ["routing_attributes"]
    assert "gold-plated" not in str(list(AuditEntry.objects.values()))


def test_an_automatic_change_of_state_is_batons_own_and_written_once(project: Project) -> None:
    row = factories.integration(project)

    for _ in range(3):
        integration_mark_needs_attention(row, "invalid_auth", "Salesforce refused the token.")
    for _ in range(2):
        integration_mark_healthy(row)

    assert actions(project) == ["integration.needs_attention", "integration.recovered"]
    assert not AuditEntry.objects.exclude(actor=None).exists()


def test_the_audit_is_exported_as_csv_without_a_value(
    admin: Client, project: Project, salesforce_url: str
) -> None:
    connect(admin, project, salesforce_values(salesforce_url))

    response = admin.get(address(project, "integration_audit"))

    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert [row["action"] for row in rows] == ["integration.connected", "integration.tested"]
    assert "org_id" in rows[0]["fields"]
    assert factories.ORG_ID not in response.content.decode()


def test_no_secret_reaches_audit_calls_or_log(
    admin: Client,
    project: Project,
    salesforce_url: str,
    private_pem: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    values = salesforce_values(
        salesforce_url,
        mode="miaw_verified",
        jwt_key_id="k",
        jwt_issuer="i",
        jwt_private_key=private_pem,
    )

    enter(admin, project, values)
    run_test(admin, project)
    save(admin, project, save_anyway="1")

    row = project.integrations.get()
    kept = [str(list(AuditEntry.objects.values())), str(list(row.calls.values())), caplog.text]
    assert [text for text in kept if private_pem.splitlines()[3] in text] == []
    assert row.calls.count() >= 3
