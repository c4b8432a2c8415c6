"""Where a model answers, flows run, tools get typed arguments, and conv is the whole one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from conversations.models import Conversation, LogEntry
from handoffs.models import Handoff
from handoffs.starting.turns.answers import answer_all
from tests import factories
from tests.handoffs.model import ModelStandIn, calls, model_server, says
from tests.handoffs.outside import ask, said
from tests.handoffs.test_chat_model import driven, functions
from tests.handoffs.test_flows import left_by_the_live_agent

pytestmark = pytest.mark.django_db(transaction=True)
ASK = {
    "name": "ask",
    "kind": "default",
    "prompt": "How many?",
    "entities": [{"name": "pieces", "kind": "numeric"}],
    "next_step": "done",
}
DONE = {"name": "done", "kind": "default", "prompt": "Noted: $pieces."}
PERSON = {"name": "ask", "kind": "handoff", "prompt": "One moment.", "next_step": "done"}


@pytest.fixture
def model() -> Iterator[ModelStandIn]:
    with model_server() as served:
        yield served


def with_flow(model: ModelStandIn, *steps: dict[str, Any]) -> Conversation:
    conversation = driven(model)
    factories.flow(conversation.project, "ordering", list(steps), description="orders goods")
    return conversation


def flow_of(conversation: Conversation) -> dict[str, Any]:
    conversation.refresh_from_db()
    return dict(conversation.flow)


def test_a_flow_that_the_model_begins_asks_by_itself_until_it_ends(model: ModelStandIn):
    conversation = with_flow(model, ASK, DONE)
    model.script = [calls(("start_flow", {"flow": "ordering"})), says("And what else?")]

    ask(conversation, "I want to order")
    asked = functions(model.heard[0])["start_flow"]["parameters"]["properties"]["flow"]
    assert asked["enum"] == ["ordering"] and "orders goods" in asked["description"]
    assert said(conversation) == ["How many?"]
    assert flow_of(conversation)["step"] == "ask"

    ask(conversation, "12 please")
    assert said(conversation) == ["How many?", "Noted: 12."]
    assert len(model.heard) == 1, "the flow answers, and nobody else is asked"
    assert flow_of(conversation) == {}

    ask(conversation, "thanks")
    assert said(conversation)[-1] == "And what else?"


def test_what_a_topic_matches_goes_to_the_model_and_the_flow_waits(model: ModelStandIn):
    conversation = with_flow(model, ASK, DONE)
    factories.topic(conversation.project, "when are you open", content="From nine to five.")
    model.script = [calls(("start_flow", {"flow": "ordering"})), says("Nine to five.")]
    ask(conversation, "I want to order")

    ask(conversation, "when are you open?")
    ask(conversation, "no idea")
    ask(conversation, "3")

    assert said(conversation) == ["How many?", "Nine to five.", "How many?", "Noted: 3."]


@pytest.mark.parametrize("way", ["tool", "transition", "topic"])
def test_a_tool_and_a_topic_begin_one_too(model: ModelStandIn, way: str):
    conversation = with_flow(model, ASK, DONE)
    body = {
        "tool": "conv.goto_flow('ordering')",
        "transition": "return {'transition': {'goto_flow': 'ordering'}}",
    }.get(way, "pass")
    factories.tool(conversation.project, f"def order(conv):\n    {body}", name="order")
    go = {"kind": "goto_flow", "target": "ordering", "when": "always"}
    factories.topic(conversation.project, "ordering things", actions=[go])
    name = "topic_ordering_things" if way == "topic" else "order"
    model.script = [calls((name, {}))]

    ask(conversation, "I want to order")

    assert model.refused == [] and said(conversation) == ["How many?"]
    assert flow_of(conversation)["step"] == "ask"


def test_after_the_live_agent_the_flow_goes_on_and_the_model_is_not_asked(model: ModelStandIn):
    conversation = with_flow(model, PERSON, DONE)
    model.script = [calls(("start_flow", {"flow": "ordering"}))]

    ask(conversation, "I want to order")
    assert flow_of(conversation)["has_handed_off"]
    left_by_the_live_agent(Handoff.objects.get())
    answer_all(conversation.pk)

    assert said(conversation) == ["One moment.", "Noted: ."]
    assert flow_of(conversation) == {}
    assert len(model.heard) == 1


FIND = """
def find(conv, order: int, size="small"):
    conv.state.given = [order, size]
    seen = [conv.transcript[-1]["text"], conv.entities["order"].value, sorted(conv.handoffs)]
    return {"content": str(seen + [conv.check_availability("salesforce").queue])}
"""


def test_arguments_are_typed_checked_and_conv_is_whole(model: ModelStandIn):
    conversation = driven(model)
    size = {"name": "size", "type": "enum", "options": ["small", "large"], "is_required": False}
    order = {"name": "order", "type": "integer", "description": "the number on the invoice"}
    tool = factories.tool(conversation.project, FIND.strip(), parameters=[order, size])
    factories.topic(conversation.project, "where is it", tool)
    model.script = [
        calls(("find", {}), ("find", {"order": "soon"}), ("find", {"order": "7", "size": "huge"})),
        calls(("find", {"order": "7", "size": "LARGE"})),
        says("It is there."),
    ]

    ask(conversation, "where is number 7?")

    told = functions(model.heard[0])
    assert told["find"]["parameters"] == {
        "type": "object",
        "properties": {
            "order": {"type": "integer", "description": "the number on the invoice"},
            "size": {"type": "string", "enum": ["small", "large"]},
        },
        "required": ["order"],
    }
    assert told["topic_where_is_it"]["parameters"] == told["find"]["parameters"]
    answers = [one["content"] for one in model.heard[2]["messages"] if one["role"] == "tool"]
    assert "order is missing (the number on the invoice): ask the end user" in answers[0]
    assert "order must be whole number" in answers[1] and "small, large" in answers[2]
    seen = "['where is number 7?', '7', ['salesforce_integration'], None]"
    assert seen in answers[3], LogEntry.objects.values_list("content")
    conversation.refresh_from_db()
    assert conversation.tool_state == {"given": [7, "large"]}
