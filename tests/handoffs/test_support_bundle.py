"""One handoff: its timeline over REST, and the bundle that may be posted in public."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from handoffs.models import Delivery, Handoff
from integrations.models import ApiKey, Area, AuditEntry, Project, VendorCall
from tests import factories
from tests.members import client_of_admin, client_with

pytestmark = pytest.mark.django_db
MARKER = "zanzibar"


@pytest.fixture
def made() -> Handoff:
    """A handoff with the marker wherever people, vendors and secrets leave something."""
    row = factories.handoff()
    person, talk = row.conversation.end_user, row.conversation
    person.name = person.email = person.phone = person.external_id = MARKER
    person.save()
    event = factories.said(talk, f"My name is {MARKER}")
    Delivery.objects.update_or_create(
        event=event,
        defaults={"handoff": row, "sequence": event.sequence, "error_detail": MARKER},
    )
    for name in ("error_detail", "reason", "utterance", "shared_id", "agent_name", "queue"):
        setattr(row, name, MARKER)
    row.vendor_conversation_id, row.destination, row.topic = MARKER, MARKER, MARKER
    row.routing = {"queue": MARKER, "note": MARKER}
    row.context_data = {"order": MARKER}
    row.summary = {"by": "tool", "text": MARKER, "why": "", "milliseconds": 1}
    row.live_agents, row.queue_status = {"1": MARKER}, {"queue_name": MARKER}
    row.save()
    row.transitions.create(from_state="queued", to_state="active", trigger="t", detail=MARKER)
    row.vendor_events.create(
        vendor_event_id=MARKER,
        kind="LiveAgentJoined",
        occurred_at=timezone.now(),
    )
    integration = row.integration
    assert integration is not None
    integration.credentials = dict.fromkeys((*integration.credentials, "secret"), MARKER)
    integration.behaviour = {**integration.behaviour, "transfer_text": MARKER}
    integration.save()
    VendorCall.objects.create(
        integration=integration,
        reference=row.pk,
        operation="send",
        method="POST",
        path=f"/{MARKER}",
        status=200,
        duration_ms=12,
        request_body={"text": MARKER},
        response_body={"text": MARKER},
        at=timezone.now(),
    )
    return row


def project_of(made: Handoff) -> Project:
    assert made.project is not None
    return made.project


def rest(made: Handoff, what: str, permission: str = ApiKey.Permission.CONVERSATIONS) -> Any:
    project = project_of(made)
    key = factories.api_key(project, permission)[1]
    account = f"/v1/accounts/{project.workspace.slug}/projects/{project.slug}"
    return Client().get(f"{account}/handoffs/{made.pk}/{what}", headers={"x-api-key": key})


def test_the_bundle_holds_no_secret_no_text_and_no_name(made):
    project = project_of(made)
    url = reverse("handoff_bundle", args=[project.public_id, made.pk])

    answer = client_of_admin(project).get(url)

    assert answer["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        texts = {name: file.read(name).decode() for name in file.namelist()}
    assert set(texts) == {"README.txt", "bundle.json"}
    assert all(MARKER not in text for text in texts.values())
    assert MARKER not in rest(made, "bundle").content.decode()
    assert AuditEntry.objects.filter(action="handoff.bundled", subject=made.pk).count() == 2


def test_the_bundle_says_what_happened_with_what(made):
    found = rest(made, "bundle").json()

    assert found["handoff"]["id"] == made.pk
    assert {row["to"] for row in found["transitions"]} >= {"active"}
    assert found["vendor_calls"][-1] | {"at": ""} == {
        "at": "",
        "operation": "send",
        "method": "POST",
        "status": 200,
        "error_code": "",
        "duration_ms": 12,
    }
    assert found["vendor_events"][-1]["kind"] == "LiveAgentJoined"
    assert "secret" in found["integration"]["credentials"]
    assert found["integration"]["settings"]["enabled"] is True
    assert {"python", "django", "aiohttp", "database"} <= set(found["versions"])
    json.dumps(found)


def test_the_timeline_over_rest_is_that_of_the_page(made):
    found = rest(made, "timeline").json()

    page = client_of_admin(project_of(made)).get(
        reverse("handoff", args=[project_of(made).public_id, made.pk])
    )
    titles = [entry.title for entry in page.context["timeline"].entries]
    assert [one["title"] for one in found["moments"]] == titles
    assert any(MARKER in one["text"] for one in found["moments"]) and not found["is_cut"]


@pytest.mark.parametrize("what", ["timeline", "bundle"])
def test_a_key_of_another_right_or_project_reads_neither(made, what):
    assert rest(made, what, ApiKey.Permission.CHAT).status_code == 403
    other = factories.project(name="Elsewhere")
    key = factories.api_key(other, ApiKey.Permission.CONVERSATIONS)[1]
    account = f"/v1/accounts/{other.workspace.slug}/projects/{other.slug}"
    answer = Client().get(f"{account}/handoffs/{made.pk}/{what}", headers={"x-api-key": key})
    assert answer.status_code == 404


def test_who_may_not_see_handoffs_takes_no_bundle(made):
    project = project_of(made)
    url = reverse("handoff_bundle", args=[project.public_id, made.pk])

    assert client_with(project, **{Area.KNOWLEDGE: 2}).get(url).status_code == 403
    assert client_of_admin(factories.project(name="Elsewhere")).get(url).status_code == 404
