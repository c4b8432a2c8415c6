"""Whatever happens in whatever order: what must hold for a conversation holds after each step."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from conversations.errors import ConversationError
from conversations.journal.services import conversation_lock
from conversations.models import Conversation, Event
from handoffs.clocks.reaping import conversation_reap, handoff_reap
from handoffs.lifecycle.locking import Lease, handoff_leased
from handoffs.lifecycle.services import handoff_accepted
from handoffs.models import Delivery, Handoff
from handoffs.payload.reading import payload_read
from handoffs.relay import transactions as steps
from handoffs.relay.leases import handoffs_claim, worker_register
from handoffs.responder import HandoffResponder, message_accept
from handoffs.sending.outbox import deliveries_pending, delivery_refused, delivery_sent
from handoffs.starting.start import handoff_open, handoff_start
from handoffs.states import OPEN_VALUES, State
from integrations.contract import events as vendor_events
from integrations.contract.errors import CannotConnectError, RejectedError
from tests import factories

RESPONDER = HandoffResponder()
TEXTS = st.sampled_from(["Hello", "stop", "My parcel is lost"])
AGENTS = st.sampled_from(["a1", "a2"])


class ConversationMachine(RuleBasedStateMachine):
    """An end user, a tool, a vendor, two workers and a reaper, who know nothing of each other."""

    def __init__(self) -> None:
        super().__init__()
        behaviour = {"after_agent": "return_to_bot", "stop_word": "stop"}
        self.integration = factories.integration(behaviour=behaviour)
        channel = factories.channel(self.integration.project)
        self.id = factories.conversation(channel).pk
        self.workers = [worker_register("one"), worker_register("two")]
        self.received: list[Any] = []

    # ---- what is there now ----

    def handoff(self) -> Handoff | None:
        return Handoff.objects.filter(conversation_id=self.id).order_by("-requested_at").first()

    def lease(self) -> Lease | None:
        handoff = self.handoff()
        if handoff is None or handoff.owner_id is None:
            return None
        return Lease(handoff_id=handoff.pk, worker_id=handoff.owner_id, epoch=handoff.lease_epoch)

    def journal(self) -> list[Event]:
        return list(Event.objects.filter(conversation_id=self.id).order_by("sequence"))

    def receive(self, event: Any) -> None:
        lease = self.lease()
        if lease is not None:
            self.received.append(event)
            factories.apply(lease, event)

    # ---- the end user ----

    @rule(text=TEXTS, resend=st.booleans())
    def end_user_writes(self, text: str, resend: bool) -> None:
        given = {"conversation_id": self.id, "text": text, "metadata": None}
        client_id = str(uuid.uuid4())
        try:
            [first, *_] = message_accept(client_event_id=client_id, **given)
        except ConversationError:
            return
        if resend:
            assert message_accept(client_event_id=client_id, **given) == [first]

    @rule()
    def end_user_cancels(self) -> None:
        try:
            RESPONDER.on_cancel(conversation_id=self.id)
        except ConversationError:
            pass

    @rule(chance=st.integers(0, 9))
    def end_user_leaves(self, chance: int) -> None:
        if chance == 0:
            RESPONDER.on_leave(conversation_id=self.id, metadata=None)

    @rule(chance=st.integers(0, 9))
    def end_user_is_gone(self, chance: int) -> None:
        if chance == 0:
            past = timezone.now() - timedelta(hours=1)
            Conversation.objects.filter(pk=self.id).update(last_seen_at=past)
            conversation_reap(self.id)

    # ---- the tool ----

    @rule(is_connected=st.sampled_from([True, True, True, False]))
    def tool_hands_off(self, is_connected: bool) -> None:
        key = factories.INTEGRATION_KEY if is_connected else "zendesk_integration"
        payload = payload_read({"handoff": {"text_chat": {key: {}}}})
        with transaction.atomic():
            conversation = conversation_lock(self.id)
            if conversation.state in ("created", "ended"):
                return
            call_id = str(uuid.uuid4())
            handoff_start(conversation, payload, tool_call_id=call_id, source="machine")

    # ---- the workers ----

    @rule(worker=st.sampled_from([0, 1]), is_dead=st.booleans())
    def worker_takes_over(self, worker: int, is_dead: bool) -> None:
        handoff = self.handoff()
        if handoff is None:
            return
        if is_dead:
            Handoff.objects.filter(pk=handoff.pk).update(owner=None)
        for lease in handoffs_claim(self.workers[worker], handoff.pk):
            steps.opening_read(lease)

    @rule()
    def vendor_accepts(self) -> None:
        lease, handoff = self.lease(), self.handoff()
        if lease is not None and handoff is not None and handoff.state == "connecting":
            with handoff_leased(lease) as locked:
                handoff_accepted(locked, factories.vendor_session(), lease)

    @rule(kind=st.sampled_from(["start_failed", "listener_lost", "vendor_closed"]))
    def vendor_fails(self, kind: str) -> None:
        lease, error = self.lease(), CannotConnectError("x")
        if lease is not None:
            arguments = (lease,) if kind == "vendor_closed" else (lease, error)
            getattr(steps, kind)(*arguments)

    @rule(outcome=st.sampled_from(["sent", "retry", "refused"]))
    def worker_sends(self, outcome: str) -> None:
        lease = self.lease()
        pending = deliveries_pending(lease.handoff_id) if lease else []
        if lease is None or not pending:
            return
        if outcome == "sent":
            delivery_sent(lease, pending[0].id)
        else:
            error = CannotConnectError("x") if outcome == "retry" else RejectedError("x")
            delivery_refused(lease, pending[0], error)

    @rule()
    def worker_tells_the_end(self) -> None:
        lease = self.lease()
        if lease is not None and steps.vendor_end_due(lease) is not None:
            steps.vendor_end_done(lease)

    # ---- the vendor ----

    @rule(agent=AGENTS)
    def live_agent_joins(self, agent: str) -> None:
        self.receive(factories.joined(agent))

    @rule(agent=AGENTS)
    def live_agent_speaks(self, agent: str) -> None:
        self.receive(factories.spoke("Hello", agent))

    @rule(agent=AGENTS)
    def live_agent_leaves(self, agent: str) -> None:
        self.receive(factories.vendor_event(vendor_events.LiveAgentLeft, agent_id=agent))

    @rule(kind=st.sampled_from([vendor_events.ConversationEnded, vendor_events.NoLiveAgents]))
    def vendor_ends(self, kind: Any) -> None:
        self.receive(factories.vendor_event(kind))

    @rule(which=st.integers(0, 50))
    def vendor_repeats_itself(self, which: int) -> None:
        lease = self.lease()
        if lease is None or not self.received:
            return
        event = self.received[which % len(self.received)]
        before = len(self.journal())
        is_known = lease.handoff_id in _handoffs_with(event)
        factories.apply(lease, event)
        assert not is_known or len(self.journal()) == before

    # ---- the clock ----

    @precondition(lambda self: self.handoff() is not None)
    @rule(chance=st.integers(0, 3))
    def a_deadline_passes(self, chance: int) -> None:
        handoff = self.handoff()
        if handoff is not None and chance == 0:
            past = timezone.now() - timedelta(seconds=1)
            Handoff.objects.filter(pk=handoff.pk, deadline_at__isnull=False).update(
                deadline_at=past
            )
            handoff_reap(handoff.pk)

    # ---- what must hold ----

    @invariant()
    def numbers_have_no_gap_and_no_repeat(self) -> None:
        found = [event.sequence for event in self.journal()]
        assert found == list(range(1, len(found) + 1))
        assert Conversation.objects.get(pk=self.id).last_sequence == len(found)

    @invariant()
    def one_handoff_is_open_at_most(self) -> None:
        open_now = Handoff.objects.filter(conversation_id=self.id, state__in=OPEN_VALUES).count()
        is_handoff = Conversation.objects.get(pk=self.id).state == "handoff"
        assert open_now == int(is_handoff)

    @invariant()
    def nothing_follows_the_end(self) -> None:
        kinds = [event.type for event in self.journal()]
        is_ended = Conversation.objects.get(pk=self.id).state == "ended"
        assert kinds.count("SESSION_END") == int(is_ended)
        assert not is_ended or kinds[-1] == "SESSION_END"

    @invariant()
    def the_ai_agent_is_silent_between_leaving_and_joining(self) -> None:
        is_present = False
        for event in self.journal():
            if event.type == "POLY_AGENT_LEFT":
                assert is_present
            if event.type in ("POLY_AGENT_JOINED", "POLY_AGENT_LEFT"):
                is_present = event.type == "POLY_AGENT_JOINED"
            if event.type in ("POLY_AGENT_MESSAGE", "POLY_AGENT_TRIGGERED_HANDOFF"):
                assert is_present
            if event.type in ("LIVE_AGENT_MESSAGE", "LIVE_AGENT_JOINED"):
                assert not is_present
        if Conversation.objects.get(pk=self.id).state == "bot":
            assert is_present

    @invariant()
    def a_live_agent_says_goodbye_once_for_each_handoff(self) -> None:
        ended = Counter(event.type for event in self.journal())["LIVE_AGENT_LEFT"]
        active = Handoff.objects.filter(
            conversation_id=self.id, state=State.ENDED.value, joined_at__isnull=False
        )
        assert ended == active.count()

    @invariant()
    def every_message_of_a_handoff_is_accounted_for(self) -> None:
        lines = self.journal()
        noticed = {
            line.payload["message_id"]
            for line in lines
            if line.payload.get("code") == "handoff_forward_failed"
        }
        is_ended = Conversation.objects.get(pk=self.id).state == "ended"
        for delivery in Delivery.objects.filter(handoff__conversation_id=self.id):
            is_lost = delivery.status == Delivery.Status.FAILED
            if not is_ended:
                assert is_lost == (str(delivery.event_id) in noticed)
            if delivery.status == Delivery.Status.PENDING:
                handoff = delivery.handoff
                assert handoff.is_open or handoff.vendor_end_until is not None
        assert self._during_handoffs(lines) == set(
            Delivery.objects.filter(handoff__conversation_id=self.id).values_list(
                "event_id", flat=True
            )
        )

    def _during_handoffs(self, lines: list[Event]) -> set[uuid.UUID]:
        """Return the messages written while a handoff was open, told from the journal alone."""
        found, is_open = set(), False
        for line in lines:
            if line.type == "POLY_AGENT_TRIGGERED_HANDOFF":
                is_open = True
            elif line.type in ("POLY_AGENT_JOINED", "HANDOFF_FAILED", "SESSION_END"):
                is_open = False
            elif line.type == "USER_MESSAGE" and is_open and line.payload["text"] != "stop":
                found.add(line.pk)
        return found

    @invariant()
    def a_failure_leads_back_to_the_ai_agent(self) -> None:
        conversation = Conversation.objects.get(pk=self.id)
        handoff = self.handoff()
        if handoff is not None and handoff.state == "failed":
            assert conversation.state in ("bot", "ended")
        assert (handoff_open(self.id) is not None) == (conversation.state == "handoff")


def _handoffs_with(event: Any) -> set[str]:
    found = Handoff.objects.filter(vendor_events__vendor_event_id=event.vendor_event_id)
    return set(found.values_list("pk", flat=True))


class TestAnyOrder(ConversationMachine.TestCase, TestCase):
    """Every example runs in a transaction of its own, which is rolled back."""

    settings = settings(
        max_examples=2,
        stateful_step_count=20,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.mark.long
class TestAnyOrderAtLength(TestAnyOrder):
    """The same, as often as it takes to come upon what is rare."""

    settings = settings(TestAnyOrder.settings, max_examples=40, stateful_step_count=40)
