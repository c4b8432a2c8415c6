"""The audit: who changed what, by the names of fields, without a value."""

from __future__ import annotations

import csv
import io
import logging
import re

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from integrations.connections.services import (
    integration_mark_healthy,
    integration_mark_needs_attention,
)
from integrations.models import AuditEntry, Project
from integrations.projects.audit import audit_record
from integrations.projects.audit_list import GROUPS
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


# What the code writes down: `action="topic.created"`, or the last word of a helper's call.
ACTION = re.compile(r'f?"([a-z_]+)\.(?:[a-z_]+|\{[a-z_.]+\})"')
WRITES = re.compile(r"\b(audit_record|audit_person|AuditEntry\()")


def things_written() -> set[str]:
    """Return what comes before the point in every action of the source."""
    found = set()
    for area in ("integrations", "handoffs", "conversations"):
        for path in (settings.BASE_DIR / area).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            if "migrations" not in path.parts and WRITES.search(text):
                found |= set(ACTION.findall(text))
    return found


def test_whatever_is_written_down_is_found_by_exactly_one_group():
    held = [thing for _, things in GROUPS.values() for thing in things]

    assert len(things_written()) > 25
    assert things_written() <= set(held) and len(held) == len(set(held))


def test_a_group_shows_what_it_holds_alone(admin: Client, project: Project) -> None:
    for action in ("channel.changed", "tag.put", "hold.set", "session.others_ended"):
        audit_record(project=project, actor=None, action=action, subject="one of these")

    page = admin.get(reverse("audit", args=[project.public_id]), {"group": "conversation"})
    text = page.content.decode()
    everything = admin.get(reverse("audit", args=[project.public_id])).content.decode()

    assert "Tag put on" in text and "Channel changed" not in text
    assert "Legal hold set" in everything and "All other sessions ended" in everything
