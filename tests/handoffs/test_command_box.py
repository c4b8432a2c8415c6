"""The command box: names by their words, ids pasted whole, and only what the member may open."""

from __future__ import annotations

import json

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from handoffs.models import Handoff
from handoffs.states import State
from integrations.models import Access, Project, VendorCall
from tests import factories
from tests.members import client_with

pytestmark = pytest.mark.django_db


def answers(client: Client, project: Project, text: str) -> list[tuple[str, str]]:
    """Return kind and label of what is found."""
    url = reverse("find_answers", args=[project.public_id])
    found = json.loads(client.get(url, {"q": text}).content)["found"]
    assert [one for one in found if client.get(one["href"]).status_code != 200] == []
    return [(one["kind"], one["label"]) for one in found]


def leads_to(client: Client, project: Project, text: str) -> str:
    """Return where the page without script leads; nothing where it lists instead."""
    answer = client.get(reverse("find", args=[project.public_id]), {"q": text})
    return answer.get("Location", "")


@pytest.fixture
def handoff(project: Project) -> Handoff:
    row = factories.integration(project)
    made = factories.handoff(state=State.QUEUED, of_integration=row)
    Handoff.objects.filter(pk=made.pk).update(correlation_id="req-of-the-handoff")
    VendorCall.objects.create(
        integration=row,
        reference=made.pk,
        correlation_id="req-of-a-message",
        operation="message",
        method="POST",
        path="/message",
        status=200,
        duration_ms=12,
        at=timezone.now(),
    )
    return made


def test_pages_integrations_and_what_the_agent_is_made_of_are_found_by_their_words(
    admin: Client, project: Project
) -> None:
    factories.integration(project)
    tool = factories.tool(project)
    factories.topic(project, "Transfer of a parcel", tool)
    factories.destination(project, "Transfers")

    assert answers(admin, project, "tran") == [
        ("Topic", "Transfer of a parcel"),
        ("Tool", "transfer_to_salesforce"),
        ("Destination", "Transfers"),
    ]
    assert answers(admin, project, "sand sales") == [
        ("Integration", "Salesforce Messaging (Sandbox)")
    ]
    assert ("Page in Operate", "Handoffs") in answers(admin, project, "hand")
    assert answers(admin, project, "nothing-is-called-so") == []


def test_no_text_lists_every_page(admin: Client, project: Project) -> None:
    kinds = {kind for kind, _ in answers(admin, project, "")}

    assert {"Page", "Page in Build", "Page in Settings"} <= kinds


@pytest.mark.parametrize(
    "which",
    ["own", "own in small letters", "vendor", "request", "message", "with spaces around it"],
)
def test_an_id_pasted_whole_leads_straight_to_its_handoff(
    admin: Client, project: Project, handoff: Handoff, which: str
) -> None:
    text = {
        "own": handoff.pk,
        "own in small letters": handoff.pk.lower(),
        "vendor": handoff.vendor_conversation_id,
        "request": "req-of-the-handoff",
        "message": "req-of-a-message",
        "with spaces around it": f"  {handoff.pk}\n",
    }[which]

    assert leads_to(admin, project, text) == reverse(
        "handoff", args=[project.public_id, handoff.pk]
    )
    assert answers(admin, project, text) == [("Handoff", handoff.pk)]


def test_a_conversations_id_and_its_sessions_lead_to_the_conversation(
    admin: Client, project: Project, handoff: Handoff
) -> None:
    row = handoff.conversation

    there = reverse("conversation", args=[project.public_id, row.pk])
    assert leads_to(admin, project, row.pk) == there
    assert leads_to(admin, project, str(row.session_id)) == there


def test_ids_of_another_project_lead_nowhere(admin: Client, project: Project) -> None:
    elsewhere = factories.handoff(state=State.QUEUED)
    Handoff.objects.filter(pk=elsewhere.pk).update(correlation_id="req-elsewhere")

    for text in (elsewhere.pk, "vendor-1", "req-elsewhere", elsewhere.conversation_id):
        assert leads_to(admin, project, text) == "", text
        assert answers(admin, project, text) == [], text


def test_only_what_the_member_may_open_is_found(project: Project, handoff: Handoff) -> None:
    factories.topic(project, "Handoffs by night")
    client = client_with(project, knowledge=Access.READ)

    assert answers(client, project, "handoffs") == [("Topic", "Handoffs by night")]
    assert leads_to(client, project, handoff.pk) == ""
    assert leads_to(client, project, handoff.conversation_id) == ""
