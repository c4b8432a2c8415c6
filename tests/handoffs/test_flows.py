"""A flow asks, decides, hands over with what it collected, and goes on after the live agent."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Conversation, Event, LogEntry
from handoffs.clocks.waiting_flows import waiting_flow_speak
from handoffs.lifecycle.locking import handoff_leased
from handoffs.lifecycle.services import (
    handoff_accepted,
    handoff_connecting,
    handoff_end,
    handoff_fail,
)
from handoffs.models import Delivery, Handoff
from handoffs.responder import message_accept
from handoffs.starting.turns.answers import answer_all
from handoffs.states import EndReason
from integrations.models import Project
from tests import factories

pytestmark = pytest.mark.django_db
RETURNS: list[dict[str, Any]] = [
    {
        "name": "Start",
        "prompt": "Let us bring it back.",
        "entities": [
            {"name": "order_number", "kind": "alphanumeric", "question": "Which order?"},
            {"name": "size", "kind": "enum", "question": "Which size?", "options": ["S", "L"]},
        ],
        "next_step": "Choose",
    },
    {
        "name": "Choose",
        "prompt": "Refund or exchange of $order_number?",
        "conditions": [
            {"description": "money", "phrases": ["refund", "my money back"], "child_step": "Money"},
            {"description": "other", "phrases": ["exchange"], "child_step": "Person"},
            {"description": "nothing", "phrases": ["forget it"]},
        ],
    },
    {"name": "Money", "prompt": "It is on its way."},
    {
        "name": "Person",
        "kind": "handoff",
        "prompt": "I will get somebody.",
        "reason": "exchange",
        "next_step": "Back",
        "on_failed": "Sorry",
    },
    {"name": "Back", "prompt": "Welcome back. $handoff_summary"},
    {"name": "Sorry", "prompt": "Nobody is there. We will write to you."},
]
BEGIN = "def begin(conv):\n    conv.goto_flow('Returns')\n"


@pytest.fixture
def project() -> Project:
    made = factories.project(no_match_text="I do not know.")
    factories.integration(made)
    factories.topic(made, "bring something back", factories.tool(made, BEGIN))
    factories.topic(made, "When are you open?", content="From nine to five.")
    return made


def talk(project: Project) -> Conversation:
    return factories.conversation(factories.channel(project))


def say(conversation: Conversation, text: str) -> list[str]:
    """Write, let the AI agent answer, and return its new texts and the ends of handoffs."""
    message_accept(conversation_id=conversation.pk, text=text, client_event_id="", metadata=None)
    return answered(conversation)


def answered(conversation: Conversation) -> list[str]:
    before = list(conversation.events.values_list("pk", flat=True))
    answer_all(conversation.pk)
    conversation.refresh_from_db()
    new = Event.objects.filter(conversation=conversation).exclude(pk__in=before)
    texts = [line.payload.get("text") or line.payload.get("reason") for line in new]
    return [text for text in texts if text]


def at_person(project: Project, **changes: Any) -> tuple[Conversation, Handoff]:
    """Talk until the agent transfer has begun its handoff."""
    steps = [{**step, **(changes if step["name"] == "Person" else {})} for step in RETURNS]
    factories.flow(project, "Returns", steps)
    conversation = talk(project)
    for text in ("bring something back", "A-1042", "L", "exchange"):
        say(conversation, text)
    return conversation, Handoff.objects.get()


def connect(handoff: Handoff) -> Any:
    lease = factories.claim(handoff)
    with handoff_leased(lease) as locked:
        handoff_connecting(locked, lease)
    with handoff_leased(lease) as locked:
        handoff_accepted(locked, factories.vendor_session(), lease)
    return lease


def test_a_flow_collects_decides_and_ends(project):
    factories.flow(project, "Returns", RETURNS)
    conversation = talk(project)

    assert say(conversation, "bring something back") == ["Let us bring it back.", "Which order?"]
    assert conversation.flow["step"] == "Start"
    assert say(conversation, "it is A-1042") == ["Which size?"]
    assert say(conversation, "the L one") == ["Refund or exchange of A-1042?"]
    last = conversation.events.filter(type="POLY_AGENT_MESSAGE").last()
    offered = [one["message_text"] for one in last.payload["response_suggestions"]]
    assert offered == ["refund", "exchange", "forget it"]
    assert say(conversation, "I want my money back") == ["It is on its way."]
    assert conversation.flow == {}
    assert conversation.tool_state == {"order_number": "A-1042", "size": "L"}
    assert say(conversation, "when are you open?") == ["From nine to five."]


def test_what_is_no_answer_is_asked_again_and_a_topic_answers_in_between(project):
    factories.flow(project, "Returns", RETURNS)
    conversation = talk(project)
    say(conversation, "bring something back")

    assert say(conversation, "erm, well") == ["Which order?"]
    assert say(conversation, "when are you open?") == ["From nine to five."]
    assert say(conversation, "A-1042") == ["Which size?"]
    say(conversation, "S")
    assert say(conversation, "forget it") == []
    assert conversation.flow == {}


def test_an_agent_transfer_hands_over_with_all_that_was_collected(project):
    conversation, handoff = at_person(project)

    assert handoff.reason == "exchange"
    assert handoff.routing["attributes"] == {"order_number": "A-1042", "size": "L"}
    assert handoff.context_data == {"order_number": "A-1042", "size": "L"}
    assert conversation.state == Conversation.State.HANDOFF


def test_after_the_live_agent_the_flow_goes_on_with_a_summary(project):
    conversation, handoff = at_person(project)
    handoff.routing = {**handoff.routing, "after_agent": "return_to_bot"}
    handoff.save(update_fields=["routing"])
    lease = connect(handoff)
    factories.apply(lease, factories.joined())
    factories.apply(lease, factories.spoke("I have exchanged it."))
    with handoff_leased(lease) as locked:
        handoff_end(locked, EndReason.LIVE_AGENT_ENDED, lease=lease)

    [said] = answered(conversation)

    assert said.startswith("Welcome back. Noor Halvorsen talked with the end user")
    assert conversation.flow == {}
    assert conversation.answer_due_at is None
    assert say(conversation, "when are you open?") == ["From nine to five."]


def left_by_the_live_agent(handoff: Handoff) -> None:
    handoff.routing = {**handoff.routing, "after_agent": "return_to_bot"}
    handoff.save(update_fields=["routing"])
    lease = connect(handoff)
    factories.apply(lease, factories.joined())
    factories.apply(lease, factories.spoke("Done."))
    with handoff_leased(lease) as locked:
        handoff_end(locked, EndReason.LIVE_AGENT_ENDED, lease=lease)


def test_a_transfer_goes_to_a_destination_of_the_project_with_its_note(project):
    factories.destination(project, name="Swaps", hints={"queue": "Exchange"}, is_default=False)

    _, handoff = at_person(project, destination="swaps", note="Second exchange this year.")

    assert (handoff.destination, handoff.routing["queue"]) == ("Swaps", "Exchange")
    assert handoff.routing["note"] == "Second exchange this year."


def test_a_destination_begins_a_flow_of_its_own_after_the_live_agent(project):
    factories.destination(project, name="Swaps", after_flow="Survey")
    ask = {"entities": [{"name": "mark", "kind": "numeric"}], "next_step": "Thanks"}
    steps = [
        {"name": "Ask", "prompt": "How was it, 1 to 5?", **ask},
        {"name": "Thanks", "prompt": "You said $mark, after: $handoff_summary"},
    ]
    factories.flow(project, "Survey", steps)
    conversation, handoff = at_person(project, destination="Swaps")

    left_by_the_live_agent(handoff)

    assert answered(conversation) == ["How was it, 1 to 5?"]
    [said] = say(conversation, "4")
    assert said.startswith("You said 4, after: Noor Halvorsen")
    assert conversation.flow == {}


@pytest.mark.parametrize("flow", ["Survey", "Gone"])
def test_it_begins_where_no_flow_has_handed_off_and_a_missing_one_leaves_the_topics(project, flow):
    factories.destination(project, name="People", after_flow=flow)
    factories.topic(project, "a person please", actions=[{"kind": "handoff", "target": "People"}])
    factories.flow(project, "Survey", [{"name": "Ask", "prompt": "How was it?"}])
    conversation = talk(project)
    say(conversation, "a person please")

    left_by_the_live_agent(Handoff.objects.get())

    assert answered(conversation) == (["How was it?"] if flow == "Survey" else [])
    assert say(conversation, "when are you open?") == ["From nine to five."]


def test_the_destinations_own_flow_waits_for_a_live_agent(project):
    factories.destination(project, name="Swaps", after_flow="Survey")
    factories.flow(project, "Survey", [{"name": "Ask", "prompt": "How was it?"}])
    conversation, handoff = at_person(project, destination="Swaps")
    lease = connect(handoff)

    with handoff_leased(lease) as locked:
        handoff_fail(locked, "no_live_agents", lease=lease)

    assert answered(conversation) == ["Nobody is there. We will write to you."]


@pytest.mark.parametrize("code", ["wait_timeout", "no_live_agents"])
def test_a_handoff_that_fails_goes_on_at_the_branch_for_it(project, code):
    conversation, handoff = at_person(project)
    lease = connect(handoff)
    with handoff_leased(lease) as locked:
        handoff_fail(locked, code, lease=lease)

    assert answered(conversation) == ["Nobody is there. We will write to you."]
    assert conversation.flow == {}


def test_a_handoff_that_is_refused_at_once_takes_the_same_branch(project):
    project.integrations.all().delete()
    factories.flow(project, "Returns", RETURNS)
    conversation = talk(project)
    for text in ("bring something back", "A-1042", "L"):
        say(conversation, text)

    assert say(conversation, "exchange") == [
        "I will get somebody.",
        "not_connected",
        "Nobody is there. We will write to you.",
    ]


def test_a_branch_that_leads_to_the_same_handoff_is_taken_once_until_the_end_user_speaks(project):
    project.integrations.all().delete()
    steps = [{**one, "on_failed": "Again"} if one["name"] == "Person" else one for one in RETURNS]
    again = {"name": "Again", "prompt": "Once more.", "next_step": "Person"}
    factories.flow(project, "Returns", [*steps, again])
    conversation = talk(project)
    for text in ("bring something back", "A-1042", "L"):
        say(conversation, text)

    tried = ["I will get somebody.", "not_connected"]
    assert say(conversation, "exchange") == [*tried, "Once more.", *tried]
    assert conversation.flow == {}
    assert "leads to the next one" in LogEntry.objects.get(code="flow_step").content
    assert say(conversation, "when are you open?") == ["From nine to five."]


def test_without_a_branch_for_failures_the_topics_answer_again(project):
    conversation, handoff = at_person(project, on_failed="")
    lease = connect(handoff)
    with handoff_leased(lease) as locked:
        handoff_fail(locked, "no_live_agents", lease=lease)

    assert answered(conversation) == []
    assert conversation.flow == {}
    assert say(conversation, "when are you open?") == ["From nine to five."]


def test_a_flow_speaks_in_the_queue_and_stops_when_somebody_joins(project):
    steps = [
        {
            "name": "Music",
            "prompt": "While you wait: what is your postcode?",
            "entities": [{"name": "postcode", "kind": "alphanumeric"}],
            "next_step": "Thanks",
        },
        {"name": "Thanks", "prompt": "Noted: $postcode."},
    ]
    factories.flow(project, "Queue", steps)
    conversation, handoff = at_person(project, waiting_flow="Queue")
    lease = connect(handoff)

    asked = "While you wait: what is your postcode?"

    def notices() -> list[str]:
        lines = conversation.events.filter(type="SYSTEM_MESSAGE")
        return [line.payload["message"] for line in lines]

    def heard(text: str) -> None:
        [line] = message_accept(
            conversation_id=conversation.pk, text=text, client_event_id="", metadata=None
        )
        # A task may run twice.
        waiting_flow_speak(handoff.pk, str(line.pk))
        waiting_flow_speak(handoff.pk, str(line.pk))

    waiting_flow_speak(handoff.pk, "")
    waiting_flow_speak(handoff.pk, "")
    assert notices() == [asked]
    heard("why?")
    assert notices() == [asked, asked]
    factories.apply(lease, factories.joined())
    heard("SW1A 2AA")
    assert notices() == [asked, asked]
    assert Delivery.objects.filter(handoff=handoff).count() == 2


def test_a_function_step_goes_where_its_code_says_and_gets_what_was_collected(project):
    source = (
        "def check(conv, flow, amount):\n"
        "    amount_said = conv.entities['amount'].value\n"
        "    conv.state.seen = [flow.current_step, conv.current_flow, amount_said]\n"
        "    if amount > 100:\n"
        "        flow.goto_step('Large')\n"
        "    return 'Checked.'\n"
    )
    factories.tool(project, source)
    steps = [
        {
            "name": "Ask",
            "prompt": "How much?",
            "entities": [{"name": "amount", "kind": "numeric"}],
            "next_step": "Check",
        },
        {"name": "Check", "kind": "function", "tools": ["check"], "next_step": "Small"},
        {"name": "Small", "prompt": "Small."},
        {"name": "Large", "prompt": "Large."},
    ]
    factories.flow(project, "Returns", steps)
    conversation = talk(project)
    assert say(conversation, "bring something back") == ["How much?"]

    assert say(conversation, "250") == ["Checked.", "Large."]
    assert conversation.tool_state["seen"] == ["Check", "Returns", "250"]


def test_a_tool_leaves_its_flow_or_begins_another(project):
    factories.tool(project, "def leave(conv):\n    conv.exit_flow()\n    return 'Bye.'\n")
    factories.tool(project, "def other(conv):\n    conv.exit_flow()\n    conv.goto_flow('Other')\n")
    ask = {"entities": [{"name": "answer", "kind": "yes_no"}]}
    steps = [
        {"name": "Ask", "prompt": "Leave?", **ask, "conditions": [{"child_step": "Do"}]},
        {"name": "Do", "kind": "function", "tools": ["other"]},
    ]
    factories.flow(project, "Returns", steps)
    other = [
        {"name": "Ask", "prompt": "And now?", "kind": "advanced", **ask, "tools": ["leave"]},
    ]
    factories.flow(project, "Other", other)
    conversation = talk(project)
    say(conversation, "bring something back")

    assert say(conversation, "yes") == ["And now?"]
    assert say(conversation, "no") == ["Bye."]
    assert conversation.flow == {}


def test_a_flow_that_goes_round_in_a_circle_is_left_and_logged(project):
    steps = [
        {"name": "A", "prompt": "", "next_step": "B"},
        {"name": "B", "prompt": "", "next_step": "A"},
    ]
    factories.flow(project, "Returns", steps)
    conversation = talk(project)
    say(conversation, "bring something back")

    assert conversation.flow == {}
    assert LogEntry.objects.filter(code="flow_step", level="warning").exists()


def test_a_flow_that_does_not_exist_is_logged(project):
    say(talk(project), "bring something back")

    assert LogEntry.objects.filter(code="flow_unknown").exists()


def test_a_topic_begins_a_flow_without_code_and_a_wish_for_a_human_gets_out_of_it(project):
    action = {"kind": "goto_flow", "target": "Complaint", "when": "always"}
    factories.topic(project, "I want to complain", actions=[action])
    factories.topic(project, "I want to talk to a human", factories.tool(project))
    ask = {"entities": [{"name": "what", "kind": "free_text"}], "next_step": "End"}
    steps = [
        {"name": "Ask", "prompt": "What is wrong?", **ask},
        {"name": "End", "prompt": "Noted."},
    ]
    factories.flow(project, "Complaint", steps)
    conversation = talk(project)

    assert say(conversation, "I want to complain") == ["What is wrong?"]
    assert say(conversation, "I want to talk to a human") == [factories.TRANSFER_TEXT]
    assert conversation.state == Conversation.State.HANDOFF
    other = talk(project)
    say(other, "I want to complain")
    assert say(other, "It is broken") == ["Noted."]
