"""The Chat API: each turn's answer is the call's answer, and a handoff is seen by the client."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from config.demo.processes import wait_until
from conversations.ai_agent.turn import AgentMessage
from conversations.models import Channel, Conversation, Event, OutsideAgent
from handoffs.lifecycle.details import handoff_status
from handoffs.lifecycle.locking import handoff_leased
from handoffs.lifecycle.services import handoff_accepted, handoff_connecting, handoff_end
from handoffs.models import Handoff
from handoffs.responder import message_accept
from handoffs.starting.turns.agent_acts import agent_hand_off, agent_say
from handoffs.starting.turns.answers import answer_all
from handoffs.states import EndReason
from integrations.models import ApiKey, Project
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
SERVER = Channel.HandoffMode.SERVER
RESPONSE_KEYS = {"conversation_id", "response", "end_conversation"}


class Surface:
    """A client of the Chat API, as its documentation shows one, with a worker behind the portal."""

    def __init__(self, project: Project, **channel: Any) -> None:
        self.project = project
        self.channel = factories.channel(project, **channel)
        self.token = factories.secret_token(self.channel)
        self.key = factories.api_key(project, ApiKey.Permission.CHAT)[1]
        self.conversation_id = ""

    def call(self, method: str, act: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        account = self.project.workspace.public_id
        path = f"/v1/{account}/{self.project.public_id}/chat/{act}"
        given = {"X-API-KEY": self.key, "X-TOKEN": self.token, **headers}
        client = Client(raise_request_exception=False)
        if method == "get":
            response = client.get(path, body, headers=given)
        else:
            data = json.dumps({} if body is None else body)
            send = getattr(client, method)
            response = send(path, data, content_type="application/json", headers=given)
        return response.status_code, response.json()

    def create(self, **body: Any) -> dict[str, Any]:
        status, answer = self.call("post", "create", body)
        assert status == 200, answer
        self.conversation_id = answer["conversation_id"]
        return answer

    def respond(self, message: str | None = None, **more: Any) -> tuple[int, Any]:
        headers = more.pop("headers", {})
        said = {} if message is None else {"message": message}
        body = {"conversation_id": self.conversation_id, **said, **more}
        return self.call("post", "respond", body, **headers)

    def messages(self, **query: Any) -> Any:
        asked = {"conversation_id": self.conversation_id, **query}
        status, answer = self.call("get", "messages", asked)
        assert status == 200, answer
        return answer


@pytest.fixture
def answering() -> Any:
    """Let the AI agent answer while a call waits, as a worker does."""
    over = threading.Event()

    def run() -> None:
        from django.db import connection

        while not over.wait(0.02):
            for pk in Conversation.objects.exclude(answer_due_at=None).values_list("pk", flat=True):
                answer_all(pk)
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    over.set()
    thread.join(20)


@pytest.fixture
def project() -> Project:
    made = factories.project()
    factories.topic(made, "Where is my parcel?", content="It arrives tomorrow.")
    factories.topic(made, "A human please", runs=factories.tool(made))
    return made


def test_a_conversation_in_turns_from_hello_to_goodbye(project: Project, answering: None):
    surface = Surface(project)

    created = surface.create(
        variant_id="VARIANT-1", integration_attributes={"tier": "gold"}, channel="whatsapp"
    )
    status, answer = surface.respond("Where is my parcel?", metadata={"from": "app"})

    assert created == {
        "conversation_id": surface.conversation_id,
        "response": "Hello from Birch.",
    }
    assert (status, answer) == (
        200,
        {
            "conversation_id": surface.conversation_id,
            "response": "It arrives tomorrow.",
            "end_conversation": False,
        },
    )
    kept = Conversation.objects.get(pk=surface.conversation_id)
    assert (kept.variant_id, kept.integration_attributes) == ("VARIANT-1", {"tier": "gold"})
    assert kept.channel_type == "whatsapp.polyai"
    closed = surface.call("put", "close", {"conversation_id": surface.conversation_id})
    assert closed == (200, {"success": True})
    assert surface.call("put", "close", {"conversation_id": kept.pk}) == closed
    assert surface.respond("Hello?")[0] == 410
    assert surface.respond("Hello?")[1]["error_code"] == "ChatConversationEnded"


def test_a_client_managed_handoff_ends_the_conversation_and_the_portal_opens_nothing(
    project: Project, answering: None
):
    surface = Surface(project)
    surface.create()

    status, answer = surface.respond("A human please")

    assert (status, answer) == (
        200,
        {
            "conversation_id": surface.conversation_id,
            "response": factories.TRANSFER_TEXT,
            "end_conversation": True,
            "handoff": {
                "destination": "salesforce_integration",
                "reason": "salesforce_integration",
            },
        },
    )
    handoff = Handoff.objects.get()
    assert (handoff.state, handoff.end_reason) == ("ended", "client_managed")
    assert (handoff.integration, handoff.vendor_conversation_id) == (None, "")
    journal = factories.journal(handoff)
    assert journal[-4:] == [
        "POLY_AGENT_TRIGGERED_HANDOFF",
        "POLY_AGENT_LEFT",
        "CLIENT_HANDOFF_REQUIRED",
        "SESSION_END",
    ]
    assert surface.respond("And now?")[1]["error_code"] == "ChatConversationEnded"
    assert surface.call("put", "close", {"conversation_id": surface.conversation_id})[0] == 200


@pytest.mark.parametrize(
    ("handoff", "destination", "reason"),
    [
        ('{"destination": "billing_team", "reason": "refund"}', "billing_team", "refund"),
        ('"billing_team"', "billing_team", "billing_team"),
        (
            '{"text_chat": {"zendesk_integration": {"queue": "Returns", "reason": "lost"}}}',
            "Returns",
            "lost",
        ),
        ("True", "default", "default"),
    ],
)
def test_the_destination_is_the_name_else_the_queue_else_the_integration(
    project: Project, answering: None, handoff: str, destination: str, reason: str
):
    source = f'def route(conv):\n    return {{"utterance": "Yes.", "handoff": {handoff}}}\n'
    factories.topic(project, "Route me", runs=factories.tool(project, source))
    surface = Surface(project)
    surface.create()

    _, answer = surface.respond("Route me")

    assert answer["handoff"] == {"destination": destination, "reason": reason}


def test_a_server_managed_handoff_talks_to_a_live_agent_and_tells_its_end(
    project: Project, answering: None
):
    factories.integration(project)
    surface = Surface(project, handoff_mode=SERVER)
    surface.create()

    _, answer = surface.respond("A human please")

    handoff = Handoff.objects.get()
    assert answer["end_conversation"] is False
    assert answer["handoff"] == {
        "destination": "salesforce_integration",
        "reason": "salesforce_integration",
        "id": handoff.pk,
        "status": "handoff_initiated",
        "state": "requested",
        "integration": "salesforce_integration",
    }

    lease = factories.claim(handoff)
    with handoff_leased(lease) as locked:
        handoff_connecting(locked, lease)
    with handoff_leased(lease) as locked:
        handoff_accepted(locked, factories.vendor_session(), lease)
    factories.apply(lease, factories.joined())
    after = surface.messages()[-1]["sequence"]
    factories.apply(lease, factories.spoke("How can I help?"))
    _, answer = surface.respond("My parcel is lost")
    lines = surface.messages(after=after)

    assert answer["response"] == ""
    assert answer["handoff"]["status"] == "handoff_completed"
    assert [(line["type"], line["payload"]["text"]) for line in lines] == [
        ("EVENT_TYPE_LIVE_AGENT_MESSAGE", "How can I help?"),
        ("EVENT_TYPE_USER_MESSAGE", "My parcel is lost"),
    ]
    assert handoff.deliveries.count() == 1

    with handoff_leased(lease) as locked:
        handoff_end(locked, EndReason.LIVE_AGENT_ENDED, lease=lease)
    _, last = surface.respond("Thank you")
    assert (last["response"], last["end_conversation"]) == ("", True)
    assert last["handoff"]["state"] == "ended"
    assert surface.respond("Thank you")[0] == 410


def test_after_a_live_agent_the_ai_agent_answers_again_where_it_is_set_so(
    project: Project, answering: None
):
    factories.integration(project, behaviour={"after_agent": "return_to_bot"})
    surface = Surface(project, handoff_mode=SERVER)
    surface.create()
    surface.respond("A human please")
    lease = factories.claim(Handoff.objects.get())
    with handoff_leased(lease) as locked:
        handoff_connecting(locked, lease)
    factories.apply(lease, factories.joined())
    with handoff_leased(lease) as locked:
        handoff_end(locked, EndReason.LIVE_AGENT_ENDED, lease=lease)

    status, answer = surface.respond("Where is my parcel?")

    assert (status, set(answer)) == (200, RESPONSE_KEYS)
    assert answer["response"] == "It arrives tomorrow."


def test_a_handoff_that_is_refused_is_said_and_the_ai_agent_stays(
    project: Project, answering: None
):
    surface = Surface(project, handoff_mode=SERVER)
    surface.create()

    _, answer = surface.respond("A human please")

    assert set(answer) == RESPONSE_KEYS
    assert answer["response"].startswith(factories.TRANSFER_TEXT + "\n")
    assert surface.respond("Where is my parcel?")[1]["response"] == "It arrives tomorrow."


def test_a_turn_that_takes_too_long_is_a_timeout_and_the_same_key_gets_its_answer(
    project: Project, settings: Any
):
    settings.CHAT_TURN_SECONDS = 0.2
    OutsideAgent.objects.create(project=project, kind="api")
    surface = Surface(project)
    surface.create()
    headers = {"Idempotency-Key": "turn-1"}

    status, refused = surface.respond("Anybody?", headers=headers)
    assert (status, refused["error_code"]) == (400, "CHAT_TIMEOUT")
    agent_say(surface.conversation_id, [AgentMessage(text="I am here.")])

    assert surface.respond("Anybody?", headers=headers)[1]["response"] == "I am here."
    said = Event.objects.filter(conversation=surface.conversation_id, type="USER_MESSAGE")
    assert said.count() == 1


def test_a_call_waits_for_an_agent_that_drives_by_rest_and_sees_its_handoff(project: Project):
    OutsideAgent.objects.create(project=project, kind="api")
    surface = Surface(project)
    surface.create()

    answer = _while(
        lambda: surface.respond("Anybody?")[1],
        lambda: agent_say(surface.conversation_id, [AgentMessage(text="I am here.")]),
        surface,
    )
    routed = _while(
        lambda: surface.respond("A human")[1],
        lambda: agent_hand_off(surface.conversation_id, {"handoff": "billing"}),
        surface,
    )

    assert answer["response"] == "I am here."
    assert (routed["end_conversation"], routed["handoff"]["destination"]) == (True, "billing")


def _while(call: Callable[[], Any], act: Callable[[], Any], surface: Surface) -> Any:
    """Return what a call answers during which something is done."""
    before = Event.objects.filter(conversation=surface.conversation_id).count()
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    lines = Event.objects.filter(conversation=surface.conversation_id)
    assert wait_until(lambda: lines.count() > before, seconds=20)
    act()
    thread.join(20)
    return found[0]


def test_a_second_message_during_a_turn_is_refused_and_not_kept(project: Project):
    surface = Surface(project)
    surface.create()
    message_accept(
        conversation_id=surface.conversation_id, text="One", client_event_id="", metadata=None
    )

    status, refused = surface.respond("Two")

    assert (status, refused["error_code"]) == (409, "CHAT_TURN_UNDER_WAY")
    said = Event.objects.filter(conversation=surface.conversation_id, type="USER_MESSAGE")
    assert said.count() == 1


def test_reading_waits_for_the_next_line(project: Project):
    surface = Surface(project)
    surface.create()
    after = surface.messages()[-1]["sequence"]
    conversation = Conversation.objects.get(pk=surface.conversation_id)
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.extend(surface.messages(after=after, wait=20)))
    thread.start()
    factories.said(conversation, "Hello")
    thread.join(20)

    assert [line["payload"]["text"] for line in found] == ["Hello"]
    assert surface.messages(after=after + 1) == []


@pytest.mark.parametrize(
    ("act", "body", "status", "code"),
    [
        ("create", {"channel": "fax"}, 400, "INVALID_REQUEST"),
        ("create", [], 400, "INVALID_REQUEST"),
        ("respond", {"message": "Hi"}, 400, "INVALID_REQUEST"),
        ("respond", {"conversation_id": "CONV-nobody", "message": "Hi"}, 404, "NOT_FOUND"),
        ("respond", {"conversation_id": "x", "message": 5, "metadata": 7}, 400, "INVALID_REQUEST"),
        ("close", {"conversation_id": "CONV-nobody"}, 404, "NOT_FOUND"),
        ("close", {}, 400, "INVALID_REQUEST"),
    ],
)
def test_what_is_wrong_with_a_call_is_named(
    project: Project, act: str, body: Any, status: int, code: str
):
    method = "put" if act == "close" else "post"

    found, answer = Surface(project).call(method, act, body)

    assert (found, answer["error_code"]) == (status, code)
    assert set(answer) == {
        "success",
        "error",
        "error_id",
        "error_code",
        "error_message",
        "data",
    }


@pytest.mark.parametrize("query", [{"after": "-1"}, {"after": "x"}, {"wait": "31"}])
def test_a_number_that_is_none_is_refused(project: Project, query: dict[str, str]):
    surface = Surface(project)
    surface.create()

    status, answer = surface.call(
        "get", "messages", {"conversation_id": surface.conversation_id, **query}
    )

    assert (status, answer["error_code"]) == (400, "INVALID_REQUEST")


def test_reading_without_a_conversation_names_the_parameter(project: Project):
    status, answer = Surface(project).call("get", "messages", {})

    assert (status, answer["error_code"]) == (400, "INVALID_REQUEST")
    assert "conversation_id" in answer["error_message"]


def test_keys_and_tokens_that_do_not_fit_open_nothing(project: Project):
    surface, foreign = Surface(project), Surface(factories.project())
    widget = factories.conversation(surface.channel)
    foreign.create()

    def code(**headers: str) -> tuple[int, str]:
        status, answer = surface.call("post", "create", {}, **headers)
        return status, answer["error_code"]

    assert code(**{"X-API-KEY": "wrong"}) == (401, "UNAUTHORIZED")
    assert code(**{"X-API-KEY": ""}) == (401, "UNAUTHORIZED")
    assert code(**{"X-API-KEY": foreign.key}) == (403, "FORBIDDEN")
    assert code(**{"X-TOKEN": ""}) == (401, "UNAUTHORIZED")
    assert code(**{"X-TOKEN": foreign.token}) == (401, "UNAUTHORIZED")
    handoff_key = factories.api_key(project, ApiKey.Permission.HANDOFF)[1]
    assert code(**{"X-API-KEY": handoff_key}) == (403, "FORBIDDEN")
    for unreachable in (foreign.conversation_id, widget.pk):
        surface.conversation_id = unreachable
        assert surface.respond("Hi")[0] == 404
    Channel.objects.filter(pk=surface.channel.pk).update(is_enabled=False)
    assert code() == (400, "CHAT_DRAFT_NOT_EXIST")


def test_a_handoff_status_is_one_of_the_documented_names(project: Project):
    assert {handoff_status(Handoff(state=state)) for state in ("queued", "active", "failed")} == {
        "handoff_initiated",
        "handoff_completed",
        "handoff_failed",
    }
