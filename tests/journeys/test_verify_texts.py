"""The verify steps of a vendor's set-up, in a thread of text messages in place of the widget."""

from __future__ import annotations

from typing import Any

import pytest

from config.demo.vendors import demo_vendors
from tests.journeys.people import UTTERANCE, Desk, best_seconds
from tests.journeys.phones import Phone
from tests.journeys.stack import Stack
from tests.waiting import eventually

IN_SUITE = ("salesforce_messaging", "zendesk")
AGENT = "Noor Halvorsen"


def waiting(desk: Desk, marker: str) -> dict[str, Any]:
    """The one conversation of a phone's, once it waits."""
    (row,) = eventually(lambda: [r for r in desk.holding(marker) if r["status"] == "queued"])
    return dict(row)


def said_in(desk: Desk, marker: str) -> str:
    """Everything that stands in a phone's conversation at the desk."""
    (row,) = desk.holding(marker)
    return "".join(line["text"] for line in row["messages"])


@pytest.mark.parametrize(
    "key",
    [
        pytest.param(key, marks=() if key in IN_SUITE else pytest.mark.long)
        for key in demo_vendors()
    ],
)
def test_a_thread_of_texts_is_handed_over_answered_and_closed(key: str, stack: Stack) -> None:
    phone, desk = Phone(stack), Desk(stack.simulator_urls[key])
    marker = f"Order {phone.number[-7:]}"

    # 1. The AI agent greets and answers; its utterance comes before anything of the vendor's.
    phone.texts(marker)
    phone.reads("How can I help you today?")
    phone.texts(stack.demo["simulators"][key]["phrase"])
    phone.reads(UTTERANCE)

    # 2. One conversation waits, with what was said before.
    row = waiting(desk, marker)
    eventually(lambda: marker in said_in(desk, marker) and UTTERANCE in said_in(desk, marker))
    assert len(desk.holding(marker)) == 1

    # 3. The live agent's answers come in order, once each, and what is texted reaches the desk.
    chat = str(row["id"])
    desk.does(chat, "accept", agent_name=AGENT)
    phone.reads("joined the conversation.")

    def says(text: str) -> None:
        desk.does(chat, "say", text=text)
        phone.reads(text)

    took = best_seconds(says, "Hello, this is Noor", wanted=3.0)
    for number in range(3):
        phone.texts(f"Line {number} 📦")
        desk.does(chat, "say", text=f"Answer {number}")
    eventually(lambda: [t for t in desk.said_by_end_user(chat) if t.startswith("Line ")][2:])
    found = phone.reads("Answer 2")
    assert [one for one in found if one.startswith("Answer ")] == [f"Answer {n}" for n in range(3)]
    lines = [text for text in desk.said_by_end_user(chat) if text.startswith("Line ")]
    assert lines == [f"Line {number} 📦" for number in range(3)]

    # 4. The end is told, and the next text begins a new conversation.
    desk.does(chat, "end")
    phone.reads("This conversation has ended.")
    phone.texts("Another question")
    eventually(lambda: sum("How can I help you" in one for one in phone.received()) == 2)
    assert "Another question" not in "".join(desk.said_by_end_user(chat))
    assert took < 3.0


def test_stop_is_the_carriers_and_start_brings_texts_back(stack: Stack) -> None:
    phone, desk = Phone(stack), Desk(stack.simulator_url)
    marker = f"Order {phone.number[-7:]}"
    phone.texts(marker)
    phone.reads("How can I help you today?")
    phone.texts(stack.demo["simulators"]["salesforce_messaging"]["phrase"])
    chat = str(waiting(desk, marker)["id"])
    desk.does(chat, "accept", agent_name=AGENT)
    phone.reads("joined the conversation.")

    phone.texts("STOP")

    eventually(lambda: [r for r in desk.holding(marker) if r["status"] == "ended"])
    before = phone.received()
    assert "unsubscribed" in before[-1]
    assert "STOP" not in desk.said_by_end_user(chat)
    phone.texts("Not heard by anybody")
    phone.texts("START")
    phone.texts("Here again")
    eventually(lambda: sum("How can I help you" in one for one in phone.received()) == 2)
    assert "Not heard" not in "".join(desk.said_by_end_user(chat))
