"""Which topic an end user's words belong to."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.ai_agent.phrases.refusals import request_read
from conversations.ai_agent.phrases.topic_index import TopicMeanings
from conversations.ai_agent.phrases.words import MAX_TEXT_CHARS
from conversations.ai_agent.topics.actions import TopicAction, action_references, tool_targets
from conversations.ai_agent.topics.actions import topic_actions as read_actions
from conversations.ai_agent.topics.matching import (
    THRESHOLD,
    TopicIndex,
    TopicText,
    normalise,
    topic_match,
)

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


PEOPLE = TopicText(
    id="human",
    name="Talk to a human",
    example_queries=[
        "talk to a person",
        "connect me to an agent",
        "human please",
        "mit einem Menschen sprechen",
        "ich möchte einen Mitarbeiter sprechen",
        "hablar con un agente",
        "quiero hablar con una persona",
        "parler à un agent",
    ],
)
TIMES = TopicText(
    id="hours",
    name="Opening hours",
    example_queries=[
        "When are you open?",
        "wann habt ihr geöffnet",
        "Öffnungszeiten",
        "¿cuándo abren?",
        "horario de apertura",
    ],
)
MISSING = TopicText(
    id="missing",
    name="Order not arrived",
    example_queries=["my order has not arrived", "I can't log in", "mein Paket ist nicht da"],
)
CANCEL = TopicText(
    id="cancel",
    name="Cancel",
    example_queries=["I don't want my subscription any more", "cancel my subscription"],
)
REFUSED = TopicIndex([TIMES, MISSING, CANCEL, PEOPLE])


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        ("I don't want to talk to a human, when are you open?", "hours"),
        ("I don’t want to talk to a human when are you open", "hours"),
        ("when are you open, no human please", "hours"),
        ("no human please, just your opening hours", "hours"),
        ("not an agent, opening hours please", "hours"),
        ("I need your opening hours, not a human", "hours"),
        ("don't connect me to an agent, when are you open?", "hours"),
        ("Please do not transfer me to a human. What are your opening hours?", "hours"),
        ("ich will nicht mit einem Menschen sprechen, wann habt ihr geöffnet?", "hours"),
        ("Ich möchte keinen Mitarbeiter sprechen, nur die Öffnungszeiten", "hours"),
        ("Wann habt ihr geöffnet? Bitte nicht mit einem Mitarbeiter verbinden", "hours"),
        ("no quiero hablar con un agente, ¿cuándo abren?", "hours"),
        ("sin agente por favor, horario de apertura", "hours"),
        ("no human please", None),
        ("not an agent", None),
        ("don't connect me to an agent", None),
        ("I would rather not speak to an agent", None),
        ("please don't make me talk to a human", None),
        ("never connect me to an agent", None),
        ("No live agent needed", None),
        ("kein Mitarbeiter bitte", None),
        ("Verbinde mich nicht mit einem Mitarbeiter", None),
        ("ich brauche keinen Mitarbeiter", None),
        ("no necesito hablar con una persona", None),
        ("no me pase con un agente", None),
        ("je ne veux pas parler à un agent", None),
        ("I don't want to talk to a bot", "human"),
        ("not a bot, a human", "human"),
        ("no bots, human please", "human"),
        ("I want a human, not a robot", "human"),
        ("I don't want to wait, give me a human", "human"),
        ("why can't I talk to a human", "human"),
        ("can I not talk to a human?", "human"),
        ("don't you have a human I can talk to", "human"),
        ("why don't you connect me to a human", "human"),
        ("is there no human I can talk to", "human"),
        ("no, human please", "human"),
        ("I can't solve this without a human", "human"),
        ("Ich will nicht warten, ich möchte einen Mitarbeiter sprechen", "human"),
        ("Warum kann ich nicht mit einem Menschen sprechen?", "human"),
        ("no puedo entrar, quiero hablar con una persona", "human"),
        ("no quiero hablar con un robot", "human"),
        ("My order has not arrived!", "missing"),
        ("my order hasn't arrived yet", "missing"),
        ("I can't log in", "missing"),
        ("mein Paket ist noch nicht da", "missing"),
        ("I don't want my subscription any more", "cancel"),
        ("i do not want this subscription", "cancel"),
        ("I don't want a human agent", None),
    ],
)
def test_what_is_refused_is_not_what_is_asked_for(text, topic):
    match = REFUSED.match(text)

    assert (match.topic_id if match else None) == topic


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


UNFOLDING = ["\ufdfa" * 500, "\ufdfa " * 5000, "x" * 100_000, "\u0130" * 500]


@pytest.mark.parametrize("text", UNFOLDING)
def test_no_more_than_500_characters_are_compared_however_a_text_unfolds(text):
    said = request_read(text)

    # Folding the case of one character may yet add a mark to it.
    most = MAX_TEXT_CHARS * (2 if text[0] == "\u0130" else 1)
    assert len(said.whole) <= most
    assert len(said.asked) <= most


@given(st.text(max_size=200))
def test_a_short_text_is_not_changed_by_the_cap(text):
    assert len(normalise(text)) > MAX_TEXT_CHARS or request_read(text).whole == normalise(text)


SENTENCES = st.lists(
    st.sampled_from(["i", "don't", "want", "no", "human", "bot", "please", ",", "?", "nicht"])
).map(" ".join)


@given(st.text(max_size=300) | SENTENCES)
def test_what_is_asked_for_is_never_more_than_was_said(text):
    said = request_read(text)

    assert set(said.asked.split()) <= {*said.whole.split(), "human"}


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


def test_the_action_list_comes_before_the_text_and_each_says_when():
    stored = [
        {"kind": "run_tool", "target": "maybe", "when": "on_confirm"},
        {"kind": "run_tool", "target": "first", "when": "always"},
        {"kind": "handoff", "target": "billing"},
    ]

    found = read_actions(stored, "{{fn:second}}")

    assert [(action.target, action.when) for action in found] == [
        ("maybe", "on_confirm"),
        ("first", "always"),
        ("billing", "always"),
        ("second", "always"),
    ]
    assert tool_targets(stored, "{{fn:second}} {{fn:first}}") == ["maybe", "first", "second"]


@pytest.mark.parametrize(
    ("written", "places", "named"),
    [
        ('{{fn:find(order="A-7")}}', (), {"order": "A-7"}),
        ("{{fn:find('A-7', 2, is_gift=True)}}", ("A-7", 2), {"is_gift": True}),
        ('{{ fn:find (order="A") }}', (), {"order": "A"}),
        ("{{fn:find()}}", (), {}),
        ("{{fn:find(order=open('x'))}}", (), {}),
        ("{{fn:find(**{})}}", (), {}),
    ],
)
def test_arguments_stand_inside_a_reference_by_place_or_by_name(written, places, named):
    [found] = action_references(written) or [TopicAction(kind="run_tool", target="find")]

    assert (found.target, found.arguments, dict(found.named)) == ("find", places, named)


@pytest.mark.parametrize(
    "stored", [None, "x", {}, [None], [{"kind": "explode", "target": "x"}], [{"kind": "run_tool"}]]
)
def test_a_malformed_action_list_does_nothing(stored):
    assert read_actions(stored, "") == []


def test_no_memory_of_the_index_grows_with_each_new_word_of_an_end_user():
    index = TopicMeanings([(0, "opening hours")], topics=1)

    for number in range(200):
        index.best(f"frobnicate{number:04}")

    kept = [one for one in vars(index).values() if isinstance(one, dict)]
    assert kept and max(map(len, kept)) < 100
