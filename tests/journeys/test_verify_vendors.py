"""The verify steps of every vendor's set-up but Salesforce's, which has more of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from config.demo.vendors import demo_vendors
from integrations.contract.manifest import Capability
from integrations.contract.registry import manifest_get
from tests.journeys.people import UTTERANCE, Desk, EndUser, best_seconds
from tests.journeys.stack import Stack
from tests.waiting import eventually

AGENT = "Noor Halvorsen"
HELLO = "Hello, this is Noor"
VENDORS = [key for key in demo_vendors() if key != "salesforce_messaging"]


@dataclass(frozen=True, kw_only=True)
class Quirks:
    """Where a vendor differs from the others: its queue, and how its live agent ends a chat."""

    queue: str = "Support"
    ends_by: str = "end"


QUIRKS: dict[str, Quirks] = {}


class Side:
    """One vendor's live agents, and what is special about them."""

    def __init__(self, key: str, stack: Stack) -> None:
        self.quirks = QUIRKS.get(key, Quirks())
        self.capabilities = manifest_get(key).capabilities
        self.phrase = stack.demo["simulators"][key]["phrase"]
        self.desk = Desk(stack.simulator_urls[key])

    def waiting(self, marker: str) -> dict[str, Any]:
        """Return the one conversation of an end user, once it waits in a queue."""

        def found() -> list[dict[str, Any]]:
            rows = self.desk.holding(marker)
            return [row for row in rows if row["status"] == "queued"]

        (row,) = eventually(found)
        return dict(row)

    def transcript(self, marker: str) -> str:
        """Return all that the desk shows of the one conversation of an end user."""
        (row,) = self.desk.holding(marker)
        return "".join(line["text"] for line in row["messages"])

    def accepts(self, marker: str) -> str:
        """Take the end user's conversation and return its id."""
        row = self.waiting(marker)
        self.desk.does(row["id"], "accept", agent_name=AGENT)
        # Some vendors route nothing before the end user's side has connected.
        eventually(lambda: [r for r in self.desk.holding(marker) if r["status"] == "active"])
        return str(row["id"])


@pytest.fixture(params=VENDORS)
def side(request: pytest.FixtureRequest, stack: Stack) -> Side:
    return Side(request.param, stack)


@pytest.fixture
def end_user(page: Page, stack: Stack) -> EndUser:
    return EndUser(page, stack)


def test_every_step_of_the_verify_list_in_one_conversation(end_user: EndUser, side: Side) -> None:
    marker = end_user.leaves_a_marker()
    end_user.write(side.phrase)
    end_user.sees(UTTERANCE, "ai_agent")

    row = one_waits_with_transcript_and_context(end_user, side, marker)
    chat = side.accepts(marker)
    end_user.is_in_state("live")
    took = both_are_heard(end_user, side, chat)
    the_utterance_came_first(end_user, side)
    side.desk.does(chat, side.quirks.ends_by)

    end_user.is_in_state("closed")
    expect(end_user.by_id("input")).to_be_hidden()
    expect(end_user.by_id("panel")).to_contain_text("This conversation has ended")
    (ended,) = side.desk.holding(marker)
    assert (ended["id"], ended["status"]) == (row["id"], "ended")
    assert took < 1.0


def one_waits_with_transcript_and_context(
    end_user: EndUser, side: Side, marker: str
) -> dict[str, Any]:
    """Find the one conversation in the queue, and the end user told to wait."""
    row = side.waiting(marker)
    assert row["queue"] == side.quirks.queue
    assert "CONV-" in str(row["attributes"]) + str(row.get("session_fields"))
    before = ("Hello. How can I help you today?", marker, side.phrase, UTTERANCE)
    # Some vendors get it by a call of its own.
    eventually(lambda: all(said in side.transcript(marker) for said in before))
    expect(end_user.by_id("banner")).to_contain_text(re.compile("wait", re.I))
    assert len(side.desk.holding(marker)) == 1
    return row


def both_are_heard(end_user: EndUser, side: Side, chat: str) -> float:
    """Let each side speak; return how long the live agent's words took to the widget."""
    expect(end_user.by_id("panel").locator("header")).to_contain_text(AGENT)
    if Capability.TYPING_IN in side.capabilities:
        side.desk.does(chat, "type", is_typing=True)
        expect(end_user.by_id("typing")).to_be_visible()

    def says(text: str) -> None:
        side.desk.does(chat, "say", text=text)
        end_user.sees(text)

    took = best_seconds(says, HELLO, wanted=1.0)
    end_user.write("My parcel never arrived 📦")
    eventually(lambda: "My parcel never arrived 📦" in side.desk.said_by_end_user(chat))
    if Capability.READ_RECEIPT_IN in side.capabilities:
        side.desk.does(chat, "read")
        expect(end_user.messages("end_user").last).to_have_attribute("data-status", "read")
    return took


def the_utterance_came_first(end_user: EndUser, side: Side) -> None:
    """Look for the AI agent's words behind the wish, and for the vendor's after them."""
    spoken = end_user.page.get_by_test_id("message").all_inner_texts()
    asked = next(i for i, line in enumerate(spoken) if side.phrase in line)
    assert UTTERANCE in spoken[asked + 1]
    assert HELLO in "".join(spoken[asked + 2 :])
