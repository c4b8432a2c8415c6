"""Clients read what they named when they opened the session, live and in a replay."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.event_loop.executor import run_sync
from conversations.journal.services import Visitor
from handoffs.models import Delivery, Handoff
from handoffs.states import State
from integrations.contract.events import LiveAgentMessageEdited
from integrations.contract.rich_content import Choice, RichContent
from tests import factories
from tests.conversations.widget import Widget
from tests.factories import spoke, vendor_event
from tests.handoffs.receiving import receive

pytestmark = pytest.mark.django_db(transaction=True)
YES_NO = RichContent(choices=(Choice(label="Yes", token="t-yes"), Choice(label="No", token="t-no")))


def talk(*extensions: str) -> tuple[Handoff, Widget]:
    """Return a handoff with a live agent, and the widget of its end user."""
    made = factories.conversation(visitor=Visitor(extensions=extensions))
    return factories.handoff(made, state=State.ACTIVE), Widget(made)


def offer(handoff: Handoff) -> None:
    receive(handoff, spoke("Is that all?", rich=YES_NO, vendor_message_id="m1"))


def edit(handoff: Handoff) -> None:
    receive(
        handoff, vendor_event(LiveAgentMessageEdited, vendor_message_id="m1", text="Anything else?")
    )


async def frames(extensions: tuple[str, ...], *, live: bool) -> list[dict[str, Any]]:
    """Return what a client reads of an offer and its edit."""
    handoff, widget = await run_sync(lambda: talk(*extensions))
    client = await widget.open() if live else None
    await run_sync(offer, handoff)
    await run_sync(edit, handoff)
    await run_sync(handoff.conversation.refresh_from_db)
    if client is None:
        client = await widget.connect()
        found = (await client.next())["payload"]["events"]
    else:
        found = await client.events(handoff.conversation.last_sequence)
    await widget.close()
    return [dict(frame) for frame in found[-2:]]


@pytest.mark.parametrize("live", [True, False], ids=["live", "replay"])
async def test_content_is_for_clients_that_named_it_and_tokens_for_nobody(live: bool):
    rich = await frames(("rich_content",), live=live)
    plain = await frames((), live=live)

    assert [one["label"] for one in rich[0]["payload"]["content"]["choices"]] == ["Yes", "No"]
    assert "content" not in plain[0]["payload"]
    suggestions = plain[0]["payload"]["response_suggestions"]
    assert [one["message_text"] for one in suggestions] == ["Yes", "No"]
    assert "t-yes" not in f"{rich}{plain}"


@pytest.mark.parametrize("live", [True, False], ids=["live", "replay"])
async def test_an_edit_is_told_in_words_to_clients_that_did_not_name_it(live: bool):
    named = await frames(("message_changes",), live=live)
    plain = await frames((), live=live)

    assert named[1]["type"] == "EVENT_TYPE_LIVE_AGENT_MESSAGE_CHANGED"
    assert named[1]["payload"]["text"] == "Anything else?"
    assert plain[1]["type"] == "EVENT_TYPE_SYSTEM_MESSAGE"
    assert plain[1]["payload"]["code"] == "message_edited"
    assert "Anything else?" in plain[1]["payload"]["message"]
    assert plain[1]["sequence"] is not None


async def test_an_answer_over_the_socket_is_one_message_and_a_second_tab_is_told_it_is_closed():
    handoff, widget = await run_sync(lambda: talk("rich_content"))
    first, second = await widget.open(), await widget.open()
    await run_sync(offer, handoff)
    offered = await first.until("LIVE_AGENT_MESSAGE")
    answer = {"message_id": offered["payload"]["message_id"], "payload": "c1"}

    await first.send("USER_MESSAGE", {"text": "Yes", "answer": answer}, client_event_id="one")
    echo = await first.until("USER_MESSAGE")
    await second.send("USER_MESSAGE", {"text": "Yes", "answer": answer}, client_event_id="two")
    refusal = await second.until("SYSTEM_MESSAGE")
    deliveries = await run_sync(Delivery.objects.filter(handoff=handoff).count)
    await widget.close()

    assert echo["payload"]["answer"] == answer
    assert refusal["payload"]["code"] == "choice_closed"
    assert refusal["metadata"] == {"custom": {"client_event_id": "two"}}
    assert deliveries == 1


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        ("c1", "payload.answer"),
        ({}, "payload.answer"),
        ({"message_id": "x", "payload": "c1"}, "payload.answer.message_id"),
        ({"message_id": str(factories.uuid.uuid4()), "payload": 3}, "payload.answer.payload"),
        ({"message_id": str(factories.uuid.uuid4()), "payload": "c1"}, "payload.answer.message_id"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_refused_with_its_field(answer: Any, named: str):
    handoff, widget = await run_sync(lambda: talk("rich_content"))
    client = await widget.open()

    await client.send("USER_MESSAGE", {"text": "Yes", "answer": answer}, client_event_id="one")
    refusal = await client.until("SYSTEM_MESSAGE")
    deliveries = await run_sync(Delivery.objects.filter(handoff=handoff).count)
    await widget.close()

    assert named in refusal["payload"]["message"]
    assert refusal["metadata"] == {"custom": {"client_event_id": "one"}}
    assert deliveries == 0
