"""A project's reasons for handing off: what is said is matched to one, or kept as it was said."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from conversations.models import Conversation
from conversations.webhooks.endpoints import endpoint_create
from conversations.webhooks.event_types import WebhookType
from handoffs.lifecycle.details import handoff_details
from handoffs.lifecycle.reasons import OTHER_REASON
from handoffs.models import Handoff
from handoffs.payload.reading import payload_read
from handoffs.starting.start import handoff_start
from integrations.models import ApiKey, Project
from integrations.projects.reasons import reasons_read
from tests import factories
from tests.members import client_of_admin

pytestmark = pytest.mark.django_db
LISTED = [
    {"code": "user_request", "label": "The end user asked for a person"},
    {"code": "missing_knowledge", "label": "No answer"},
]


@pytest.fixture
def project() -> Project:
    made = factories.project(handoff_reasons=LISTED)
    factories.integration(made)
    return made


def handed_off(project: Project, reason: str | None) -> Handoff:
    conversation = factories.conversation(factories.channel(project))
    asked: dict[str, Any] = {"text_chat": {"salesforce_integration": {}}}
    if reason is not None:
        asked["reason"] = reason
    payload = payload_read({"handoff": asked})
    locked = Conversation.objects.select_for_update().get(pk=conversation.pk)
    handoff = handoff_start(locked, payload, tool_call_id="1", source="tool")
    assert handoff is not None
    return handoff


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("user_request", "user_request"),
        ("User request", "user_request"),
        ("USER-REQUEST", "user_request"),
        (" the end user asked for a person ", "user_request"),
        ("no answer", "missing_knowledge"),
        ("angry", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_what_is_said_is_matched_to_a_code_or_label_and_kept_as_said(
    project: Project, said: str | None, code: str
):
    handoff = handed_off(project, said)

    assert (handoff.reason_code, handoff.reason) == (code, said or "")


def test_every_interface_tells_the_code_beside_what_was_said(project: Project):
    endpoint, _ = endpoint_create(
        project=project,
        actor=None,
        values={
            "name": "Warehouse",
            "url": "https://hooks.example.com/",
            "event_types": [WebhookType.HANDOFF_REQUESTED.value],
        },
    )
    handoff = handed_off(project, "User Request")

    told = endpoint.deliveries.get().data
    key = factories.api_key(project, *ApiKey.Permission.values)[1]
    base = f"{project.workspace.slug}/{project.slug}"
    popped = (
        Client()
        .get(
            f"/v1/{base}/handoff_state?id={handoff.conversation_id}&expand=handoff",
            headers={"x-api-key": key},
        )
        .json()["handoff"]
    )
    listed = (
        Client()
        .get(f"/v3/{base}/conversations?client_env=sandbox", headers={"x-api-key": key})
        .json()["conversations"][0]
    )

    expected = ("User Request", "user_request")
    for one in (told, popped, handoff_details(handoff), listed["handoffs"][0]):
        assert (one["reason"], one["reason_code"]) == expected
    assert (listed["handoff_reason"], listed["handoff_reason_code"]) == expected


def test_handoffs_and_conversations_are_filtered_by_it(project: Project):
    asked, unknown, silent = (handed_off(project, r) for r in ("User request", "angry", None))
    key = factories.api_key(project, ApiKey.Permission.CONVERSATIONS)[1]
    admin = client_of_admin(project)
    wanted = {
        "user_request": {asked},
        "USER REQUEST": {asked},
        "Angry": {unknown},
        OTHER_REASON: {unknown},
        "": {asked, unknown, silent},
        "missing_knowledge": set(),
    }

    for reason, expected in wanted.items():
        page = admin.get(reverse("handoffs", args=[project.public_id]), {"reason": reason})
        found = (
            Client()
            .get(
                f"/v3/{project.workspace.slug}/{project.slug}/conversations",
                {"client_env": "sandbox", "reason": reason},
                headers={"x-api-key": key},
            )
            .json()["conversations"]
        )
        assert {row.handoff for row in page.context["rows"]} == expected, reason
        ids = {handoff.conversation_id for handoff in expected}
        assert {one["id"] for one in found} == ids, reason


def test_several_reasons_are_any_of_them(project: Project):
    first, second, _ = (handed_off(project, r) for r in ("User request", "angry", "No answer"))
    key = factories.api_key(project, ApiKey.Permission.CONVERSATIONS)[1]

    found = (
        Client()
        .get(
            f"/v3/{project.workspace.slug}/{project.slug}/conversations"
            "?client_env=sandbox&reason=user_request&reason=angry",
            headers={"x-api-key": key},
        )
        .json()["conversations"]
    )

    assert {one["id"] for one in found} == {first.conversation_id, second.conversation_id}


def test_the_pages_show_the_label_and_offer_the_list(project: Project):
    handoff = handed_off(project, "User request")
    admin = client_of_admin(project)

    listed = admin.get(reverse("handoffs", args=[project.public_id])).content.decode()
    shown = admin.get(reverse("handoff", args=[project.public_id, handoff.pk])).content.decode()

    assert '<option value="missing_knowledge">No answer</option>' in listed
    assert '<td data-label="Reason" dir="auto">The end user asked for a person</td>' in listed
    assert "The end user asked for a person (User request)" in shown


def test_the_list_is_kept_in_the_project_settings_and_audited(project: Project):
    admin, address = client_of_admin(project), reverse("project_settings", args=[project.public_id])
    form = admin.get(address).context["form"]
    fields = {name: form[name].value() or "" for name in form.fields}
    kept = fields["handoff_reasons"]

    refused = admin.post(address, {**fields, "handoff_reasons": "Two words = no code"})
    admin.post(address, {**fields, "handoff_reasons": "prohibited_topic\nbilling = Money"})

    project.refresh_from_db()
    assert kept.splitlines()[1] == "missing_knowledge = No answer"
    assert refused.status_code == 422
    assert "“Two words = no code” has no code" in refused.content.decode()
    assert project.handoff_reasons == [
        {"code": "prohibited_topic", "label": "Prohibited topic"},
        {"code": "billing", "label": "Money"},
    ]
    assert project.audit_entries.first().fields == ["handoff_reasons"]


def test_the_list_can_be_set_by_a_command(project: Project):
    call_command(
        "set_project",
        project.workspace.slug,
        project.slug,
        "--handoff-reason",
        "billing=Money",
        "--handoff-reason",
        "other_shop",
    )

    project.refresh_from_db()
    assert [one["code"] for one in project.handoff_reasons] == ["billing", "other_shop"]


@pytest.mark.parametrize(
    "lines", [["a = A", "a = B"], ["a = " + "x" * 81], [f"c{n}" for n in range(51)], ["= A"]]
)
def test_a_list_that_cannot_be_is_refused(lines: list[str]):
    with pytest.raises(ValueError, match=r"\S"):
        reasons_read(lines)
