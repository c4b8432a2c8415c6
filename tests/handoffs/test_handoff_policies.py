"""Trigger policies, mandatory topics and escalation, tried as an end user meets them."""

from __future__ import annotations

import pytest

from conversations.models import Conversation
from handoffs.models import Handoff
from integrations.models import Project
from tests import factories
from tests.handoffs.test_tool_arguments import say

pytestmark = pytest.mark.django_db
HUMAN = "I want to talk to a human"


def talk(**policy: object) -> Conversation:
    project = factories.project(no_match_text="I do not know.", trigger_policy=policy)
    factories.integration(project)
    factories.topic(project, "when are you open", content="From nine to five.")
    return factories.conversation(factories.channel(project))


def reasons(conversation: Conversation) -> list[str]:
    rows = Handoff.objects.filter(conversation=conversation)
    return list(rows.values_list("reason", flat=True))


def test_quick_hands_off_at_the_first_word():
    conversation = talk(level="quick")

    say(conversation, HUMAN)

    assert reasons(conversation) == ["human_requested"]


def test_ai_only_says_so_however_often_it_is_asked():
    conversation = talk(level="off")

    for text in (HUMAN, HUMAN, "zxqv", "qwrt", "plmk", "this is useless"):
        said = say(conversation, text)
        assert said, text

    assert reasons(conversation) == [] and conversation.state == Conversation.State.BOT


def test_balanced_offers_and_takes_yes_and_no():
    conversation = talk(level="balanced")

    offered = say(conversation, HUMAN)
    declined = say(conversation, "no thanks")
    assert offered != declined and reasons(conversation) == []
    say(conversation, "zxqv")
    say(conversation, "qwrt")
    say(conversation, "yes please")

    assert reasons(conversation) == ["human_requested"]


def test_ai_first_asks_what_it_is_about_and_gives_in_to_a_second_wish():
    conversation = talk(level="ai_first")

    say(conversation, HUMAN)
    assert reasons(conversation) == []
    assert say(conversation, "when are you open") == ["From nine to five."]
    say(conversation, "no, a person please")

    assert reasons(conversation) == ["human_requested"]


@pytest.mark.parametrize("misses", [1, 2, 3])
def test_so_many_misses_in_a_row_hand_off_and_an_answer_between_begins_anew(misses):
    conversation = talk(level="quick", misses=misses)

    for _ in range(misses - 1):
        assert say(conversation, "zxqv") == ["I do not know."]
    say(conversation, "when are you open")
    for _ in range(misses - 1):
        say(conversation, "qwrt")
    assert reasons(conversation) == []
    say(conversation, "plmk")

    assert reasons(conversation) == ["not_understood"]


def mandatory(project: Project) -> None:
    factories.topic(project, "I want to sue you", content="I may not say.", is_mandatory=True)


@pytest.mark.parametrize("level", ["off", "quick", "balanced", "ai_first"])
def test_a_mandatory_topic_hands_off_at_every_level_and_in_the_middle_of_a_question(level):
    conversation = talk(level=level)
    mandatory(conversation.project)
    tool = factories.tool(conversation.project, "def find(conv, order: str): ...")
    factories.topic(conversation.project, "where is my parcel", tool)
    say(conversation, "where is my parcel")

    said = say(conversation, "I want to sue you")

    assert said == ["I may not say."] and reasons(conversation) == ["policy"]


def test_a_mandatory_topic_hands_off_inside_of_a_flow():
    conversation = talk()
    mandatory(conversation.project)
    entity = {"name": "why", "kind": "free_text", "question": "Why?"}
    factories.flow(conversation.project, "why", [{"name": "ask", "entities": [entity]}])
    go = {"kind": "goto_flow", "target": "why", "when": "always"}
    factories.topic(conversation.project, "tell me why", actions=[go])
    assert say(conversation, "tell me why") == ["Why?"]

    say(conversation, "I want to sue you")

    assert reasons(conversation) == ["policy"]
