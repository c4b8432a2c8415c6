"""What a live agent changes afterwards, and ends that no person made: told as what they are."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from channels.layers import get_channel_layer

from conversations.event_loop.executor import run_sync
from conversations.journal import publish
from conversations.journal.selectors import transcript_get
from conversations.models import Event
from handoffs.models import Handoff
from handoffs.portal.one_handoff.entries import event_entry
from handoffs.states import State
from integrations.contract import events as vendor_events
from integrations.contract.rich_content import Author
from tests import factories
from tests.factories import AT, joined, spoke, vendor_event
from tests.handoffs.receiving import behaving, new_lines, receive, sequence

pytestmark = pytest.mark.django_db


def edited(to: str, *, minute: int = 1, of: str = "m1") -> vendor_events.LiveAgentMessageEdited:
    return vendor_event(
        vendor_events.LiveAgentMessageEdited,
        vendor_message_id=of,
        text=to,
        occurred_at=AT + timedelta(minutes=minute),
    )


def deleted(of: str = "m1") -> vendor_events.LiveAgentMessageDeleted:
    return vendor_event(vendor_events.LiveAgentMessageDeleted, vendor_message_id=of)


def changes(handoff: Handoff, before: int) -> list[tuple[str, str, bool]]:
    return [
        (payload["message_id"], payload["text"], payload["is_deleted"])
        for kind, payload in new_lines(handoff, before)
        if kind == "LIVE_AGENT_MESSAGE_CHANGED"
    ]


def message(handoff: Handoff) -> str:
    """Let the live agent say what is changed later; return its id."""
    receive(handoff, spoke("Monday", vendor_message_id="m1"))
    line = Event.objects.filter(conversation=handoff.conversation, type="LIVE_AGENT_MESSAGE")
    return str(line.get().pk)


# ---- edits and deletions ----


def test_an_edit_and_a_deletion_are_lines_that_name_the_message(active):
    message_id, before = message(active), sequence(active)

    receive(active, edited("Tuesday"), deleted())

    assert changes(active, before) == [(message_id, "Tuesday", False), (message_id, "", True)]


def test_repeats_and_changes_that_were_overtaken_say_nothing(active):
    message_id, before = message(active), sequence(active)
    last = edited("Wednesday", minute=3)

    receive(active, last, last, edited("Tuesday", minute=2))
    receive(active, deleted(), edited("Thursday", minute=4))

    assert changes(active, before) == [(message_id, "Wednesday", False), (message_id, "", True)]


def test_an_edit_before_its_message_is_what_the_message_says(active):
    before = sequence(active)

    receive(active, edited("Wednesday", minute=3), edited("Tuesday", minute=2))
    assert new_lines(active, before) == []
    receive(active, spoke("Monday", vendor_message_id="m1"))

    [(kind, payload)] = new_lines(active, before)
    assert (kind, payload["text"]) == ("LIVE_AGENT_MESSAGE", "Wednesday")


def test_a_deletion_before_its_message_shows_nothing_of_it(active):
    before = sequence(active)

    receive(active, deleted(), edited("Tuesday"), spoke("Monday", vendor_message_id="m1"))

    assert new_lines(active, before) == []


def test_a_change_of_one_message_is_none_of_another(active):
    before = sequence(active)

    receive(active, edited("Tuesday", of="m2"), spoke("Monday", vendor_message_id="m1"))

    assert [payload["text"] for _, payload in new_lines(active, before)] == ["Monday"]


# ---- who speaks ----


def test_two_live_agents_who_write_in_turn_are_announced_once_each(active):
    before = sequence(active)

    receive(active, spoke("a", agent_name="Noor"), spoke("b", agent_id="a2", agent_name="Ole"))
    receive(active, spoke("c"), spoke("d", agent_id="a2"), spoke("e"))

    kinds = [payload.get("code", kind) for kind, payload in new_lines(active, before)]
    assert kinds == [
        "LIVE_AGENT_MESSAGE",
        "conference_joined",
        "LIVE_AGENT_JOINED",
        *["LIVE_AGENT_MESSAGE"] * 4,
    ]


def test_a_vendor_that_tells_names_alone_has_each_person_announced_once(queued):
    before = sequence(queued)

    receive(queued, joined(agent_id="", agent_name="Noor"))
    for name in ("Noor", "Ole", "Noor", "Ole"):
        receive(queued, spoke(f"I am {name}", agent_id="", agent_name=name))

    lines = new_lines(queued, before)
    assert [kind for kind, _ in lines].count("LIVE_AGENT_JOINED") == 2
    said = [payload for kind, payload in lines if kind == "LIVE_AGENT_MESSAGE"]
    assert [(one["text"], one["agent_name"]) for one in said] == [
        (f"I am {name}", name) for name in ("Noor", "Ole", "Noor", "Ole")
    ]


def test_who_left_and_comes_back_is_announced_again(active):
    receive(active, spoke("b", agent_id="a2", agent_name="Ole"))
    before = sequence(active)

    receive(active, vendor_event(vendor_events.LiveAgentLeft, agent_id="a2"))
    receive(active, spoke("back", agent_id="a2", agent_name="Ole"))

    kinds = [payload.get("code", kind) for kind, payload in new_lines(active, before)]
    assert kinds == ["agent_left", "conference_joined", "LIVE_AGENT_JOINED", "LIVE_AGENT_MESSAGE"]


def test_who_has_no_name_is_a_live_agent_until_the_vendor_tells_one(queued):
    before = sequence(queued)

    receive(queued, joined(agent_name=""), spoke("Hi"), spoke("It is me", agent_name="Noor"))

    joined_line, hi, named = [payload for _, payload in new_lines(queued, before)]
    assert joined_line["agent"]["name"] == hi["agent_name"] == "Live agent"
    assert named["agent_name"] == factories.fresh(queued).agent_name == "Noor"


def test_the_vendors_own_bot_speaks_under_its_name_and_joins_nothing(queued):
    before = sequence(queued)

    receive(queued, spoke("Hi", agent_id="", agent_name="Ada", by=Author.VENDOR_BOT))

    [(kind, payload)] = new_lines(queued, before)
    assert (kind, payload["by"], payload["agent_name"]) == (
        "LIVE_AGENT_MESSAGE",
        "vendor_bot",
        "Ada",
    )
    assert factories.fresh(queued).state == State.QUEUED.value


def test_an_empty_message_makes_no_line(active):
    before = sequence(active)

    receive(active, spoke(""))

    assert new_lines(active, before) == []


# ---- ends that no person made ----


@pytest.mark.parametrize("cause", ["vendor_idle", "vendor_time_limit"])
def test_an_end_by_the_vendors_clock_is_told_as_one(cause):
    handoff = behaving(after_agent="end")
    before = sequence(handoff)

    receive(handoff, vendor_event(vendor_events.ConversationEnded, cause=cause))

    (_, told), (_, left), *end = new_lines(handoff, before)
    assert told["code"] == left["reason"] == cause
    assert factories.fresh(handoff).end_reason == cause
    assert [payload["detail"] for _, payload in end] == [cause]


@pytest.mark.django_db(transaction=True)
async def test_a_warning_of_the_vendor_reaches_the_widget_and_not_the_journal():
    handoff = await run_sync(lambda: factories.handoff(state=State.ACTIVE))
    before = await run_sync(sequence, handoff)
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(publish.conversation_group(handoff.conversation_id), channel)

    warning = vendor_event(vendor_events.IdleWarning, seconds_left=90)
    await run_sync(receive, handoff, warning)
    async with asyncio.timeout(10):
        frame = (await layer.receive(channel))["frame"]

    assert frame["type"] == "EVENT_TYPE_SESSION_IDLE_WARNING"
    assert frame["payload"]["seconds_left"] == 90
    assert frame["payload"]["message"].startswith("Are you still there?")
    assert await run_sync(new_lines, handoff, before) == []


# ---- where people read it later ----


def test_a_transcript_has_the_edited_words_with_a_mark_and_none_that_were_taken_back(active):
    message(active)
    receive(active, edited("Tuesday"))
    [*_, as_edited] = transcript_get(active.conversation)

    receive(active, deleted())
    [*_, as_deleted] = transcript_get(active.conversation)

    assert (as_edited["sender"], as_edited["text"]) == ("live_agent", "Tuesday [edited]")
    assert as_deleted["text"] == "[This message was taken back.]"


def test_the_timeline_says_what_was_changed_and_names_the_vendors_bot(active):
    message(active)
    receive(active, edited("Tuesday"), deleted())
    bot = {"agent_id": "b-1", "agent_name": "Remi", "by": Author.VENDOR_BOT}
    receive(active, spoke("Hello from the bot", **bot))
    rows = Event.objects.filter(conversation=active.conversation).order_by("sequence")

    shown = [event_entry(row, None, vendor="Genesys", may_read_text=True) for row in rows]

    said = [(one.title, one.text) for one in shown]
    assert ("Genesys: a message was edited", "Tuesday [edited]") in said
    assert ("Genesys: a message was taken back", "[This message was taken back.]") in said
    assert ("Genesys's bot Remi", "Hello from the bot") in said
    hidden = [event_entry(row, None, vendor="Genesys", may_read_text=False) for row in rows]
    assert not [one for one in hidden if one.text]
