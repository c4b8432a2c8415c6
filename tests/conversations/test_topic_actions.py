"""What a message leads to: actions in all their patterns, wishes, rules, misses."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.ai_agent.phrases.consent import consent_read
from conversations.ai_agent.phrases.moods import is_angry, is_small_talk
from conversations.ai_agent.phrases.wishes import wants_human
from conversations.ai_agent.topics.deciding import decide
from conversations.ai_agent.topics.decision import Decision
from conversations.ai_agent.topics.rules import Facts, holds
from conversations.models import Conversation, Destination, Topic
from conversations.releases.content import content_of
from integrations.models import Project
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    made = factories.project()
    for name in ("Billing", "Tech", "Anybody"):
        Destination.objects.create(project=made, name=name, is_default=name == "Anybody")
    return made


@pytest.fixture
def conversation(project: Project) -> Conversation:
    return factories.conversation(factories.channel(project))


def topic(project: Project, query: str, *actions: dict[str, Any], **fields: Any) -> Topic:
    return factories.topic(project, query, actions=list(actions), **fields)


def hand_off(to: str = "Billing", when: str = "always", **more: Any) -> dict[str, Any]:
    return {"kind": "handoff", "target": to, "when": when, **more}


def say(conversation: Conversation, text: str) -> Decision:
    """Take a turn, and keep what the AI agent keeps of it."""
    found = decide(conversation, content_of(conversation), text)
    conversation.dialog = found.dialog.stored()
    return found


def policy(conversation: Conversation, **values: Any) -> None:
    conversation.project.trigger_policy = values


# ---- the patterns ----


def test_a_handoff_without_code_has_its_reason_and_what_is_said_before(project, conversation):
    args = {"reason": "invoice", "utterance": "One moment.", "note": "Has asked twice."}
    topic(project, "my invoice is wrong", hand_off(args=args))

    found = say(conversation, "my invoice is wrong")

    assert found.handoff == {
        "destination": "Billing",
        "reason": "invoice",
        "utterance": "One moment.",
        "hints": {"note": "Has asked twice."},
    }
    assert found.says == []


def test_an_offer_waits_for_consent_and_a_refusal_keeps_the_ai_agent(project, conversation):
    topic(
        project, "my invoice is wrong", hand_off(when="on_confirm"), content="Shall I connect you?"
    )

    asked = say(conversation, "my invoice is wrong")
    refused = say(conversation, "no thanks")
    later = say(conversation, "yes please")
    say(conversation, "my invoice is wrong")
    agreed = say(conversation, "Yes, please!")

    assert (asked.says, asked.handoff) == (["Shall I connect you?"], None)
    assert refused.handoff is None
    assert refused.why == "declined"
    assert later.handoff is None
    assert agreed.handoff == {"destination": "Billing"}


def test_an_offer_is_off_when_the_end_user_talks_of_something_else(project, conversation):
    topic(project, "my invoice is wrong", hand_off(when="on_confirm"), content="Shall I?")
    topic(project, "when are you open", content="At nine.")
    say(conversation, "my invoice is wrong")

    other = say(conversation, "when are you open")
    late = say(conversation, "yes")

    assert other.says == ["At nine."]
    assert late.handoff is None


@pytest.mark.parametrize(
    ("answer", "place"),
    [
        ("billing", "Billing"),
        ("I was charged twice", "Billing"),
        ("it's a technical thing", "Tech"),
    ],
)
def test_the_answer_to_a_question_picks_the_destination(project, conversation, answer, place):
    topic(
        project,
        "I have a problem",
        hand_off("Billing", "on_answer", answers=["billing", "invoice", "I was charged"]),
        hand_off("Tech", "on_answer", answers=["technical", "it does not work"]),
        content="Is it about billing, or something technical?",
    )

    asked = say(conversation, "I have a problem")
    found = say(conversation, answer)

    assert asked.says == ["Is it about billing, or something technical?"]
    assert found.handoff == {"destination": place}


def test_a_question_that_is_not_answered_is_asked_once_more(project, conversation):
    topic(
        project,
        "I have a problem",
        hand_off("Billing", "on_answer", answers=["billing"]),
        content="Billing, or technical?",
    )
    say(conversation, "I have a problem")

    again, given_up = (say(conversation, "purple elephants") for _ in range(2))

    assert again.says == ["Billing, or technical?"]
    assert given_up.is_miss


def test_of_two_rules_by_context_the_value_decides(project, conversation):
    gold = {"fact": "state.tier", "op": "is", "value": "Gold"}
    topic(
        project,
        "my invoice is wrong",
        hand_off("Tech", "condition", condition=gold),
        hand_off("Billing"),
    )

    plain = say(conversation, "my invoice is wrong")
    conversation.tool_state = {"tier": "gold"}
    special = say(conversation, "my invoice is wrong")

    assert plain.handoff == {"destination": "Billing"}
    assert special.handoff == {"destination": "Tech"}


def test_tools_run_in_order_with_their_arguments_up_to_the_handoff(project, conversation):
    taken = {"first": "order", "second": "number, is_gift", "third": "what", "late": "what"}
    for name, parameters in taken.items():
        factories.tool(project, f"def {name}(conv, {parameters}): ...")
    topic(
        project,
        "my invoice is wrong",
        {"kind": "run_tool", "target": "first", "when": "always", "args": {"order": "A-7"}},
        actions_text="{{fn:second(number=3, is_gift=True)}} {{fn:third}}('x') "
        "{{ho:Billing}} {{fn:late}}",
    )

    found = say(conversation, "my invoice is wrong")

    assert [(one.target, one.arguments, dict(one.named)) for one in found.tools] == [
        ("first", (), {"order": "A-7"}),
        ("second", (), {"number": 3, "is_gift": True}),
        ("third", (), {"what": "x"}),
    ]
    assert found.handoff == {"destination": "Billing"}


def test_references_in_a_content_do_nothing_and_its_values_are_filled_in(project, conversation):
    conversation.tool_state = {"order": "A-7"}
    topic(project, "where is it", content="Order $order is on its way, for $5. {{ho:Billing}}")

    found = say(conversation, "where is it")

    assert found.says == ["Order A-7 is on its way, for $5."]
    assert found.handoff is None


def test_a_topic_that_is_never_for_the_ai_agent_hands_off_without_an_action(project, conversation):
    topic(project, "I will sue you", is_mandatory=True, content="We take this seriously.")

    found = say(conversation, "I will sue you")

    assert found.says == ["We take this seriously."]
    assert found.handoff == {"reason": "policy"}


# ---- wishes, frustration, misses, by level ----


@pytest.mark.parametrize("text", ["Help", "/human", "agent please", "ayuda", "mit einem Menschen"])
def test_a_wish_for_a_human_hands_off_at_once_without_a_topic(conversation, text):
    assert say(conversation, text).handoff == {"reason": "human_requested"}


def test_a_project_in_which_nothing_is_connected_promises_nobody(conversation):
    Destination.objects.all().delete()

    assert say(conversation, "agent please").handoff is None


def test_the_projects_own_topic_decides_what_a_wish_does(project, conversation):
    topic(project, "talk to a human", hand_off("Tech", args={"reason": "asked"}))

    found = say(conversation, "could somebody put me through to an agent")

    assert found.handoff == {"destination": "Tech", "reason": "asked"}


def test_ai_only_declines_a_wish(conversation):
    policy(conversation, level="off")

    found = say(conversation, "I want to talk to a human")

    assert found.handoff is None
    assert "cannot connect you" in found.says[0]


def test_balanced_asks_first(conversation):
    policy(conversation, level="balanced")

    asked = say(conversation, "I want to talk to a human")
    agreed = say(conversation, "ok")

    assert (asked.says, asked.handoff) == (["Shall I connect you with a person?"], None)
    assert agreed.handoff == {"reason": "human_requested"}


def test_ai_first_hands_off_when_the_wish_is_repeated(conversation):
    policy(conversation, level="ai_first")

    first, second = (say(conversation, "human please") for _ in range(2))

    assert first.handoff is None
    assert second.handoff == {"reason": "human_requested"}


def test_two_misses_in_a_row_hand_off_and_small_talk_is_none(conversation):
    first = say(conversation, "purple elephants")
    greeting = say(conversation, "hi there")
    second = say(conversation, "green giraffes")

    assert (first.handoff, greeting.handoff) == (None, None)
    assert second.handoff == {"reason": "not_understood"}


def test_a_topic_that_matches_makes_misses_begin_anew(project, conversation):
    topic(project, "when are you open", content="At nine.")
    for text in ("purple elephants", "when are you open"):
        say(conversation, text)

    assert say(conversation, "green giraffes").handoff is None


def test_misses_and_frustration_can_be_switched_off(conversation):
    policy(conversation, misses=0, on_anger=False, on_wish=False)

    texts = ("purple elephants", "green giraffes", "this is useless", "human please")

    assert [say(conversation, text).handoff for text in texts] == [None] * 4


def test_frustration_hands_off(conversation):
    assert say(conversation, "this bot is useless").handoff == {"reason": "frustration"}


def test_the_projects_rules_choose_the_place_by_context(conversation):
    german = {"fact": "language", "op": "begins", "value": "de"}
    policy(conversation, rules=[{"condition": german, "destination": "Tech"}])

    english = say(conversation, "human please").handoff
    conversation.locale = "de-CH"

    assert english == {"reason": "human_requested"}
    assert say(conversation, "mitarbeiter bitte").handoff == {
        "destination": "Tech",
        "reason": "human_requested",
    }


# ---- words ----


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("I don't want a human", False),
        ("kein Mitarbeiter bitte", False),
        ("no quiero hablar con una persona", False),
        ("I don't want to talk to a bot", True),
        ("my travel agent booked the wrong flight", False),
        ("are you human", False),
        ("I spoke to a person yesterday", False),
        ("talk to a humna", True),
        ("necesito un asesor", True),
        ("verbinden Sie mich mit einem Berater", True),
        ("x" * 100_000, False),
        ("", False),
    ],
)
def test_a_wish_is_told_from_its_refusal_and_from_a_mention(text, wanted):
    assert wants_human(text) is wanted


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("yes please", True),
        ("Ja, gerne", True),
        ("sí", True),
        ("no problem, go ahead", True),
        ("no", False),
        ("lieber nicht", False),
        ("no gracias", False),
        ("not now", False),
        ("what does it cost", None),
        ("yes but not now", None),
        ("", None),
    ],
)
def test_consent_is_told_from_refusal(text, expected):
    assert consent_read(text) is expected


def test_moods_are_told_from_questions():
    assert all(is_small_talk(text) for text in ("hi", "Hello there!", "vielen dank", "buenos días"))
    assert not any(is_small_talk(text) for text in ("hi, where is my order", "great shoes", ""))
    assert all(
        is_angry(text) for text in ("you are useless", "das hilft mir nicht", "no sirve: inútil")
    )
    assert not is_angry("my order is late")


@pytest.mark.parametrize(
    ("op", "value", "expected"),
    [
        ("is", "12", True),
        ("is_not", "12", False),
        ("more_than", "9", True),
        ("less_than", "9", False),
        ("contains", "1", True),
        ("begins", "2", False),
        ("is_set", "", True),
        ("is_not_set", "", False),
        ("explodes", "x", False),
    ],
)
def test_conditions_compare(op, value, expected):
    facts = Facts(state={"orders": 12})

    assert holds({"fact": "state.orders", "op": op, "value": value}, facts) is expected


@pytest.mark.parametrize("condition", [None, {}, {"fact": "state.", "op": "is_set"}, {"fact": "x"}])
def test_a_condition_that_cannot_be_read_never_holds(condition):
    assert holds(condition, Facts()) is False
