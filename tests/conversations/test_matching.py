"""Which topic an end user's words belong to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.ai_agent.actions import TopicAction, action_references, tool_targets
from conversations.ai_agent.actions import topic_actions as read_actions
from conversations.ai_agent.matching import THRESHOLD, TopicText, normalise, topic_match

HUMAN = TopicText(
    id="human",
    name="Live agent",
    example_queries=["talk to a person", "speak to an agent", "human please", "転送してください"],
    content="We connect you with somebody from our team.",
)
HOURS = TopicText(
    id="hours",
    name="Opening hours",
    example_queries=["What are your opening hours?", "when are you open", "открыто ли сейчас"],
    content="We are open from nine to five, Monday to Friday.",
)
RETURNS = TopicText(
    id="returns",
    name="Returns",
    example_queries=[
        "how do I return an item",
        "I want my money back",
        "¿puedo devolver mi pedido?",
    ],
    content="Items can be returned within thirty days in their original packaging.",
)
TOPICS = [HOURS, RETURNS, HUMAN]


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("I want to talk to a human", "human"),
        ("i want to talk to a human!!", "human"),
        ("Can I speak with a representative", "human"),
        ("i wnat to tlak to a humn", "human"),
        ("HUMAN PLEASE", "human"),
        ("real person please", "human"),
        ("agent", "human"),
        ("ｈｕｍａｎ　ｐｌｅａｓｅ", "human"),
        ("転送してください", "human"),
        ("すぐに転送してください", "human"),
        ("What are your opening hours?", "hours"),
        ("opning houres", "hours"),
        ("are you open on sunday", "hours"),
        ("Открыто ли сейчас", "hours"),
        ("when can I return this item", "returns"),
        ("money back", "returns"),
        ("puedo devolver un pedido", "returns"),
        ("original packaging for items", "returns"),
        ("hello", None),
        ("what is the weather like", None),
        ("I want to talk about my order", None),
        ("I want to buy a phone", None),
        ("can you help me", None),
        ("Где мой заказ", None),
        ("我的订单在哪里", None),
        ("", None),
        ("   ", None),
        ("?!…", None),
        ("🙂", None),
        ("\u0000\ud800", None),
    ],
)
def test_each_utterance_finds_its_topic_or_none(text, topic):
    match = topic_match(text, TOPICS)

    assert (match.topic_id if match else None) == topic


@pytest.mark.parametrize("text", ["What are your opening hours?", "when are you open"])
def test_asking_for_hours_is_never_asking_for_a_human(text):
    assert topic_match(text, [HUMAN]) is None


@pytest.mark.parametrize("text", ["Human, please!", "  LIVE   agent ", "human please"])
def test_an_example_or_a_name_said_as_it_stands_is_an_exact_trigger(text):
    match = topic_match(text, TOPICS)

    assert (match.topic_id, match.score, match.is_exact) == ("human", 1.0, True)


def test_an_exact_trigger_wins_over_an_earlier_similar_topic():
    near = TopicText(id="near", name="Human please help", example_queries=["human please now"])

    assert topic_match("human please", [near, HUMAN]).topic_id == "human"


def test_of_two_topics_that_match_alike_the_earlier_one_wins():
    first, second = (TopicText(id=n, name=n, example_queries=["track parcel"]) for n in "ab")

    assert topic_match("please track the parcel", [first, second]).topic_id == "a"
    assert topic_match("please track the parcel", [second, first]).topic_id == "b"
    assert topic_match("track parcel", [second, first]).topic_id == "b"


def test_a_disabled_topic_is_never_found():
    off = TopicText(id="off", name="Off", example_queries=["human please"], enabled=False)

    assert topic_match("human please", [off]) is None
    assert topic_match("human please", [off, HUMAN]).topic_id == "human"


def test_name_and_examples_weigh_more_than_content():
    talks = TopicText(id="content", name="Other", content="parcel tracking and delivery status")
    named = TopicText(id="name", name="Parcel delivery")

    assert topic_match("parcel delivery status", [talks, named]).topic_id == "name"


def test_without_topics_nothing_matches():
    assert topic_match("human please", []) is None


@given(st.text(max_size=200))
def test_any_text_gives_the_same_answer_twice_and_a_score_in_range(text):
    match = topic_match(text, TOPICS)

    assert match == topic_match(text, TOPICS)
    assert match is None or THRESHOLD <= match.score <= 1.0


@given(st.text(max_size=100))
def test_normalising_twice_changes_nothing(text):
    assert normalise(normalise(text)) == normalise(text)


def test_references_in_an_actions_text_are_read_in_order():
    found = action_references(
        "First {{fn:check_order}}('A-7', 2), then {{ho: billing }} or {{fn:transfer}} or {{fn:}}"
    )

    assert found == [
        TopicAction(kind="run_tool", target="check_order", arguments=("A-7", 2)),
        TopicAction(kind="handoff", target="billing"),
        TopicAction(kind="run_tool", target="transfer"),
    ]


@pytest.mark.parametrize("arguments", ["(open('x'))", "([1])", "(a)", "(1 +)", "('a'", "()"])
def test_arguments_that_are_no_literals_are_left_out(arguments):
    assert action_references("{{fn:tool}}" + arguments) == [
        TopicAction(kind="run_tool", target="tool")
    ]


def test_the_action_list_comes_before_the_text_and_conditions_are_left_out():
    stored = [
        {"kind": "run_tool", "target": "maybe", "when": "on_confirm"},
        {"kind": "run_tool", "target": "first", "when": "always"},
        {"kind": "handoff", "target": "billing"},
    ]

    found = read_actions(stored, "{{fn:second}}")

    assert [action.target for action in found] == ["first", "billing", "second"]
    assert tool_targets(stored, "{{fn:second}} {{fn:first}}") == ["first", "second"]


@pytest.mark.parametrize(
    "stored", [None, "x", {}, [None], [{"kind": "explode", "target": "x"}], [{"kind": "run_tool"}]]
)
def test_a_malformed_action_list_does_nothing(stored):
    assert read_actions(stored, "") == []
