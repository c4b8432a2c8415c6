"""An OpenAI-compatible model as the AI agent: topics and tools as functions, and handing off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from conversations.models import Conversation, Event, LogEntry, OutsideAgent
from handoffs.models import Handoff
from tests import factories
from tests.handoffs.model import KEY, ModelStandIn, calls, model_server, says
from tests.handoffs.outside import ask, said
from tests.handoffs.test_outside_return import RETURNS, handed_off_and_back

pytestmark = pytest.mark.django_db(transaction=True)

LOOK_UP = """
def look_up(conv, number: int):
    conv.state["number"] = number
    return {"content": "It left the warehouse."}
"""
PROMISES = "I am transferring you to a colleague now."


@pytest.fixture
def model() -> Iterator[ModelStandIn]:
    with model_server() as served:
        yield served


def driven(model: ModelStandIn, **options: Any) -> Conversation:
    """Return a conversation of a project whose agent is a model, with a vendor to hand off to."""
    project = factories.project()
    OutsideAgent.objects.create(
        project=project,
        kind="openai",
        url=model.url,
        secrets={"api_key": KEY},
        options={"model": "small", **options},
    )
    factories.integration(project, is_default=True, behaviour=RETURNS)
    return factories.conversation(factories.channel(project))


def functions(body: dict[str, Any]) -> dict[str, Any]:
    return {one["function"]["name"]: one["function"] for one in body["tools"]}


@pytest.mark.parametrize("asks_whole", [False, True], ids=["streamed", "whole"])
def test_topics_and_tools_are_offered_and_run_until_the_model_answers(
    model: ModelStandIn, asks_whole: bool
):
    conversation = driven(model, asks_whole=asks_whole, instructions="You are Birch.")
    tool = factories.tool(conversation.project, LOOK_UP)
    factories.topic(conversation.project, "where is my parcel", tool)
    model.script = [calls(("look_up", {"number": 7}), ("nobody", {})), says("It is on its way.")]

    ask(conversation, "Where is my parcel?")

    assert model.refused == []
    first, second = model.heard
    offered = functions(first)
    assert {"look_up", "handoff", "end_conversation", "offer_choices"} <= set(offered)
    assert any(name.startswith("topic_") for name in offered)
    assert offered["look_up"]["parameters"]["properties"] == {"number": {"type": "integer"}}
    assert first["messages"][0]["content"].startswith("You are Birch.")
    assert first["messages"][-1] == {"role": "user", "content": "Where is my parcel?"}
    answers = [message for message in second["messages"] if message["role"] == "tool"]
    assert "It left the warehouse." in answers[0]["content"]
    assert "There is no function nobody. There are: handoff" in answers[1]["content"]
    assert said(conversation) == ["It is on its way."]
    conversation.refresh_from_db()
    assert conversation.tool_state == {"number": 7}


def test_calls_are_told_apart_by_id_where_a_server_counts_them_all_as_the_first(
    model: ModelStandIn,
):
    conversation = driven(model)
    factories.tool(conversation.project, LOOK_UP)
    model.counts_badly = True
    model.script = [calls(("look_up", {"number": 1}), ("look_up", {"number": 2})), says("Both.")]

    ask(conversation)

    asked = model.heard[1]["messages"][-3]["tool_calls"]
    assert [call["function"]["arguments"] for call in asked] == ['{"number": 1}', '{"number": 2}']
    assert said(conversation) == ["Both."]


def test_a_handoff_closes_the_turn_with_words_and_carries_reason_and_summary(model: ModelStandIn):
    conversation = driven(model)
    key = conversation.project.integrations.get().integration_key
    given = {"destination": key, "reason": "parcel", "summary": "It is lost.", "priority": "high"}
    model.script = [calls(("handoff", given), text="I get somebody.")]

    ask(conversation, "A human, please")

    assert (
        key
        in functions(model.heard[0])["handoff"]["parameters"]["properties"]["destination"]["enum"]
    )
    handoff = Handoff.objects.get(conversation=conversation)
    assert (handoff.reason, handoff.routing["summary"]) == ("parcel", "It is lost.")
    assert handoff.routing["priority"] == "high"
    assert said(conversation) == ["I get somebody."]
    assert len(model.heard) == 1, "no further call of the model"


def test_a_handoff_without_a_word_is_told_in_our_own(model: ModelStandIn):
    conversation = driven(model)
    model.script = [calls(("handoff", {}))]

    ask(conversation, "A human")

    assert said(conversation) == ["One moment, I am connecting you with a person."]
    assert Handoff.objects.count() == 1


def test_a_destination_that_there_is_not_is_told_to_the_model_and_opens_nothing(
    model: ModelStandIn,
):
    conversation = driven(model)
    model.script = [calls(("handoff", {"destination": "the moon"})), says("Sorry.")]

    ask(conversation)

    assert "destination must be one of" in model.heard[1]["messages"][-1]["content"]
    assert not Handoff.objects.exists()


@pytest.mark.parametrize("again", [calls(("handoff", {"reason": "asked"})), says("Well.")])
def test_a_promise_without_a_call_is_asked_for_once_more_and_then_kept(
    model: ModelStandIn, again: dict[str, Any]
):
    conversation = driven(model)
    model.script = [says(PROMISES), again]

    ask(conversation)

    assert model.heard[1]["tool_choice"] == "required"
    assert list(functions(model.heard[1])) == ["handoff"]
    assert said(conversation) == [PROMISES]
    assert Handoff.objects.filter(conversation=conversation).count() == 1


@pytest.mark.parametrize(
    "text", ["Shall I transfer you?", "You can transfer your number.", "I will look it up."]
)
def test_an_offer_is_no_promise(model: ModelStandIn, text: str):
    conversation = driven(model)
    model.script = [says(text)]

    ask(conversation)

    assert len(model.heard) == 1
    assert not Handoff.objects.exists()


def test_choices_are_offered_and_an_end_is_said(model: ModelStandIn):
    conversation = driven(model)
    choices = {"text": "Which?", "choices": [{"label": "Red"}, {"label": "Blue"}]}
    model.script = [
        calls(("offer_choices", choices)),
        calls(("end_conversation", {"utterance": "Bye."})),
    ]

    ask(conversation)
    line = Event.objects.filter(conversation=conversation).order_by("sequence").last()
    assert line is not None
    assert [one["message_text"] for one in line.payload["response_suggestions"]] == ["Red", "Blue"]
    ask(conversation, "Red")

    assert said(conversation) == ["Which?", "Bye."]
    conversation.refresh_from_db()
    assert conversation.is_over


def test_rounds_are_bounded_and_the_last_is_without_tools(model: ModelStandIn):
    conversation = driven(model)
    factories.tool(conversation.project, LOOK_UP)
    model.script = [calls(("look_up", {"number": n})) for n in range(5)] + [says("Enough.")]

    ask(conversation)

    assert [body.get("tool_choice") for body in model.heard] == [None] * 5 + ["none"]
    assert said(conversation) == ["Enough."]
    assert model.refused == []


@pytest.mark.parametrize(
    ("scripted", "code", "tries"),
    [
        ((429, {"error": {"code": "insufficient_quota"}}, {}), "agent_rejected", 1),
        ((404, {"error": {"code": "model_not_found"}}, {}), "agent_rejected", 1),
        ((403, {"error": {}}, {}), "agent_missing_permission", 1),
        ((500, {"error": {}}, {"x-should-retry": "false"}), "agent_rejected", 1),
        ((500, {"error": {}}, {}), "agent_cannot_connect", 2),
        ((429, {"error": {}}, {"retry-after-ms": "20"}), "agent_rate_limited", 2),
        ((429, {"error": {}}, {"Retry-After": "60"}), "agent_rate_limited", 1),
        ('data: {"choices": [{"delta": {"content": "Half"}}]}\n\n', "agent_cannot_connect", 2),
        ('data: {"error": {"message": "overloaded"}}\n\n', "agent_cannot_connect", 1),
        ("data: {broken\n\n", "agent_answer", 1),
        ({"content": None, "refusal": "No."}, "agent_answer", 1),
        (says(""), "agent_silent", 1),
    ],
)
def test_how_a_model_fails_is_told_and_only_what_may_heal_is_tried_again(
    model: ModelStandIn, scripted: Any, code: str, tries: int
):
    conversation = driven(model, failure_text="Away.", asks_whole=isinstance(scripted, dict))
    if isinstance(scripted, dict) and scripted.get("refusal"):
        code = "agent_refused"
    model.script = [scripted] * 2

    ask(conversation)

    assert said(conversation) == ["Away."]
    assert LogEntry.objects.get(conversation=conversation, level="error").code == code
    assert len(model.heard) == tries


def test_a_bad_key_stands_on_the_page(model: ModelStandIn):
    conversation = driven(model)
    OutsideAgent.objects.update(secrets={"api_key": "wrong"})

    ask(conversation)

    assert OutsideAgent.objects.get().error_code == "agent_invalid_auth"


def test_azure_gets_its_version_and_its_header(model: ModelStandIn):
    conversation = driven(model, api_version="2024-10-21")
    model.script = [says("Hello.")]

    ask(conversation)

    assert model.paths == ["/v1/chat/completions?api-version=2024-10-21"]
    assert model.headers[0]["api-key"] == KEY
    assert "authorization" not in model.headers[0]


def test_what_a_live_agent_said_comes_back_in_the_system_message(model: ModelStandIn):
    conversation = driven(model)
    model.script = [says("Hello."), says("Yes.")]
    ask(conversation)
    handed_off_and_back(conversation, says="I promise a refund.")

    ask(conversation, "And my refund?")

    told = model.heard[1]["messages"]
    assert "Noor: I promise a refund." in told[0]["content"]
    assert "You are in charge again" in told[0]["content"]
    assert [message["role"] for message in told] == ["system", "user", "assistant", "user"]
    assert model.refused == []


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("handoff", {"priority": "asap"}),
        ("handoff", {"destination": ["demo"]}),
        ("check_availability", {"destination": ["demo"]}),
        ("offer_choices", {"text": "Which?", "choices": 5}),
    ],
)
def test_arguments_of_our_own_functions_that_fit_nothing_are_told_to_the_model(
    model: ModelStandIn, name: str, given: Any
):
    conversation = driven(model)
    model.script = [calls((name, given)), says("Then not.")]

    ask(conversation)

    assert said(conversation) == ["Then not."]
    [result] = [one for one in model.heard[1]["messages"] if one["role"] == "tool"]
    assert next(iter(given)) in result["content"] or "choices" in result["content"]
    assert len(model.heard) == 2


def test_a_handoff_comes_before_an_end_of_the_same_round(model: ModelStandIn):
    conversation = driven(model)
    model.script = [calls(("end_conversation", {"utterance": "Bye."}), ("handoff", {}))]

    ask(conversation)

    assert Handoff.objects.filter(conversation=conversation).exists()
    assert "Bye." not in said(conversation)


def test_where_the_model_fails_after_a_function_that_one_does_not_run_again(model: ModelStandIn):
    conversation = driven(model)
    tool = factories.tool(conversation.project, LOOK_UP)
    factories.topic(conversation.project, "where is my parcel", tool)
    model.script = [calls(("look_up", {"number": 7})), (500, {"error": {}}, {}), says("On its way")]

    ask(conversation, "Where is my parcel?")

    assert said(conversation) == ["On its way"]
    assert len(model.heard) == 3
    assert model.heard[1] == model.heard[2], "the failed call alone is made again"
    assert model.heard[2]["messages"][-1]["role"] == "tool"


@pytest.mark.parametrize("asks_whole", [False, True], ids=["streamed", "whole"])
def test_what_a_model_thinks_is_not_said(model: ModelStandIn, asks_whole: bool):
    conversation = driven(model, asks_whole=asks_whole)
    thought = "<think>The user is rude.\n</think>\n\nIt arrives < 2 days"
    model.script = [says(thought), says("<b>Bold</b>")]

    ask(conversation)
    ask(conversation)

    assert said(conversation)[0] == "It arrives < 2 days"
    assert "Bold" in said(conversation)[1]


def test_a_text_in_parts_is_said_and_one_that_was_cut_is_told(model: ModelStandIn):
    conversation = driven(model, asks_whole=True)
    parts = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "It is on"}]
    choice = {"message": {"role": "assistant", "content": parts}, "finish_reason": "length"}
    model.script = [(200, {"choices": [choice]}, {})]

    ask(conversation)

    assert said(conversation) == ["It is on"]
    assert "cut off" in LogEntry.objects.get(conversation=conversation, code="model").content


def test_a_call_that_is_counted_by_something_else_than_a_number_is_one_call(model: ModelStandIn):
    conversation = driven(model)
    call = '{"index": [], "id": "a", "function": {"name": "nobody", "arguments": "{}"}}'
    stream = f'data: {{"choices": [{{"delta": {{"tool_calls": [{call}]}}}}]}}\n\ndata: [DONE]\n\n'
    model.script = [stream, says("Well.")]

    ask(conversation)

    assert said(conversation) == ["Well."]
    assert len(model.heard) == 2
