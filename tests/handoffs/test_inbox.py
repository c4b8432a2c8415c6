"""What a vendor says is applied once, in one transaction, and becomes what the end user sees."""

from __future__ import annotations

import pytest

from conversations.models import Event
from handoffs.lifecycle.services import session_load
from handoffs.models import Delivery, VendorEvent
from handoffs.receiving.events import vendor_event_apply
from handoffs.responder import HandoffResponder, message_accept
from handoffs.states import State
from integrations.contract import events as vendor_events
from tests import factories
from tests.factories import joined, spoke, vendor_event
from tests.handoffs.receiving import behaving, new_lines, receive, sequence

pytestmark = pytest.mark.django_db


# ---- joining and leaving ----


def test_the_first_live_agent_makes_the_handoff_active(queued):
    before = sequence(queued)

    receive(queued, joined("a1", "Noor Halvorsen", avatar_url="https://x.example/n.png"))

    now = factories.fresh(queued)
    agent = {"id": "a1", "name": "Noor Halvorsen", "avatar_url": "https://x.example/n.png"}
    [(kind, payload)] = new_lines(queued, before)
    assert (kind, payload["agent"]) == ("LIVE_AGENT_JOINED", agent)
    assert (now.state, now.agent_name, now.live_agents) == (
        "active",
        "Noor Halvorsen",
        {"a1": "Noor Halvorsen"},
    )
    assert now.joined_at is not None


def test_a_live_agent_may_join_before_the_vendor_confirmed_the_conversation():
    handoff = factories.handoff(state=State.CONNECTING)

    receive(handoff, joined())

    assert factories.transitions(handoff) == ["requested", "connecting", "active"]


def test_a_second_live_agent_is_announced_and_named(active):
    before = sequence(active)

    receive(active, joined("a2", "Ruth Abara"))

    [notice, arrival] = new_lines(active, before)
    assert notice[1]["message"] == "Ruth Abara joined the conversation."
    assert arrival[1]["agent"]["name"] == "Ruth Abara"
    assert factories.fresh(active).live_agents == {"a1": "Noor Halvorsen", "a2": "Ruth Abara"}


def test_one_of_two_live_agents_leaving_is_said_and_ends_nothing(active):
    receive(active, joined("a2", "Ruth Abara"))
    before = sequence(active)

    is_over = receive(active, vendor_event(vendor_events.LiveAgentLeft, agent_id="a2"))

    [(kind, payload)] = new_lines(active, before)
    assert not is_over
    assert (kind, payload["message"]) == ("SYSTEM_MESSAGE", "Ruth Abara left the conversation.")
    assert factories.fresh(active).agent_name == "Noor Halvorsen"


def test_the_last_live_agent_leaving_is_no_end_and_no_goodbye(active):
    before = sequence(active)

    is_over = receive(active, vendor_event(vendor_events.LiveAgentLeft, agent_id="a1"))

    assert not is_over
    assert new_lines(active, before) == []
    assert factories.fresh(active).state == "active"


def test_a_transfer_is_announced_and_the_next_live_agent_joins_by_name(active):
    before = sequence(active)

    receive(
        active,
        vendor_event(vendor_events.TransferStarted),
        vendor_event(vendor_events.LiveAgentLeft, agent_id="a1"),
        joined("a2", "Ruth Abara"),
        spoke("Hello, Ruth here.", "a2"),
    )

    kinds = [kind for kind, _ in new_lines(active, before)]
    assert kinds == ["SYSTEM_MESSAGE", "LIVE_AGENT_JOINED", "LIVE_AGENT_MESSAGE"]
    assert factories.transitions(active)[-1] == "active"


def test_a_transfer_before_anybody_joined_is_not_shown(queued):
    before = sequence(queued)

    receive(queued, vendor_event(vendor_events.TransferStarted))

    assert new_lines(queued, before) == []


def test_a_transfer_that_nobody_takes_leaves_the_conversation_running(active):
    before = sequence(active)

    is_over = receive(active, vendor_event(vendor_events.NoLiveAgents))

    [(_, payload)] = new_lines(active, before)
    assert not is_over
    assert payload["code"] == "no_live_agents"


def test_a_repeated_join_is_no_second_arrival(active):
    before = sequence(active)

    receive(active, joined("a1"))

    assert new_lines(active, before) == []


# ---- messages ----


def test_a_message_is_journaled_with_its_speaker(active):
    before = sequence(active)

    receive(active, spoke("How can I help?"))

    [(kind, payload)] = new_lines(active, before)
    assert kind == "LIVE_AGENT_MESSAGE"
    assert payload["text"] == "How can I help?"
    assert (payload["agent_id"], payload["agent_name"]) == ("a1", "Noor Halvorsen")
    assert payload["attachments"] == payload["response_suggestions"] == []


def test_a_message_from_somebody_who_never_joined_lets_them_join_first(queued):
    before = sequence(queued)

    receive(queued, spoke("Hello", "a7", agent_name="Ines Duarte"))

    kinds = [kind for kind, _ in new_lines(queued, before)]
    assert kinds == ["LIVE_AGENT_JOINED", "LIVE_AGENT_MESSAGE"]
    assert factories.transitions(queued)[-1] == "active"


def test_a_join_that_arrives_after_the_message_it_preceded_is_not_shown_again(queued):
    receive(queued, spoke("Hello", "a7", agent_name="Ines Duarte"))
    before = sequence(queued)

    receive(queued, joined("a7", "Ines Duarte"))

    assert new_lines(queued, before) == []


@pytest.mark.parametrize("text", ["\x00nul", "lone \ud800 surrogate", "", "🦜" * 5000])
def test_no_text_of_a_vendor_stops_the_conversation(active, text):
    receive(active, spoke(text), spoke("and on"))

    last = Event.objects.filter(conversation_id=active.conversation_id).latest("sequence")
    assert last.payload["text"] == "and on"


@pytest.mark.parametrize("name", ["\x00", "\ud800", "x" * 1000])
def test_no_name_of_a_vendor_stops_the_conversation(queued, name):
    receive(queued, joined("a1" + name, name), spoke("Hello", "a1" + name))

    assert factories.journal(queued)[-1] == "LIVE_AGENT_MESSAGE"


def test_no_id_of_a_vendor_stops_the_conversation(active):
    ids = ["e" * 300, "e" * 299 + "f", "nul \x00"]

    receive(active, *[spoke(f"number {n}", vendor_event_id=i) for n, i in enumerate(ids)])

    assert factories.journal(active)[-3:] == ["LIVE_AGENT_MESSAGE"] * 3


# ---- once, and never too late ----


def test_a_repeated_event_changes_nothing_but_the_cursor(active):
    lease = factories.lease_of(active)
    event = spoke("Once")
    factories.apply(lease, event, cursor="7")
    before = sequence(active)

    factories.apply(lease, event, cursor="8")

    session = session_load(factories.fresh(active))
    assert new_lines(active, before) == []
    assert session is not None
    assert session.cursor == "8"
    assert VendorEvent.objects.filter(handoff=active).count() == 2


def test_the_cursor_is_kept_with_every_event(active):
    vendor_event_apply(
        factories.lease_of(active), factories.vendor_session("42", seen=9), spoke("x")
    )

    session = session_load(factories.fresh(active))
    assert session is not None
    assert (session.cursor, session.state) == ("42", {"seen": 9})


def test_the_same_event_id_in_another_handoff_is_another_event(active):
    other = factories.handoff(state=State.ACTIVE)
    event = spoke("Same id")

    receive(active, event)
    receive(other, event)

    assert factories.journal(active)[-1] == factories.journal(other)[-1] == "LIVE_AGENT_MESSAGE"


LATE = [
    joined("a9"),
    spoke("Too late"),
    vendor_event(vendor_events.LiveAgentLeft, agent_id="a1"),
    vendor_event(vendor_events.MessageRead, vendor_message_id="x"),
    vendor_event(vendor_events.QueuePositionChanged, position=2),
    vendor_event(vendor_events.SystemNotice, text="Too late"),
    vendor_event(vendor_events.TransferStarted),
    vendor_event(vendor_events.NoLiveAgents),
    vendor_event(vendor_events.ConversationEnded),
    vendor_event(vendor_events.UnknownEvent, name="x"),
]


@pytest.mark.parametrize("event", LATE, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("after", ["end", "return_to_bot"])
def test_an_event_after_the_end_is_kept_and_shown_to_nobody(event, after):
    handoff = behaving(after_agent=after)
    receive(handoff, vendor_event(vendor_events.ConversationEnded))
    before = (sequence(handoff), factories.transitions(handoff))

    is_over = receive(handoff, event)

    assert is_over
    assert (sequence(handoff), factories.transitions(handoff)) == before
    assert VendorEvent.objects.filter(vendor_event_id=event.vendor_event_id).exists()


# ---- receipts, queue, notices ----


def test_receipts_become_lines_for_the_end_users_own_message(active):
    [line] = message_accept(
        conversation_id=active.conversation_id, text="Hi", client_event_id="", metadata=None
    )
    message_id = str(line.pk)

    receive(
        active,
        vendor_event(vendor_events.MessageEchoed, vendor_message_id=message_id),
        vendor_event(vendor_events.MessageDelivered, vendor_message_id=message_id),
        vendor_event(vendor_events.MessageRead, vendor_message_id=message_id),
        vendor_event(vendor_events.MessageDelivered, vendor_message_id=message_id),
    )

    assert new_lines(active, line.sequence) == [
        ("LIVE_AGENT_RECEIVED_MESSAGE", {"message_id": message_id}),
        ("LIVE_AGENT_READ_MESSAGE", {"message_id": message_id}),
    ]
    assert Delivery.objects.get(event=line).status == "read"


def test_receipts_that_are_switched_off_are_kept_and_not_shown():
    handoff = behaving(read_receipts=False)
    [line] = message_accept(
        conversation_id=handoff.conversation_id, text="Hi", client_event_id="", metadata=None
    )

    receive(handoff, vendor_event(vendor_events.MessageRead, vendor_message_id=str(line.pk)))

    assert new_lines(handoff, line.sequence) == []
    assert Delivery.objects.get(event=line).status == "read"


def test_the_place_in_the_queue_is_remembered_until_somebody_joins(queued):
    responder, key = HandoffResponder(), queued.conversation_id
    assert responder.queue_status(conversation_id=key) is None

    receive(queued, vendor_event(vendor_events.QueuePositionChanged, position=3))
    receive(queued, vendor_event(vendor_events.QueuePositionChanged, estimated_wait_seconds=90))
    waiting = responder.queue_status(conversation_id=key)
    receive(queued, joined())

    assert waiting == {"position_in_queue": 3, "estimated_wait_seconds": 90}
    assert responder.queue_status(conversation_id=key) is None


def test_a_place_in_the_queue_during_the_talk_is_not_shown(active):
    receive(active, vendor_event(vendor_events.QueuePositionChanged, position=3))

    assert factories.fresh(active).queue_status == {}


def test_a_notice_of_the_vendor_is_a_line_of_the_system(active):
    before = sequence(active)

    receive(active, vendor_event(vendor_events.SystemNotice, text="Calls may be recorded."))

    [(kind, payload)] = new_lines(active, before)
    assert (kind, payload["level"]) == ("SYSTEM_MESSAGE", "SYSTEM_MESSAGE_LEVEL_INFO")
    assert payload["message"] == "Calls may be recorded."


def test_an_unknown_event_is_dropped_and_the_next_one_is_applied(active):
    before = sequence(active)

    receive(active, vendor_event(vendor_events.UnknownEvent, name="Hologram"), spoke("Hello"))

    assert [kind for kind, _ in new_lines(active, before)] == ["LIVE_AGENT_MESSAGE"]
