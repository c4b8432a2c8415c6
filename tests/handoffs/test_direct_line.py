"""A Bot Framework bot behind Direct Line: what the end user sees of it, whatever the wire does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from conversations.ai_agent.outside.agent import (
    AgentAnswer,
    AgentFailedError,
    AgentTurn,
    HumanPart,
    Joined,
    Return,
)
from conversations.ai_agent.outside.bot_framework.direct_line import DirectLineAgent
from conversations.ai_agent.outside.options import AgentOptions
from handoffs.payload.reading import payload_read
from integrations.contract.errors import ConnectorError, RateLimitedError
from integrations.http.client import HttpClient, open_session
from tests.handoffs.direct_line import SECRET, DirectLine, direct_line, says


@pytest.fixture(scope="module")
def service() -> Iterator[DirectLine]:
    with direct_line() as served:
        yield served


@pytest.fixture
def line(service: DirectLine) -> DirectLine:
    """The service as new, with a stream."""
    fresh = DirectLine()
    for name in ("bot", "has_stream", "reverses", "repeats"):
        setattr(service, name, getattr(fresh, name))
    service.conversations, service.heard, service.calls, service.refusals = {}, [], [], []
    return service


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    session = open_session(allow_local=True)
    yield HttpClient(session, allow_local=True)
    await session.close()


class Talk:
    """A conversation of ours with the bot, its session kept from turn to turn."""

    def __init__(self, line: DirectLine, http: HttpClient, secret: str = SECRET) -> None:
        self.session: dict[str, Any] = {}
        self.handoff: dict[str, Any] | None = None
        self._number = 0
        self._http = http
        options = AgentOptions(first_seconds=1, whole_seconds=4)
        self.agent = DirectLineAgent(line.base, secret, options)

    async def say(self, text: str) -> AgentAnswer:
        self._number += 1
        turn = AgentTurn(
            id=f"turn-{self._number}",
            conversation={
                "id": "CONV-1",
                "env": "live",
                "channel_type": "webchat.polyai",
                "language": "en",
                "state": {},
                "user": {"id": "u1", "is_verified": False, "name": "Ada", "email": ""},
            },
            message={"id": f"m{self._number}", "text": text, "attachments": []},
            history=[],
            handoff=self.handoff,
            session=self.session,
        )
        answer = await self.agent.answer(turn, self._http)
        assert answer.session is not None
        self.session = dict(answer.session)
        return answer

    async def texts(self, text: str) -> list[str]:
        return [message.text for message in (await self.say(text)).messages]


@pytest.mark.parametrize("has_stream", [True, False])
async def test_turns_go_out_and_answers_come_back_over_a_stream_or_without(
    line: DirectLine, http: HttpClient, has_stream: bool
):
    line.has_stream = has_stream
    talk = Talk(line, http)

    assert await talk.texts("Hello") == ["You said Hello"]
    assert await talk.texts("Again") == ["You said Again"]

    assert line.calls.count("start") == 1, "one conversation of the bot for one of ours"
    assert ("stream" in line.calls, "read" in line.calls) == (has_stream, not has_stream)
    assert line.heard[0]["from"] == {"id": "dl_u1", "name": "Ada", "role": "user"}
    assert "token" not in str(talk.session) and SECRET not in str(talk.session)


async def test_what_is_swapped_or_repeated_on_the_way_is_said_once_in_order(
    line: DirectLine, http: HttpClient
):
    line.bot = lambda activity: [{"type": "message", "text": str(n)} for n in range(4)]
    line.reverses = line.repeats = True
    talk = Talk(line, http)

    assert await talk.texts("Count") == ["0", "1", "2", "3"]
    assert await talk.texts("Again") == ["0", "1", "2", "3"]


async def test_a_turn_ends_when_the_bot_waits_or_is_silent_after_its_answer(
    line: DirectLine, http: HttpClient
):
    line.bot = lambda activity: [
        {"type": "typing"},
        {"type": "message", "text": "One moment", "_after": 0.2},
        {"type": "message", "text": "Here", "_after": 0.5},
    ]

    assert await Talk(line, http).texts("Go") == ["One moment", "Here"]


async def test_typing_is_a_sign_of_life_that_lengthens_the_wait(line: DirectLine, http: HttpClient):
    answer = {"type": "message", "text": "At last", "inputHint": "expectingInput", "_after": 1.3}
    line.bot = lambda activity: [{"type": "typing"}, answer]

    assert await Talk(line, http).texts("Slow") == ["At last"]


async def test_a_silent_bot_fails_and_its_late_answer_comes_with_the_next_turn(
    line: DirectLine, http: HttpClient
):
    line.bot = lambda activity: []
    talk = Talk(line, http)
    with pytest.raises(AgentFailedError) as failed:
        await talk.say("Anybody?")
    assert failed.value.code == "agent_silent"

    talk.session = dict(failed.value.session or {})
    line.later("Sorry, that took long")
    line.bot = lambda activity: [says("Now I am here")]

    assert await talk.texts("Still?") == ["Sorry, that took long", "Now I am here"]
    assert line.calls.count("start") == 1


async def test_what_a_bot_says_while_a_live_agent_is_in_charge_is_dropped_and_noted(
    line: DirectLine, http: HttpClient
):
    talk = Talk(line, http)
    await talk.say("Hello")
    talk.handoff = {"id": "HO-1"}
    line.later("Are you still there?")

    answer = await talk.say("I am back")

    assert [message.text for message in answer.messages] == ["You said I am back"]
    assert [log.code for log in answer.logs] == ["agent_late"]


async def test_an_expired_conversation_is_opened_anew_and_the_message_sent_once(
    line: DirectLine, http: HttpClient
):
    talk = Talk(line, http)
    await talk.say("Hello")
    line.conversations.clear()
    line.heard.clear()

    assert await talk.texts("Still there?") == ["You said Still there?"]
    assert [activity["text"] for activity in line.heard] == ["Still there?"]


async def test_a_bot_that_is_slow_to_confirm_may_still_answer(line: DirectLine, http: HttpClient):
    line.refusals = [(504, "BotTimeout", True)]

    assert await Talk(line, http).texts("Hello") == ["You said Hello"]
    assert line.calls.count("send") == 1, "what got through is not sent again"


async def test_a_bot_that_fails_is_not_asked_twice(line: DirectLine, http: HttpClient):
    line.refusals = [(502, "BotRejectedActivity", False)]

    with pytest.raises(AgentFailedError) as failed:
        await Talk(line, http).say("Hello")

    assert failed.value.code == "agent_bot_failed"
    assert line.calls.count("send") == 1


async def test_a_busy_service_and_a_wrong_secret_are_told_apart(line: DirectLine, http: HttpClient):
    line.refusals = [(429, "Throttled", False)]
    with pytest.raises(RateLimitedError):
        await Talk(line, http).say("Hello")

    with pytest.raises(ConnectorError) as refused:
        await Talk(line, http, secret="wrong").say("Hello")
    assert refused.value.code == "missing_permission"


BUTTONS = [
    {"type": "imBack", "title": "Yes", "value": "yes please"},
    {"type": "postBack", "title": "Pay", "value": {"order": 7, "sig": "s3cret"}},
    {"type": "messageBack", "title": "More", "text": "show_more", "value": {"page": 2}},
    {"type": "openUrl", "title": "Shop", "value": "https://shop.example/a"},
    {"type": "openUrl", "title": "Old shop", "value": "http://shop.example/a"},
    {"type": "openUrl", "title": "Bad", "value": "javascript:alert(1)"},
    {"type": "call", "title": "Ring us", "value": "tel:+441234"},
]


async def test_buttons_become_suggestions_links_and_numbers_and_their_values_stay_here(
    line: DirectLine, http: HttpClient
):
    offered = {**says("**Well?**"), "suggestedActions": {"actions": BUTTONS}}
    line.bot = lambda activity: [offered]
    talk = Talk(line, http)

    answer = await talk.say("Buttons")

    [message] = answer.messages
    assert message.text == "Well?\n\nOld shop: http://shop.example/a"
    assert message.extra["response_suggestions"] == [
        {"message_text": "Yes", "payload": "b1"},
        {"message_text": "Pay", "payload": "b2"},
        {"message_text": "More", "payload": "b3"},
    ]
    assert message.extra["chat_call_actions"] == [{"title": "Ring us", "contact_number": "+441234"}]
    [link] = message.extra["attachments"]
    assert (link["title"], link["content_url"]) == ("Shop", "https://shop.example/a")
    assert "s3cret" not in str(answer.messages)
    assert len(answer.logs) == 1, "the address that nobody could open"

    line.bot = lambda activity: [says("ok")]
    for typed in ("yes", "Pay", "more"):
        await talk.say(typed)
    pressed = [{key: activity.get(key) for key in ("text", "value")} for activity in line.heard[1:]]
    assert pressed == [
        {"text": "yes please", "value": None},
        {"text": None, "value": {"order": 7, "sig": "s3cret"}},
        {"text": "show_more", "value": {"page": 2}},
    ]


CARD = "application/vnd.microsoft.card."
HERO = {
    "title": "Parcel",
    "subtitle": "On its way",
    "text": "Tomorrow",
    "images": [{"url": "https://img.example/p.png", "alt": "A parcel"}],
    "buttons": [{"type": "postBack", "title": "Track", "value": "track"}],
}
ADAPTIVE = {
    "body": [
        {"type": "TextBlock", "text": "Your order"},
        {
            "type": "ColumnSet",
            "columns": [{"type": "Column", "items": [{"type": "TextBlock", "text": "Tea"}]}],
        },
        {"type": "FactSet", "facts": [{"title": "Price", "value": "4"}]},
        {"type": "Input.ChoiceSet", "label": "Size", "choices": [{"title": "S", "value": "s"}]},
        {"type": "Image", "url": "https://img.example/t.png"},
    ],
    "actions": [
        {"type": "Action.Submit", "title": "Buy", "data": {"buy": 1}},
        {"type": "Action.OpenUrl", "title": "Terms", "url": "https://t.example/"},
    ],
}


@pytest.mark.parametrize(
    ("kind", "content", "text", "suggestions", "links"),
    [
        ("hero", HERO, "Parcel\nOn its way\nTomorrow", ["Track"], ["https://img.example/p.png"]),
        (
            "adaptive",
            ADAPTIVE,
            "Your order\nTea\nPrice: 4\nSize: S",
            ["Buy"],
            ["https://img.example/t.png", "https://t.example/"],
        ),
        (
            "receipt",
            {"title": "Bill", "items": [{"title": "Tea", "price": "4"}], "total": "4"},
            "Bill\nTea: 4\nTotal: 4",
            [],
            [],
        ),
        (
            "signin",
            {
                "text": "Who?",
                "buttons": [{"type": "signin", "title": "Go", "value": "https://i.d/"}],
            },
            "Who?",
            [],
            ["https://i.d/"],
        ),
        (
            "video",
            {"title": "How", "media": [{"url": "https://v.d/"}]},
            "How",
            [],
            ["https://v.d/"],
        ),
    ],
)
async def test_cards_are_drawn_with_what_every_channel_can_show(
    line: DirectLine,
    http: HttpClient,
    kind: str,
    content: dict[str, Any],
    text: str,
    suggestions: list[str],
    links: list[str],
):
    attachment = {"contentType": f"{CARD}{kind}", "content": content}
    said = {"type": "message", "text": None, "inputHint": "expectingInput"}
    line.bot = lambda activity: [{**said, "attachments": [attachment]}]

    [message] = (await Talk(line, http).say("Show")).messages

    assert message.text == text
    offered = message.extra.get("response_suggestions", [])
    assert [one["message_text"] for one in offered] == suggestions
    assert [one["content_url"] for one in message.extra.get("attachments", [])] == links


def event(name: str, value: object) -> dict[str, Any]:
    return {"type": "event", "name": name, "value": value}


@pytest.mark.parametrize(
    ("value", "returned"),
    [
        (None, {"handoff": True}),
        ({}, {"handoff": True}),
        (
            {"Skill": "billing", "plan": "gold", "Summary": "Wants a refund"},
            {
                "handoff": {
                    "reason": "",
                    "hints": {
                        "summary": "Wants a refund",
                        "skills": ["billing"],
                        "attributes": {"plan": "gold"},
                    },
                }
            },
        ),
        (
            {"text_chat": {"zendesk_integration": {"tags": ["a"]}}},
            {"handoff": {"text_chat": {"zendesk_integration": {"tags": ["a"]}}}},
        ),
        (
            {"handoff": "sales", "utterance": "One moment", "other": 1},
            {"handoff": "sales", "utterance": "One moment"},
        ),
        (
            {
                "va_AgentMessage": "Please help",
                "va_LastTopic": "Escalate",
                "va_Language": "en-us",
                "va_Topics": ["a", "b"],
                "orderId": 7,
            },
            {
                "handoff": {
                    "reason": "Escalate",
                    "hints": {
                        "summary": "Please help",
                        "language": "en-us",
                        "attributes": {"va_Topics": '["a", "b"]', "orderId": 7},
                    },
                }
            },
        ),
    ],
)
async def test_a_handoff_of_the_bot_is_a_tools_and_its_free_value_is_mapped(
    line: DirectLine, http: HttpClient, value: object, returned: dict[str, Any]
):
    line.bot = lambda activity: [
        {"type": "message", "text": "I get somebody."},
        event("handoff.initiate", value),
    ]

    answer = await Talk(line, http).say("A human")

    assert [message.text for message in answer.messages] == ["I get somebody."]
    assert answer.returned == returned


async def test_too_many_variables_keep_nobody_from_a_live_agent(line: DirectLine, http: HttpClient):
    value = {f"va_{number}": "x" * 3000 for number in range(90)} | {"k" * 99: 1, "priority": "??"}
    line.bot = lambda activity: [event("handoff.initiate", value)]

    answer = await Talk(line, http).say("A human")

    assert answer.returned is not None
    attributes = answer.returned["handoff"]["hints"]["attributes"]
    assert 0 < len(attributes) <= 50
    assert sum(len(text) for text in attributes.values()) <= 16_000
    assert payload_read(answer.returned).warnings == ()


async def test_the_end_and_other_events_are_heard_and_never_drawn(
    line: DirectLine, http: HttpClient
):
    line.bot = lambda activity: [
        event("flight.booked", {"id": 1}),
        {"type": "message", "text": "Goodbye"},
        {"type": "endOfConversation", "code": "completedSuccessfully"},
    ]

    answer = await Talk(line, http).say("That is all")

    assert [message.text for message in answer.messages] == ["Goodbye"]
    assert answer.has_hung_up
    assert [log.content for log in answer.logs] == ["The bot's event flight.booked has no use."]


async def test_the_bot_hears_how_the_handoff_went(line: DirectLine, http: HttpClient):
    talk = Talk(line, http)
    await talk.say("Hello")
    told = {"id": "CONV-1", "user": {"id": "u1", "name": "Ada"}}
    part = HumanPart(
        handoff_id="HO-1",
        status="ended",
        reason="live_agent_ended",
        started_at="",
        ended_at="",
        agent_name="Noor",
        summary="Noor talked with them.",
    )

    joined = Joined(id="HO-1:joined", conversation=told, session=talk.session)
    await talk.agent.human_joined(joined, http)
    for changes in ({}, {"status": "failed", "agent_name": ""}):
        news = Return(
            id="HO-1:ended",
            conversation=told,
            human_part=replace(part, **changes),
            session=talk.session,
        )
        await talk.agent.human_left(news, http)

    heard = line.heard[-3:]
    assert {(one["type"], one["name"]) for one in heard} == {("event", "handoff.status")}
    assert [one["value"]["state"] for one in heard] == ["accepted", "completed", "failed"]
    assert heard[1]["value"]["baton_human_summary"] == "Noor talked with them."
