"""The five verify steps of a Salesforce set-up, as an end user and a live agent see them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.people import UTTERANCE, Desk, EndUser, best_seconds
from tests.journeys.portal import Portal
from tests.journeys.stack import Stack
from tests.waiting import eventually


@pytest.fixture
def desk(stack: Stack) -> Iterator[Desk]:
    made = Desk(stack.simulator_url)
    made.reset()
    yield made
    made.reset()


@pytest.fixture
def end_user(page: Page, stack: Stack) -> EndUser:
    return EndUser(page, stack)


def test_1_the_utterance_reaches_the_end_user_before_anything_from_the_vendor(
    end_user: EndUser, desk: Desk
) -> None:
    end_user.asks_for_a_person()

    end_user.sees(UTTERANCE, "ai_agent")
    messages = end_user.page.get_by_test_id("message")
    expect(messages.filter(has_text="An agent will be with you").first).to_be_visible()
    lines = messages.all_inner_texts()
    spoken = next(i for i, line in enumerate(lines) if UTTERANCE in line)
    from_vendor = next(i for i, line in enumerate(lines) if "An agent will be with you" in line)
    assert spoken < from_vendor


def test_2_one_conversation_appears_in_the_queue_with_transcript_and_context(
    end_user: EndUser, desk: Desk
) -> None:
    end_user.asks_for_a_person()

    (row,) = eventually(lambda: desk.conversations("queued"))
    assert row["queue"] == "Support"
    assert row["attributes"]["PortalSessionId"].startswith("CONV-")
    assert row["attributes"]["Chat_Consumer_Type"] == "unauthenticated"

    def transcript() -> str:
        (row,) = desk.conversations("queued")
        return "".join(line["text"] for line in row["messages"][:2])

    before = ("Hello. How can I help you today?", "I want to talk to a human", UTTERANCE)
    eventually(lambda: all(said in transcript() for said in before))
    expect(end_user.by_id("banner")).to_contain_text("wait")


def test_3_the_live_agents_reply_lands_in_the_same_widget_within_a_second(
    end_user: EndUser, desk: Desk
) -> None:
    end_user.asks_for_a_person()
    chat = desk.accept_newest()
    end_user.is_in_state("live")
    expect(end_user.by_id("panel").locator("header")).to_contain_text("Noor Halvorsen")

    desk.does(chat, "type", is_typing=True)
    expect(end_user.by_id("typing")).to_be_visible()

    def says(text: str) -> None:
        desk.does(chat, "say", text=text)
        end_user.sees(text)

    took = best_seconds(says, "Hello, this is Noor", wanted=1.0)
    end_user.write("My parcel never arrived 📦")
    eventually(lambda: desk.said_by_end_user(chat) == ["My parcel never arrived 📦"])
    desk.does(chat, "read")

    expect(end_user.messages("end_user").last).to_have_attribute("data-status", "read")
    assert took < 1.0


def test_4_when_the_live_agent_ends_it_the_widget_says_that_it_is_closed(
    end_user: EndUser, desk: Desk
) -> None:
    end_user.asks_for_a_person()
    chat = desk.accept_newest()
    end_user.is_in_state("live")

    desk.does(chat, "end")

    end_user.is_in_state("closed")
    expect(end_user.by_id("input")).to_be_hidden()
    expect(end_user.by_id("panel")).to_contain_text("This conversation has ended")
    end_user.by_id("new-chat").click()
    end_user.is_in_state("ai")
    assert end_user.texts("live_agent") == []


def test_5_when_nothing_arrives_the_tile_and_the_timeline_say_why(
    end_user: EndUser, desk: Desk, stack: Stack, context: BrowserContext
) -> None:
    desk.fault("fail_next", status=400, count=1, path_prefix="/iamessage/api/v2/authorization")
    end_user.sees("Hello", "ai_agent")
    end_user.write("I want to talk to a human")
    expect(end_user.messages("system").last).to_contain_text("No one could be reached")
    end_user.is_in_state("ai")

    portal = Portal(context.new_page(), stack)
    portal.sign_in()
    portal.open("Integrations")
    tile = portal.tile("Salesforce Messaging")
    expect(tile).to_contain_text("Needs attention")
    portal.open("Handoffs")
    portal.newest_handoff()
    expect(portal.main).to_contain_text("Failed")
    expect(portal.main).to_contain_text("400")
    end_user.write("I want to talk to a human")
    end_user.is_in_state("queued")
    portal.open("Integrations")

    expect(tile).to_contain_text("Connected")
