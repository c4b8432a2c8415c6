"""Each documented request of the Agent API with its answer (agent_api section 22), as a table."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.test import Client

from conversations.models import Conversation, Event, OutsideAgent
from handoffs.models import Handoff
from integrations.models import ApiKey
from tests import factories
from tests.handoffs.outside import Drive

pytestmark = pytest.mark.django_db(transaction=True)
LONG = "x" * 10_001
ID = str(uuid.uuid4())
SUGGESTIONS = {"response_suggestions": [{"message_text": "Yes"}, {"message_text": "No"}]}
IMAGE = {
    "content_url": "https://shop.example/shoe.png",
    "content_type": "ATTACHMENT_CONTENT_TYPE_IMAGE",
    "title": "A shoe",
}
CALL = {"title": "Call us", "contact_number": "+493012345"}
PIECE = {"message_id": ID, "chunk_index": 1, "text": "He"}
BAD, INVALID = (400, "INVALID_REQUEST"), (422, "HANDOFF_INVALID_PAYLOAD")
ELSEWHERE = {"text_chat": {"webex_integration": {}}}


@pytest.fixture
def conversation() -> Conversation:
    project = factories.project()
    OutsideAgent.objects.create(project=project, kind="api", options={"sends_pieces": "on"})
    factories.integration(project, is_default=True)
    return factories.conversation(factories.channel(project))


@pytest.mark.parametrize(
    ("act", "body", "status"),
    [
        ("messages", {"text": "Hello."}, 201),
        ("messages", {"text": "Hello.", "message_id": ID}, 201),
        ("messages", {"text": "This?", **SUGGESTIONS, "attachments": [IMAGE]}, 201),
        ("messages", {"chat_call_actions": [CALL]}, 201),
        ("messages/chunks", PIECE, 204),
        ("messages/chunks", {**PIECE, "text": "", "is_complete": True}, 204),
        ("typing", None, 204),
        ("typing", {}, 204),
        ("handoff", {"handoff": True}, 202),
        ("handoff", {"handoff": {"reason": "refund"}, "utterance": "One moment."}, 202),
        ("handoff", {"handoff": True, "utterance": "One moment.", **SUGGESTIONS}, 202),
        ("handoff", {"handoff": True, "reason": "r", "summary": "s", "data": {"order": 7}}, 202),
        ("end", None, 204),
        ("end", {"utterance": "Goodbye."}, 204),
    ],
)
def test_a_documented_request_is_answered_as_documented(conversation, act, body, status):
    found, answer = Drive(conversation.project).post(conversation, act, body)

    assert (found, answer if status == 204 else None) == (status, None)
    if act == "messages":
        assert set(answer) == {"message_id", "sequence"}
        said = Event.objects.get(pk=answer["message_id"]).payload
        assert said["text"] == body.get("text", "")
        assert len(said["response_suggestions"]) == len(body.get("response_suggestions", ()))
    if act == "handoff":
        assert answer == {"handoff_id": Handoff.objects.get().pk, "status": "requested"}


@pytest.mark.parametrize(
    ("act", "body", "refusal", "told"),
    [
        ("messages", {}, BAD, "text"),
        ("messages", {"text": " "}, BAD, "text"),
        ("messages", {"text": 5}, BAD, "text"),
        ("messages", {"text": LONG}, BAD, "text"),
        ("messages", {"txet": "Hello."}, BAD, "txet"),
        ("messages", {"text": "a", "message_id": "7"}, BAD, "message_id"),
        ("messages", {"attachments": [{}]}, BAD, "attachments[0]"),
        ("messages", {"text": "a", "response_suggestions": {}}, BAD, "response_suggestions"),
        ("messages/chunks", {**PIECE, "chunk_index": 2}, (409, "CHUNK_OUT_OF_ORDER"), "1"),
        ("messages/chunks", {**PIECE, "message_id": None}, BAD, "message_id"),
        ("messages/chunks", {**PIECE, "chunk_index": "1"}, BAD, "chunk_index"),
        ("messages/chunks", {**PIECE, "text": None}, BAD, "text"),
        ("messages/chunks", {**PIECE, "is_complete": "no"}, BAD, "is_complete"),
        ("typing", {"state": "on"}, BAD, "state"),
        ("handoff", {}, BAD, "handoff"),
        ("handoff", {"handoff": False}, BAD, "handoff"),
        ("handoff", {"handof": True}, BAD, "handof"),
        ("handoff", {"handoff": {"text_chat": {}}}, INVALID, "text_chat"),
        ("handoff", {"handoff": ELSEWHERE}, (409, "HANDOFF_NOT_CONNECTED"), "not connected"),
        ("handoff", {"handoff": "Nowhere"}, INVALID, "unknown destination"),
        ("handoff", {"handoff": True, "data": []}, INVALID, "data"),
        ("handoff/cancel", None, (409, "NOTHING_TO_CANCEL"), "cancel"),
        ("handoff/cancel", {"why": 1}, BAD, "why"),
        ("end", {"text": "Goodbye."}, BAD, "text"),
        ("end", {"utterance": {}}, BAD, "utterance"),
        ("messages/chunks", {**PIECE, "is_complete": 0}, BAD, "is_complete"),
    ],
)
def test_a_request_that_cannot_be_is_refused_by_name_and_nothing_happens(
    conversation, act, body, refusal, told
):
    before = Event.objects.filter(conversation=conversation).count()

    found, answer = Drive(conversation.project).post(conversation, act, body)

    assert (found, answer["error_code"]) == refusal, answer
    assert told in answer["error_message"] or told in str(answer.get("errors"))
    assert set(answer) - {"errors"} == {
        *("success", "error", "error_id", "error_code", "error_message", "data")
    }
    assert ("errors" in answer) == (found == 422)
    assert Event.objects.filter(conversation=conversation).count() == before
    assert not Handoff.objects.exists()


@pytest.mark.parametrize(
    ("act", "body", "code"),
    [
        ("messages", {"text": "Hm?"}, "NOT_IN_CHARGE"),
        ("messages/chunks", PIECE, "NOT_IN_CHARGE"),
        ("typing", None, "NOT_IN_CHARGE"),
        ("handoff", {"handoff": True}, "HANDOFF_ALREADY_ACTIVE"),
        ("end", None, "NOT_IN_CHARGE"),
    ],
)
def test_nothing_is_taken_while_a_live_agent_is_asked_for(conversation, act, body, code):
    drive = Drive(conversation.project)
    drive.post(conversation, "handoff", {"handoff": True})

    found, answer = drive.post(conversation, act, body)

    assert (found, answer["error_code"]) == (409, code)


def test_before_the_ai_agent_has_joined_it_is_said_who_asks_for_it(conversation):
    Conversation.objects.update(state=Conversation.State.CREATED)

    found, answer = Drive(conversation.project).post(conversation, "messages", {"text": "Hm?"})

    assert (found, answer["error_code"]) == (409, "NOT_IN_CHARGE")
    assert "REQUEST_POLY_AGENT_JOIN" in answer["error_message"]


@pytest.mark.parametrize(
    ("act", "body"),
    [
        ("messages", {"text": "Hm?"}),
        ("messages/chunks", PIECE),
        ("typing", None),
        ("handoff", {"handoff": True}),
        ("handoff/cancel", None),
    ],
)
def test_after_the_end_everything_but_the_end_itself_is_gone(conversation, act, body):
    drive = Drive(conversation.project)
    drive.post(conversation, "end")

    found, answer = drive.post(conversation, act, body)

    assert (found, answer["error_code"]) == (410, "CONVERSATION_ENDED")
    assert drive.post(conversation, "end")[0] == 204


CLOSED = {"business_hours_zone": "Europe/Berlin", "business_hours": "mon 03:00-03:01"}


@pytest.mark.parametrize(
    ("on_unavailable", "hint", "status"),
    [
        ("fail", None, 409),
        ("return_to_bot", None, 409),
        ("queue", "fail", 409),
        ("queue", None, 202),
    ],
)
def test_an_agent_is_told_at_once_that_nobody_is_there_where_a_handoff_would_fail(
    on_unavailable, hint, status
):
    project = factories.project()
    behaviour = {**CLOSED, "on_unavailable": on_unavailable}
    key = factories.integration(project, is_default=True, behaviour=behaviour).integration_key
    conversation = factories.conversation(factories.channel(project))
    hints = {"on_unavailable": hint} if hint else {}
    asked = {"handoff": {"text_chat": {key: hints}}, "utterance": "One moment."}

    found, answer = Drive(project).post(conversation, "handoff", asked)

    assert found == status
    assert Handoff.objects.exists() == (status == 202)
    if status == 409:
        assert answer["error_code"] == "HANDOFF_NO_AGENTS"
        assert "It opens at" in answer["error_message"]


# ---- where one can hand off to ----


def destinations(conversation: Conversation, key: str, **query: str) -> tuple[int, Any]:
    project = conversation.project
    path = f"/v1/{project.workspace.slug}/{project.public_id}/destinations"
    answer = Client().get(path, query, headers={"x-api-key": key})
    return answer.status_code, answer.json()


def test_destinations_and_connections_are_listed_by_the_names_that_a_handoff_takes(conversation):
    project, drive = conversation.project, Drive(conversation.project)
    factories.destination(project, "Returns", description="Parcels", integration_key="")
    factories.destination(project, "Our app", kind="client", is_default=False)

    status, body = destinations(conversation, drive.key, client_env="sandbox")

    [key] = {row.integration_key for row in project.integrations.all()}
    assert status == 200
    assert [(one["name"], one["kind"], one["is_default"]) for one in body["data"]] == [
        ("Returns", "text_chat", True),
        ("Our app", "client", False),
        (key, "text_chat", False),
    ]
    assert destinations(conversation, drive.key) == (200, {"data": body["data"][:2]})
    assert drive.post(conversation, "handoff", {"handoff": body["data"][0]["name"]})[0] == 202


def test_whether_somebody_is_there_is_told_where_it_is_asked_for(conversation):
    factories.destination(conversation.project, "Our app", kind="client")
    key = Drive(conversation.project).key

    _, body = destinations(conversation, key, client_env="sandbox", expand="availability")

    ours, connected = (one["availability"] for one in body["data"])
    assert set(ours) == set(connected)
    assert (ours["available"], ours["business_hours_open"]) == (None, None)
    assert connected["checked_at"]


@pytest.mark.parametrize("query", [{"client_env": "moon"}, {"expand": "everything"}])
def test_a_parameter_of_the_list_that_is_wrong_is_named(conversation, query):
    status, body = destinations(conversation, Drive(conversation.project).key, **query)

    assert (status, body["error_code"]) == (400, "INVALID_REQUEST")
    assert next(iter(query)) in body["error_message"]


def test_the_list_needs_the_permission_of_the_agent_api(conversation):
    other = factories.api_key(conversation.project, ApiKey.Permission.HANDOFF)[1]

    assert destinations(conversation, other)[0] == 403
    assert destinations(conversation, "wrong")[0] == 401
