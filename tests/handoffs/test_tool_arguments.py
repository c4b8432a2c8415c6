"""A tool gets its arguments in a real turn: named, said, or asked for over turns."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils.timezone import localdate

from conversations.models import Conversation, Tool
from conversations.releases.services import release_publish
from handoffs.responder import message_accept
from handoffs.starting.turns.answers import answer_all
from integrations.models import Project
from tests import factories

pytestmark = pytest.mark.django_db
ASKED = "where is my parcel"
SOURCE = """
def find(conv, order, day=None):
    conv.state.given = [order, day]
    return f"{order} of {day}: {sorted(conv.entities)}"
"""
ORDER = {"name": "order", "type": "code", "question": "Which order?\nde: Welche Bestellung?"}
DAY = {"name": "day", "type": "date", "description": "the day you ordered", "is_required": True}


@pytest.fixture
def project() -> Project:
    return factories.project(no_match_text="I do not know.")


def talk(project: Project, *parameters: dict[str, Any], **topic: Any) -> Conversation:
    tool = factories.tool(project, SOURCE.strip(), parameters=list(parameters))
    factories.topic(project, ASKED, tool, **topic)
    factories.topic(project, "when are you open", content="From nine to five.")
    return factories.conversation(factories.channel(project))


def say(conversation: Conversation, text: str) -> list[str]:
    """Say something in a real turn, and return what the AI agent says."""
    line = message_accept(
        conversation_id=conversation.pk, text=text, client_event_id="", metadata=None
    )[0]
    answer_all(conversation.pk)
    conversation.refresh_from_db()
    later = conversation.events.filter(sequence__gt=line.sequence, type="POLY_AGENT_MESSAGE")
    return [event.payload["text"] for event in later.order_by("sequence")]


def test_what_a_message_says_is_the_argument_and_stands_in_conv_entities(project):
    conversation = talk(project, ORDER)

    assert say(conversation, "where is my parcel A-1042, from 24.12.2026") == [
        "A-1042 of None: ['alphanumeric', 'date', 'order']"
    ]


def test_what_is_missing_is_asked_for_one_value_at_a_time_and_kept(project):
    conversation = talk(project, ORDER, DAY)

    assert say(conversation, ASKED) == ["Which order?"]
    assert say(conversation, "it is A-1042") == ["Please tell me: the day you ordered"]
    assert say(conversation, "24.12.2026") == ["A-1042 of 2026-12-24: ['date', 'day', 'order']"]
    assert conversation.tool_state["given"] == ["A-1042", "2026-12-24"]
    assert conversation.dialog.get("asks", "") == ""


def test_today_is_the_day_where_the_end_user_is_or_else_the_project(project):
    project.time_zone = "Pacific/Kiritimati"
    project.save()
    conversation = talk(project, ORDER, DAY)
    days = {}
    # Between the two it is never the same day.
    for name in ("Etc/GMT+12", ""):
        Conversation.objects.filter(pk=conversation.pk).update(time_zone=name)
        say(conversation, f"{ASKED} A-1042, today")
        days[name or project.time_zone] = conversation.tool_state["given"][1]

    assert days == {name: str(localdate(timezone=ZoneInfo(name))) for name in days}


def test_an_answer_may_say_more_than_was_asked(project):
    conversation = talk(project, ORDER, DAY)
    say(conversation, ASKED)

    say(conversation, "A-1042, on 24.12.2026")

    assert conversation.tool_state["given"] == ["A-1042", "2026-12-24"]


def test_it_asks_in_the_language_of_the_conversation(project):
    conversation = talk(project, ORDER, DAY)
    Conversation.objects.update(locale="de-CH")

    assert say(conversation, ASKED) == ["Welche Bestellung?"]
    assert say(conversation, "A-7") == ["Bitte nennen Sie mir: the day you ordered"]


def test_it_asks_three_times_at_most_and_then_counts_a_miss(project):
    conversation = talk(project, ORDER)
    say(conversation, ASKED)

    again = [say(conversation, "hm") for _ in range(3)]

    sorry = "Sorry, I could not make sense of that. Which order?"
    assert again == [[sorry], [sorry], ["I do not know."]]
    assert conversation.dialog["misses"] == 1


@pytest.mark.parametrize("text", ["never mind", "no, forget it", "vergiss es", "cancela", "no"])
def test_whoever_does_not_want_to_say_it_is_left_alone(project, text):
    conversation = talk(project, ORDER)
    say(conversation, ASKED)

    assert say(conversation, text) == ["All right. What else can I do for you?"]
    assert say(conversation, "A-1042") == ["I do not know."]


def test_another_topic_and_a_wish_for_a_human_go_before_the_question(project):
    factories.integration(project)
    conversation = talk(project, {**ORDER, "type": "string"})
    say(conversation, ASKED)

    assert say(conversation, "when are you open") == ["From nine to five."]
    say(conversation, ASKED)
    say(conversation, "I want to talk to a human")

    assert conversation.state == Conversation.State.HANDOFF


def test_one_of_several_is_offered_to_choose_from(project):
    size = {"name": "order", "type": "enum", "options": ["Small", "Large"], "question": "Size?"}
    conversation = talk(project, size)
    say(conversation, ASKED)

    line = conversation.events.get(type="POLY_AGENT_MESSAGE", payload__text="Size?")
    offered = [one["message_text"] for one in line.payload["response_suggestions"]]
    say(conversation, "large")

    assert offered == ["Small", "Large"]
    assert conversation.tool_state["given"] == ["Large", None]


def test_what_an_action_names_is_made_to_fit_and_not_asked_for(project):
    action = {"kind": "run_tool", "target": "find", "when": "always", "args": {"order": "7"}}
    conversation = talk(project, {"name": "order", "type": "integer"}, actions=[action])

    say(conversation, ASKED)

    assert conversation.tool_state["given"] == [7, None]


def test_a_handoff_behind_the_tool_waits_for_the_value(project):
    factories.integration(project)
    run = {"kind": "run_tool", "target": "find", "when": "always"}
    hand_off = {"kind": "handoff", "target": "", "when": "always"}
    conversation = talk(project, ORDER, actions=[run, hand_off])

    say(conversation, ASKED)
    assert conversation.state == Conversation.State.BOT
    say(conversation, "A-1042")

    assert conversation.state == Conversation.State.HANDOFF
    assert conversation.tool_state["given"] == ["A-1042", None]


def test_parameters_travel_with_a_release(project):
    conversation = talk(project, ORDER)
    release_publish(project=project, actor=None)
    Tool.objects.update(parameters=[{**ORDER, "question": "Edited?"}])
    later = factories.conversation(conversation.channel)

    assert say(later, ASKED) == ["Which order?"]


def test_a_question_for_a_value_goes_before_the_flow_that_waits(project):
    ask = {"name": "amount", "kind": "numeric", "question": "How many?"}
    step = {"name": "count", "kind": "default", "prompt": "", "entities": [ask]}
    factories.flow(project, "counting", [step])
    conversation = talk(project, {"name": "order", "type": "integer", "question": "Which order?"})
    go = {"kind": "goto_flow", "target": "counting", "when": "always"}
    factories.topic(project, "count things", actions=[go])

    assert say(conversation, "count things") == ["How many?"]
    assert say(conversation, ASKED) == ["Which order?"]
    say(conversation, "7")

    assert conversation.tool_state["given"] == [7, None]
    assert conversation.flow["asked"] == "amount"
