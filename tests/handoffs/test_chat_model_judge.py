"""OpenAI's own package judges our stand-in and what we ask it; then a whole conversation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from handoffs.models import Handoff
from tests import factories
from tests.handoffs.model import KEY, ModelStandIn, calls, model_server, says
from tests.handoffs.outside import ask, said
from tests.handoffs.test_bot_framework import passed_to_a_human_and_back
from tests.handoffs.test_chat_model import LOOK_UP, driven

openai = pytest.importorskip("openai")
TALK = [
    calls(("look_up", {"number": 7})),
    says("It left the warehouse. Shall I get somebody?"),
    calls(("handoff", {"reason": "parcel", "summary": "Order 7 is lost."}), text="One moment."),
    says("A refund is on its way, as Noor said."),
]


@pytest.fixture
def model() -> Iterator[ModelStandIn]:
    with model_server() as served:
        yield served


def client(model: ModelStandIn) -> Any:
    """Return OpenAI's client, which here takes no answer that its types do not know."""
    return openai.OpenAI(
        base_url=model.url, api_key=KEY, max_retries=0, _strict_response_validation=True
    )


def asked() -> dict[str, Any]:
    parameters = {"type": "object", "properties": {"number": {"type": "integer"}}}
    tool = {"type": "function", "function": {"name": "look_up", "parameters": parameters}}
    messages = [{"role": "system", "content": "Help."}, {"role": "user", "content": "Hi"}]
    return {"model": "m", "messages": messages, "tools": [tool]}


def test_the_makers_client_reads_what_the_stand_in_answers_whole(model: ModelStandIn):
    model.script = [calls(("look_up", {"number": 7}), text="Let me see.")]

    answer = client(model).chat.completions.create(**asked())

    message = answer.choices[0].message
    assert message.content == "Let me see."
    assert message.tool_calls[0].function.arguments == '{"number": 7}'


def test_the_makers_client_reads_what_the_stand_in_streams(model: ModelStandIn):
    model.script = [calls(("look_up", {"number": 7}), text="Let me see.")]

    with client(model).chat.completions.stream(**asked()) as stream:
        message = stream.get_final_completion().choices[0].message

    assert message.content == "Let me see."
    assert message.tool_calls[0].function.name == "look_up"
    assert message.tool_calls[0].function.arguments == '{"number": 7}'


def test_the_makers_client_reads_a_refusal(model: ModelStandIn):
    refused = {"error": {"message": "Slow down", "type": "requests", "param": None, "code": None}}
    model.script = [(429, refused, {"retry-after": "7"})]

    with pytest.raises(openai.RateLimitError) as raised:
        client(model).chat.completions.create(**asked())

    assert raised.value.response.headers["retry-after"] == "7"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("asks_whole", [False, True], ids=["streamed", "whole"])
def test_a_model_with_tools_drives_into_a_handoff_and_back(model: ModelStandIn, asks_whole: bool):
    conversation = driven(model, asks_whole=asks_whole)
    factories.tool(conversation.project, LOOK_UP)
    model.script = list(TALK)

    ask(conversation, "Where is order 7?")
    ask(conversation, "Yes, a human, please")
    opened = Handoff.objects.get(conversation=conversation)
    assert (opened.reason, opened.routing["summary"]) == ("parcel", "Order 7 is lost.")
    passed_to_a_human_and_back(conversation)
    ask(conversation, "And my refund?")

    assert said(conversation) == [
        "It left the warehouse. Shall I get somebody?",
        "One moment.",
        "A refund is on its way, as Noor said.",
    ]
    assert "Noor: A refund is on its way." in model.heard[-1]["messages"][0]["content"]
    assert model.refused == []
    for body in model.heard:
        the_maker_would_send_it(model, body)


def the_maker_would_send_it(model: ModelStandIn, body: dict[str, Any]) -> None:
    """Send our request through the client: it keeps all of it, and names nothing otherwise."""
    model.script = [says("Yes.")]
    before = len(model.heard)
    answer = client(model).chat.completions.create(**body)
    if body.get("stream"):
        list(answer)
    assert model.heard.pop() == body
    assert len(model.heard) == before
