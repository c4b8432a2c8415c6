"""The screen pop's one request: what it answers, to whom, and with which words it refuses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from conversations.models import Conversation
from handoffs.models import Handoff
from handoffs.responder import HandoffResponder
from handoffs.states import State
from integrations.models import ApiKey, Project
from tests import factories

pytestmark = pytest.mark.django_db


def path_of(project: Project) -> str:
    return f"/v1/{project.workspace.public_id}/{project.public_id}/handoff_state"


class Desktop:
    """A live agent's desktop that holds one API key."""

    def __init__(self, handoff: Handoff) -> None:
        self.handoff = handoff
        self.project: Project = handoff.conversation.project
        self.row, self.key = factories.api_key(self.project)

    def get(self, *, path: str = "", key: str | None = None, **query: str) -> tuple[int, Any]:
        project = self.project
        path = path or path_of(project)
        header = {"x-api-key": self.key if key is None else key}
        response = Client(raise_request_exception=False).get(path, query, headers=header)
        return response.status_code, response.json()

    def refusal(self, **query: Any) -> tuple[int, str]:
        status, body = self.get(**query)
        assert set(body) == {"error_message"}
        return status, body["error_message"]


@pytest.fixture
def desktop() -> Desktop:
    project = factories.project(
        handoff_api={
            "state_keys": ["customer_tier", "absent"],
            "aliases": {"customer_tier": "tier"},
        }
    )
    conversation = factories.conversation(factories.channel(project))
    conversation.tool_state = {
        "shared_id": "CRM-7",
        "customer_tier": "gold",
        "handoff": {"order": 12},
        "secret": "not for the desktop",
    }
    conversation.save()
    factories.said(conversation, "My parcel is lost")
    return Desktop(factories.handoff(conversation, hints={"queue": "Parcels", "reason": "parcel"}))


# ---- answers ----


def test_the_body_is_the_id_the_shared_id_and_the_data(desktop):
    assert desktop.get(id=desktop.handoff.conversation_id) == (
        200,
        {
            "id": desktop.handoff.conversation_id,
            "shared_id": "CRM-7",
            "data": {"order": 12, "tier": "gold", "absent": None},
        },
    )


def test_a_handoff_without_a_shared_id_has_none_in_its_body():
    handoff = factories.handoff()

    status, body = Desktop(handoff).get(id=handoff.conversation_id)

    assert (status, body) == (200, {"id": handoff.conversation_id, "data": {}})


@pytest.mark.parametrize("account", ["public_id", "slug"])
@pytest.mark.parametrize("project", ["public_id", "slug"])
def test_slugs_and_ids_are_taken_in_the_path(desktop, account, project):
    names = getattr(desktop.project.workspace, account), getattr(desktop.project, project)

    status, _ = desktop.get(path="/v1/{}/{}/handoff_state".format(*names), shared_id="CRM-7")

    assert status == 200


def test_the_shared_id_wins_over_the_id(desktop):
    other = factories.handoff(factories.conversation(desktop.handoff.conversation.channel))

    _, body = desktop.get(id=other.conversation_id, shared_id="CRM-7")

    assert body["id"] == desktop.handoff.conversation_id


def test_the_answer_is_what_was_stored_at_the_moment_of_the_handoff(desktop):
    before = desktop.get(shared_id="CRM-7")
    conversation = Conversation.objects.get(pk=desktop.handoff.conversation_id)
    conversation.tool_state = {"shared_id": "CRM-8", "customer_tier": "silver", "handoff": {}}
    conversation.save()
    desktop.project.handoff_api = {}
    desktop.project.save()

    assert desktop.get(shared_id="CRM-7") == before
    assert desktop.refusal(shared_id="CRM-8")[0] == 404


def test_the_latest_of_several_handoffs_is_meant_unless_one_is_named():
    of = factories.integration(behaviour={"after_agent": "return_to_bot"})
    first = factories.handoff(state=State.ENDED, of_integration=of)
    second = factories.handoff(first.conversation)
    desktop = Desktop(second)

    ids = [
        desktop.get(id=first.conversation_id, expand="handoff", **extra)[1]["handoff"]["id"]
        for extra in ({}, {"handoff_id": first.pk})
    ]

    assert ids == [second.pk, first.pk]


def test_a_handoff_is_described_on_request(desktop):
    handoff = desktop.handoff

    _, body = desktop.get(shared_id="CRM-7", expand="handoff")

    assert body["handoff"] == {
        "id": handoff.pk,
        "integration": "salesforce_integration",
        "status": "handoff_initiated",
        "state": "requested",
        "reason": "parcel",
        "reason_code": "",
        "destination": "",
        "utterance": "",
        "agent_name": "",
        "vendor_conversation_id": "",
        "queue": "Parcels",
        "requested_at": handoff.requested_at.isoformat(),
        "accepted_at": None,
        "joined_at": None,
        "ended_at": None,
        "end_reason": "",
        "attempt": 1,
        "attempts": [{"attempt": 1, "integration": "salesforce_integration", "error_code": ""}],
    }


@pytest.mark.parametrize(
    ("state", "status", "end_reason"),
    [
        (State.REQUESTED, "handoff_initiated", ""),
        (State.CONNECTING, "handoff_initiated", ""),
        (State.QUEUED, "handoff_initiated", ""),
        (State.ACTIVE, "handoff_completed", ""),
        (State.ENDED, "handoff_completed", "live_agent_ended"),
        (State.FAILED, "handoff_failed", "cannot_connect"),
    ],
    ids=lambda value: getattr(value, "value", value),
)
def test_every_state_has_its_documented_name(state, status, end_reason):
    handoff = factories.handoff(state=state)

    _, body = Desktop(handoff).get(id=handoff.conversation_id, expand="handoff")

    assert (body["handoff"]["status"], body["handoff"]["end_reason"]) == (status, end_reason)


def test_a_handoff_that_was_cancelled_counts_as_failed():
    handoff = factories.handoff(state=State.QUEUED)
    HandoffResponder().on_cancel(conversation_id=handoff.conversation_id)

    _, body = Desktop(handoff).get(id=handoff.conversation_id, expand="handoff")

    assert body["handoff"]["status"] == "handoff_failed"
    assert body["handoff"]["end_reason"] == "cancelled"


def test_the_transcript_is_added_on_request_oldest_first(desktop):
    _, body = desktop.get(shared_id="CRM-7", expand="transcript,handoff")

    assert [(line["sender"], line["text"]) for line in body["transcript"]] == [
        ("bot", "Hello from Birch."),
        ("user", "My parcel is lost"),
    ]
    assert "handoff" in body


# ---- refusals ----


def test_a_request_without_any_id_is_told_which_to_give(desktop):
    assert desktop.refusal() == (400, "Give one of the parameters id and shared_id.")


def test_an_unknown_expansion_is_told_the_known_ones(desktop):
    assert desktop.refusal(shared_id="CRM-7", expand="weather") == (
        400,
        "expand knows handoff, summary, transcript.",
    )


@pytest.mark.parametrize(
    "query",
    [
        {"id": "CONV-unknown"},
        {"shared_id": "CRM-unknown"},
        {"shared_id": "CRM-7", "handoff_id": "HOF-unknown"},
        {"id": "x" * 5000},
    ],
    ids=lambda query: next(iter(query)),
)
def test_an_unknown_id_is_not_found(desktop, query):
    assert desktop.refusal(**query) == (404, "No handoff is known under this id.")


@pytest.mark.parametrize("name", ["id", "shared_id", "handoff_id"])
def test_an_id_that_no_id_can_be_is_refused_by_its_name(desktop, name):
    status, body = desktop.get(**{"id": "x", name: "nul \x00"})

    assert (status, name in body["error_message"]) == (400, True)


def test_a_conversation_without_a_handoff_is_not_found(desktop):
    conversation = factories.conversation(desktop.handoff.conversation.channel)

    assert desktop.refusal(id=conversation.pk)[0] == 404


@pytest.mark.parametrize("path", ["/v1/ws-nobody/{project}", "/v1/{account}/nothing"])
def test_an_unknown_project_and_a_foreign_one_are_refused_alike(desktop, path):
    names = {"account": desktop.project.workspace.slug, "project": desktop.project.slug}
    foreign = path_of(factories.project())

    refused = desktop.refusal(path=path.format(**names) + "/handoff_state", id="x")

    assert refused == desktop.refusal(path=foreign, id="x")
    assert refused[0] == 403
    assert desktop.refusal(path=foreign, id="x", key="wrong")[0] == 401


def test_a_summary_is_taken_from_the_lines_where_the_tool_gave_none(desktop):
    factories.said(desktop.handoff.conversation, "It is order 12, " + "really " * 60)

    _, body = desktop.get(shared_id="CRM-7", expand="summary")

    assert body["summary"].startswith(
        "Reason: parcel. The end user began with: My parcel is lost. and last said: It is order 12"
    )
    assert "The AI agent last said: Hello from Birch." in body["summary"]
    assert len(body["summary"]) < 500


def test_a_summary_of_the_tool_is_given_as_it_is():
    desktop = Desktop(factories.handoff(hints={"summary": "Wants a refund for order 12."}))

    _, body = desktop.get(id=desktop.handoff.conversation_id, expand="summary")

    assert body["summary"] == "Wants a refund for order 12."


def test_who_guesses_keys_is_slowed_down(desktop):
    statuses = {desktop.get(key=f"bk_{number}", id="x")[0] for number in range(62)}

    assert statuses == {401, 429}


def test_a_request_without_a_key_is_told_the_header(desktop):
    assert desktop.refusal(key="", id="x") == (401, "Send an API key in the header x-api-key.")


def test_a_key_nobody_made_is_refused(desktop):
    assert desktop.refusal(key="bk_" + "x" * 40, shared_id="CRM-7")[0] == 401


@pytest.mark.parametrize("column", ["revoked_at", "expires_at"])
def test_a_revoked_or_expired_key_is_refused_and_a_new_one_is_taken(desktop, column):
    setattr(desktop.row, column, timezone.now() - timedelta(seconds=1))
    desktop.row.save()

    assert desktop.refusal(shared_id="CRM-7")[0] == 401

    _, desktop.key = factories.api_key(desktop.project)
    assert desktop.get(shared_id="CRM-7")[0] == 200


def test_a_key_without_the_permission_is_refused(desktop):
    _, key = factories.api_key(desktop.project, ApiKey.Permission.CONVERSATIONS)

    assert desktop.refusal(key=key, shared_id="CRM-7")[0] == 403


def test_another_projects_key_is_refused_and_finds_nothing_in_its_own(desktop):
    other = Desktop(factories.handoff())
    own_path = path_of(desktop.project)

    assert other.refusal(path=own_path, shared_id="CRM-7")[0] == 403
    assert other.refusal(shared_id="CRM-7")[0] == 404
    assert other.refusal(id=desktop.handoff.conversation_id)[0] == 404
    assert other.refusal(id=other.handoff.conversation_id, handoff_id=desktop.handoff.pk)[0] == 404


def test_sixty_requests_a_minute_are_answered_and_then_it_says_when_to_come_back(desktop):
    path = f"/v1/{desktop.project.workspace.slug}/{desktop.project.slug}/handoff_state"
    client = Client(headers={"x-api-key": desktop.key})

    responses = [client.get(path, {"shared_id": "CRM-7"}) for _ in range(122)]

    refused = [response for response in responses if response.status_code == 429]
    assert {response.status_code for response in responses} == {200, 429}
    # A fixed window: at most two of them meet during the test.
    assert 60 <= len(responses) - len(refused) <= 120
    assert 1 <= int(refused[0]["Retry-After"]) <= 60
    assert set(refused[0].json()) == {"error_message"}
