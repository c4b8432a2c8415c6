"""AI agents that live elsewhere: asked each turn by a signed call, or driving by REST."""

from __future__ import annotations

import hashlib
import hmac
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from config.demo.processes import wait_until
from conversations.ai_agent.outside.options import FAILURES_IN_A_ROW
from conversations.ai_agent.runtimes.services import signing_secret_replace
from conversations.models import Conversation, Event, LogEntry, OutsideAgent, SafetyFilter
from handoffs.models import Handoff
from handoffs.responder import message_accept
from handoffs.starting.turns.answers import answer_all
from handoffs.tasks import sweep
from integrations.behaviour.sentences import sentence
from integrations.kit.signatures import outbound_signature
from integrations.models import ApiKey
from tests import factories
from tests.handoffs.outside import (
    SECRET,
    Drive,
    WebhookStandIn,
    ask,
    driven,
    said,
    webhook_agent,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def agent() -> Iterator[WebhookStandIn]:
    with webhook_agent() as served:
        yield served


def test_the_agent_is_asked_with_the_turn_and_what_it_answers_is_said(agent: WebhookStandIn):
    conversation = driven(agent)
    agent.answering = lambda turn: (
        200,
        {
            "utterance": "Which order?",
            "state": {"step": 2},
            "response_suggestions": [{"message_text": "The last one", "payload": "last"}],
        },
    )

    ask(conversation)

    [heard] = agent.heard
    told = heard.body
    assert told["event"] == "message"
    assert told["conversation"]["id"] == conversation.pk
    assert told["message"]["text"] == "Where is it?"
    assert [line["role"] for line in told["history"]] == ["agent"], "the greeting, not the turn"
    assert said(conversation) == ["Which order?"]
    line = Event.objects.filter(conversation=conversation).order_by("sequence").last()
    assert line is not None
    assert line.payload["response_suggestions"] == [
        {"message_text": "The last one", "payload": "last"}
    ]
    conversation.refresh_from_db()
    assert conversation.tool_state == {"step": 2}


def test_a_call_is_signed_over_its_raw_body_and_carries_the_id_of_its_turn(agent: WebhookStandIn):
    conversation = driven(agent)

    ask(conversation)

    [heard] = agent.heard
    timestamp = heard.headers["x-handoff-timestamp"]
    signed = timestamp.encode() + b"." + heard.raw
    expected = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert heard.headers["x-handoff-signature"] == expected
    assert abs(time.time() - int(timestamp)) < 60
    message = Event.objects.get(conversation=conversation, type="USER_MESSAGE")
    assert heard.headers["idempotency-key"] == heard.headers["x-handoff-event-id"]
    assert heard.headers["idempotency-key"] == str(message.pk)


def test_both_secrets_sign_while_one_is_replaced_and_then_the_new_one_alone(agent: WebhookStandIn):
    conversation = driven(agent)
    row = OutsideAgent.objects.get()
    fresh = signing_secret_replace(agent=row, actor=None, overlaps=True)

    def signed_with() -> list[str]:
        ask(conversation)
        call = agent.heard[-1]
        at = call.headers["x-handoff-timestamp"]
        found = {outbound_signature(one, at, call.raw): one for one in (fresh, SECRET)}
        return [found[given] for given in call.headers["x-handoff-signature"].split(",")]

    assert signed_with() == [fresh, SECRET]
    OutsideAgent.objects.update(previous_until=timezone.now())
    assert signed_with() == [fresh]

    leaked, fresh = fresh, signing_secret_replace(agent=row, actor=None)
    assert signed_with() == [fresh] != [leaked]


def test_a_call_that_failed_is_repeated_once_with_the_same_key(agent: WebhookStandIn):
    conversation = driven(agent)
    agent.answering = lambda turn: (
        (200, {"utterance": "Now"}) if len(agent.heard) > 1 else (503, {})
    )

    ask(conversation)

    keys = {heard.headers["idempotency-key"] for heard in agent.heard}
    assert (len(agent.heard), len(keys)) == (2, 1)
    assert said(conversation) == ["Now"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ((500, {}), "agent_cannot_connect"),
        ((401, {}), "agent_invalid_auth"),
        ((200, b"<html>"), "agent_answer"),
        ((200, []), "agent_answer"),
        ((200, {}), "agent_silent"),
        ((200, {"utterance": 5}), "agent_silent"),
        ((200, {"utterance": "x" * 10_001}), "agent_answer"),
    ],
)
def test_an_agent_that_gives_no_answer_leaves_the_end_user_with_a_text_and_the_log_with_why(
    agent: WebhookStandIn, answer: tuple[int, Any], code: str
):
    conversation = driven(agent, failure_text="Our assistant is away.")
    agent.answering = lambda turn: answer

    ask(conversation)

    assert said(conversation) == ["Our assistant is away."]
    entry = LogEntry.objects.get(conversation=conversation, level="error")
    assert (entry.code, entry.fields) == (code, {"failures": 1})


def test_who_wrote_no_text_for_failures_leaves_the_end_user_with_ours(agent: WebhookStandIn):
    conversation = driven(agent)
    agent.answering = lambda turn: (404, {})

    ask(conversation)

    assert said(conversation) == [sentence("tool_failed", "en")]


def test_what_is_wrong_with_an_offer_leaves_that_one_out_and_is_told(agent: WebhookStandIn):
    conversation = driven(agent)
    offered = [{"message_text": "Yes"}, {"message_text": 5}, "No"]
    agent.answering = lambda turn: (200, {"utterance": "Well?", "response_suggestions": offered})

    ask(conversation)

    line = Event.objects.filter(conversation=conversation).order_by("sequence").last()
    assert line is not None
    assert line.payload["response_suggestions"] == [{"message_text": "Yes", "payload": "Yes"}]
    told = LogEntry.objects.filter(conversation=conversation).values_list("content", flat=True)
    assert [content.split(" ")[0] for content in sorted(told)] == [
        "response_suggestions[1]",
        "response_suggestions[2]",
    ]


def test_after_three_failures_in_a_row_the_conversation_is_handed_off_once(agent: WebhookStandIn):
    conversation = driven(agent, escalates=True)
    factories.integration(conversation.project, is_default=True)
    agent.answering = lambda turn: (500, {})

    for number in range(FAILURES_IN_A_ROW):
        assert not Handoff.objects.exists(), f"escalated after {number}"
        ask(conversation)

    assert Handoff.objects.filter(conversation=conversation).count() == 1


def test_what_an_agent_of_another_kind_has_left_is_not_the_new_ones(agent: WebhookStandIn):
    conversation = driven(agent)
    conversation.agent_session = {"kind": "direct_line", "conversation_id": "c7", "epoch": 1}
    conversation.save()

    ask(conversation)

    conversation.refresh_from_db()
    assert "conversation_id" not in conversation.agent_session
    kept = conversation.agent_session
    assert (kept["kind"], kept["epoch"]) == ("webhook", 1), "what is Baton's own stays"


def test_an_answer_resets_the_failures_in_a_row(agent: WebhookStandIn):
    conversation = driven(agent, escalates=True)
    factories.integration(conversation.project, is_default=True)
    for is_well in (False, False, True, False, False):
        agent.answering = lambda turn, well=is_well: (200 if well else 500, {"utterance": "Yes"})
        ask(conversation)

    assert not Handoff.objects.exists()


def test_a_handoff_in_the_answer_is_opened_as_from_a_tool(agent: WebhookStandIn):
    conversation = driven(agent)
    integration = factories.integration(conversation.project)
    agent.answering = lambda turn: (
        200,
        {
            "utterance": "One moment.",
            "handoff": {"text_chat": {integration.integration_key: {"reason": "parcel"}}},
        },
    )

    ask(conversation, "A human, please")

    handoff = Handoff.objects.get(conversation=conversation)
    assert (handoff.integration_id, handoff.reason) == (integration.pk, "parcel")
    assert said(conversation) == ["One moment."]


def test_an_agent_that_accepts_answers_later_by_rest(agent: WebhookStandIn):
    conversation = driven(agent)
    agent.answering = lambda turn: (202, {})

    ask(conversation)
    assert said(conversation) == []

    drive = Drive(conversation.project)
    assert drive.post(conversation, "messages", {"text": "Here it is."})[0] == 201
    assert said(conversation) == ["Here it is."]


def its_time_passes(conversation: Conversation) -> None:
    """Let the time in which an answer was promised be over, and the clock look round."""
    begun = timezone.now() - timedelta(seconds=1)
    Conversation.objects.filter(pk=conversation.pk).exclude(answer_promised_until=None).update(
        answer_promised_until=begun
    )
    sweep()


def fails_by_silence(conversation: Conversation, *, code: str, seconds: int) -> None:
    """Ask an agent that does not answer until the conversation goes to a live agent."""
    ask(conversation)
    sweep()
    assert said(conversation) == [], "it has its time"
    for _ in range(FAILURES_IN_A_ROW - 1):
        its_time_passes(conversation)
        its_time_passes(conversation)
        ask(conversation, "Hello?")
    assert said(conversation) == ["Sorry."] * 2
    its_time_passes(conversation)

    entry = LogEntry.objects.filter(code=code).latest("pk")
    assert entry.content == f"The agent did not answer within {seconds} seconds. (3 in a row)"
    assert OutsideAgent.objects.get().error_code == code
    assert Handoff.objects.filter(conversation=conversation).exists()


def test_an_agent_that_accepts_and_never_answers_has_failed(agent: WebhookStandIn):
    conversation = driven(agent, failure_text="Sorry.", escalates=True)
    factories.integration(conversation.project, is_default=True)
    agent.answering = lambda turn: (202, {})

    fails_by_silence(conversation, code="agent_cannot_connect", seconds=30)


def test_an_agent_that_answers_in_time_has_kept_its_promise(agent: WebhookStandIn):
    conversation = driven(agent, failure_text="Sorry.")
    drive = Drive(conversation.project)
    agent.answering = lambda turn: (202, {})
    ask(conversation)
    its_time_passes(conversation)

    ask(conversation, "Hello?")
    drive.post(conversation, "messages", {"text": "Here it is."})
    its_time_passes(conversation)
    agent.answering = lambda turn: (200, {"utterance": "At once."})
    ask(conversation, "And now?")
    its_time_passes(conversation)

    assert said(conversation) == ["Sorry.", "Here it is.", "At once."]
    conversation.refresh_from_db()
    assert conversation.agent_session["failures"] == 0, "they were not in a row"


def test_many_turns_wait_for_slow_agents_in_no_thread(agent: WebhookStandIn):
    conversation = driven(agent)
    others = [factories.conversation(conversation.channel) for _ in range(19)]
    crowd = [conversation, *others]

    def slowly(turn: dict[str, Any]) -> tuple[int, Any]:
        time.sleep(1.0)
        return 200, {"utterance": "At last"}

    agent.answering = slowly
    began = time.monotonic()
    for one in crowd:
        message_accept(conversation_id=one.pk, text="Hi", client_event_id="", metadata=None)
        answer_all(one.pk)
    assert wait_until(lambda: not Conversation.objects.exclude(answer_due_at=None), seconds=20)

    assert time.monotonic() - began < 18, "one after the other they take twenty seconds"
    assert [said(one) for one in crowd] == [["At last"]] * 20


def says(conversation: Conversation, *texts: str) -> None:
    for text in texts:
        message_accept(conversation_id=conversation.pk, text=text, client_event_id="", metadata={})


def meanwhile(agent: WebhookStandIn, conversation: Conversation, *texts: str) -> None:
    """Say something, and more while the agent is asked about it; wait until all is answered."""
    more, answers = threading.Event(), agent.answering

    def late(turn: dict[str, Any]) -> tuple[int, Any]:
        assert more.wait(10)
        return answers(turn)

    agent.answering = late
    says(conversation, "Where is it?")
    answer_all(conversation.pk)
    says(conversation, *texts)
    more.set()

    def is_answered() -> bool:
        answer_all(conversation.pk)
        return Conversation.objects.filter(pk=conversation.pk, answer_due_at=None).exists()

    assert wait_until(is_answered, seconds=20)


def test_what_came_while_the_agent_was_asked_is_one_turn_that_knows_the_answer_before(
    agent: WebhookStandIn,
):
    conversation = driven(agent)

    meanwhile(agent, conversation, "Hello?", "Anybody?")

    assert said(conversation) == ["You said Where is it?", "You said Hello?\nAnybody?"]
    _, second = [heard.body for heard in agent.heard]
    last = Event.objects.filter(conversation=conversation, type="USER_MESSAGE").last()
    assert last is not None and second["id"] == str(last.pk)
    assert second["message"]["id"] == last.payload["message_id"]
    told = [line["text"] for line in second["history"]][1:]
    assert told == ["Where is it?", "You said Where is it?"]


def test_a_message_that_no_agent_may_answer_is_told_with_no_other(agent: WebhookStandIn):
    conversation = driven(agent)
    factories.integration(conversation.project, is_default=True)
    topic = "I want to sue you"
    factories.topic(conversation.project, topic, content="No.", is_mandatory=True)

    meanwhile(agent, conversation, "Hello?", topic, "Anybody?")

    asked = [heard.body["message"]["text"] for heard in agent.heard]
    assert asked == ["Where is it?", "Hello?"]
    assert Handoff.objects.filter(conversation=conversation).exists()


def test_a_pause_that_ends_after_the_deadline_is_not_waited_for(agent: WebhookStandIn):
    conversation = driven(agent, failure_text="Away.")
    agent.answering = lambda turn: (429, {"retry_after": 60})

    began = time.monotonic()
    ask(conversation)

    assert said(conversation) == ["Away."]
    assert (len(agent.heard), time.monotonic() - began < 4) == (1, True)


# ---- driving by REST ----


@pytest.fixture
def conversation() -> Conversation:
    project = factories.project()
    OutsideAgent.objects.create(project=project, kind="api")
    return factories.conversation(factories.channel(project))


def test_a_message_to_an_agent_that_drives_by_rest_waits_for_it(conversation: Conversation):
    ask(conversation)
    assert said(conversation) == []

    status, body = Drive(conversation.project).post(conversation, "messages", {"text": "Hello."})

    assert status == 201
    assert Event.objects.get(pk=body["message_id"]).sequence == body["sequence"]
    assert said(conversation) == ["Hello."]


def watched(conversation: Conversation, **options: Any) -> None:
    """Give the project's agent a minute for an answer."""
    told = {"answer_seconds": 60, "failure_text": "Sorry.", **options}
    OutsideAgent.objects.filter(project=conversation.project).update(options=told)


def test_an_agent_that_drives_by_rest_and_stays_silent_has_failed(conversation: Conversation):
    watched(conversation, escalates=True)
    factories.integration(conversation.project, is_default=True)

    fails_by_silence(conversation, code="agent_no_answer", seconds=60)


@pytest.mark.parametrize("act", ["messages", "handoff", "end"])
def test_an_agent_that_does_something_in_time_has_not_failed(conversation: Conversation, act: str):
    key = factories.integration(conversation.project).integration_key
    watched(conversation)
    ask(conversation)
    its_time_passes(conversation)
    ask(conversation, "Hello?")
    body = {"handoff": key} if act == "handoff" else {"text": "Here."} if act == "messages" else {}
    assert Drive(conversation.project).post(conversation, act, body)[0] < 300
    its_time_passes(conversation)

    assert said(conversation) == ["Sorry.", "Here."] if act == "messages" else ["Sorry."]
    assert OutsideAgent.objects.get().error_code == "", "it answers again"


def test_an_agent_that_speaks_after_its_failure_answers_again(conversation: Conversation):
    watched(conversation)
    ask(conversation)
    its_time_passes(conversation)
    assert OutsideAgent.objects.get().error_code == "agent_no_answer"

    assert Drive(conversation.project).post(conversation, "messages", {"text": "Late."})[0] == 201

    assert said(conversation) == ["Sorry.", "Late."]
    assert OutsideAgent.objects.get().error_code == ""


def test_who_asks_again_does_not_wait_longer_for_the_answer(conversation: Conversation):
    watched(conversation)
    ask(conversation)
    conversation.refresh_from_db()
    until = conversation.answer_promised_until

    ask(conversation, "Hello?")
    conversation.refresh_from_db()
    assert conversation.answer_promised_until == until
    its_time_passes(conversation)
    its_time_passes(conversation)

    assert said(conversation) == ["Sorry."], (
        "both messages were left, and the end user is told once"
    )


def test_a_message_that_the_safety_filter_answers_leaves_the_time_of_the_one_before(
    conversation: Conversation,
):
    watched(conversation)
    options = {"words": {"violence": ["kill you"]}, "actions": {"violence": "block"}}
    SafetyFilter.objects.create(project=conversation.project, is_enabled=True, options=options)
    ask(conversation)
    conversation.refresh_from_db()
    until = conversation.answer_promised_until

    ask(conversation, "I will kill you")
    conversation.refresh_from_db()
    assert conversation.answer_promised_until == until is not None
    its_time_passes(conversation)

    assert said(conversation) == [sentence("safety_blocked", "en"), "Sorry."]


def test_without_a_time_an_agent_that_drives_by_rest_may_take_for_ever(conversation: Conversation):
    watched(conversation)
    ask(conversation)
    watched(conversation, answer_seconds=0)
    its_time_passes(conversation)
    ask(conversation, "Hello?")
    its_time_passes(conversation)

    assert said(conversation) == []
    conversation.refresh_from_db()
    assert conversation.answer_promised_until is None


def test_a_message_is_looked_at_while_an_earlier_one_still_waits_for_its_answer(
    conversation: Conversation,
):
    factories.integration(conversation.project, is_default=True)
    topic = "I want to sue you"
    factories.topic(conversation.project, topic, content="No.", is_mandatory=True)

    ask(conversation)
    ask(conversation, topic)

    assert Handoff.objects.filter(conversation=conversation).exists()


def test_a_silent_agent_does_not_keep_the_end_user_from_writing(
    conversation: Conversation, settings: Any
):
    settings.AI_AGENT_MESSAGES_WAITING = 2

    for number in range(4):
        ask(conversation, f"Hello {number}?")

    assert Event.objects.filter(conversation=conversation, type="USER_MESSAGE").count() == 4


def test_the_same_key_again_says_nothing_twice(conversation: Conversation):
    drive, headers = Drive(conversation.project), {"Idempotency-Key": "turn-7"}

    first = drive.post(conversation, "messages", {"text": "Hello."}, **headers)
    again = drive.post(conversation, "messages", {"text": "Hello."}, **headers)

    assert first == again
    assert said(conversation) == ["Hello."]


def test_a_handoff_by_rest_is_accepted_once_and_then_refused(conversation: Conversation):
    integration = factories.integration(conversation.project)
    drive = Drive(conversation.project)
    asked = {
        "utterance": "One moment.",
        "handoff": {"text_chat": {integration.integration_key: {}}},
    }

    status, body = drive.post(conversation, "handoff", asked, **{"Idempotency-Key": "h"})
    assert (status, body["status"]) == (202, "requested")
    assert said(conversation) == ["One moment."]
    assert drive.post(conversation, "handoff", asked, **{"Idempotency-Key": "h"})[1] == body

    status, refused = drive.post(conversation, "handoff", asked)
    assert (status, refused["error_code"]) == (409, "HANDOFF_ALREADY_ACTIVE")
    status, refused = drive.post(conversation, "messages", {"text": "Still there?"})
    assert (status, refused["error_code"]) == (409, "NOT_IN_CHARGE")

    assert drive.post(conversation, "handoff/cancel")[0] == 202
    assert drive.post(conversation, "messages", {"text": "Back."})[0] == 201
    assert drive.post(conversation, "end")[0] == 204
    again = drive.post(conversation, "handoff", asked, **{"Idempotency-Key": "h"})
    assert (again[0], again[1]["handoff_id"]) == (202, body["handoff_id"])
    assert drive.post(conversation, "handoff", asked)[0] == 410


@pytest.mark.parametrize("shape", ["default", "name", "destination", "text_chat"])
def test_what_stands_beside_the_handoff_reaches_the_live_agent(
    conversation: Conversation, shape: str
):
    key = factories.integration(conversation.project, is_default=True).integration_key
    shapes: dict[str, Any] = {
        "default": True,
        "name": key,
        "destination": {"destination": key, "hints": {"priority": "high"}},
        "text_chat": {"text_chat": {key: {"queue": "Parcels"}}},
    }
    beside = {"reason": "refund", "summary": "Order 7 is lost.", "data": {"order": 7}}

    asked = {"handoff": shapes[shape], **beside}
    assert Drive(conversation.project).post(conversation, "handoff", asked)[0] == 202

    handoff = Handoff.objects.get()
    assert (handoff.reason, handoff.context_data) == ("refund", {"order": 7})
    assert handoff.routing["summary"] == "Order 7 is lost."


@pytest.mark.parametrize(
    ("asked", "status", "code"),
    [
        ({"handoff": True, "summary": 7}, 422, "HANDOFF_INVALID_PAYLOAD"),
        ({"handoff": {"text_chat": {"zendesk_integration": {}}}}, 409, "HANDOFF_NOT_CONNECTED"),
        ({"handoff": {"text_chat": {"nobody_integration": {}}}}, 422, "HANDOFF_INVALID_PAYLOAD"),
        ({"handoff": 7}, 422, "HANDOFF_INVALID_PAYLOAD"),
        ({}, 400, "INVALID_REQUEST"),
        ([], 400, "INVALID_REQUEST"),
        ({"handoff": True, "utterance": 7}, 400, "INVALID_REQUEST"),
    ],
)
def test_a_handoff_that_cannot_be_is_refused_and_nothing_has_happened(
    conversation: Conversation, asked: Any, status: int, code: str
):
    found, body = Drive(conversation.project).post(conversation, "handoff", asked)

    assert (found, body["error_code"]) == (status, code)
    if status == 422:
        assert all(set(problem) == {"path", "message"} for problem in body["errors"])
        assert body["errors"]
    assert not Handoff.objects.exists()
    assert said(conversation) == []


def test_the_end_is_said_and_holds(conversation: Conversation):
    drive = Drive(conversation.project)

    assert drive.post(conversation, "end", {"utterance": "Goodbye."})[0] == 204
    assert drive.post(conversation, "end")[0] == 204

    types = list(Event.objects.filter(conversation=conversation).values_list("type", flat=True))
    assert types[-2:] == ["POLY_AGENT_MESSAGE", "SESSION_END"]
    status, body = drive.post(conversation, "messages", {"text": "One more thing"})
    assert (status, body["error_code"]) == (410, "CONVERSATION_ENDED")


def test_another_projects_conversations_and_unknown_ones_are_refused_alike(
    conversation: Conversation,
):
    foreign = factories.conversation(factories.channel(factories.project()))
    drive = Drive(conversation.project)

    unknown = Conversation(pk=f"CONV-{uuid.uuid4().hex}")
    assert drive.post(foreign, "messages", {"text": "Hi"})[0] == 404
    assert drive.post(unknown, "messages", {"text": "Hi"})[0] == 404

    drive.project = foreign.project
    assert drive.post(foreign, "messages", {"text": "Hi"})[0] == 403
    drive.key = "wrong"
    assert drive.post(foreign, "messages", {"text": "Hi"})[0] == 401
    assert said(foreign) == []


def test_a_key_without_the_permission_drives_nothing(conversation: Conversation):
    drive = Drive(conversation.project)
    drive.key = factories.api_key(conversation.project, ApiKey.Permission.HANDOFF)[1]

    assert drive.post(conversation, "messages", {"text": "Hi"})[0] == 403
