"""A week of conversations in the gallery's project: answered, abandoned, failed, not handed off."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.utils import timezone

from conversations.journal.frames import EventType
from conversations.journal.services import Visitor, conversation_lock
from conversations.models import (
    Channel,
    Conversation,
    ConversationSearch,
    Event,
    LogEntry,
    Survey,
    Tag,
)
from handoffs.lifecycle.locking import Lease, handoff_leased
from handoffs.lifecycle.services import (
    handoff_accepted,
    handoff_connecting,
    handoff_end,
    handoff_fail,
)
from handoffs.models import Handoff, HandoffTransition
from handoffs.payload.reading import payload_read
from handoffs.portal.analytics.facts import facts_write
from handoffs.portal.conversations.marks import note_create, tag_put
from handoffs.portal.conversations.search_fill import search_refresh
from handoffs.relay.screen_pop.links import transcript_url
from handoffs.starting.start import handoff_start
from handoffs.states import EndReason
from integrations.models import Integration, Project, VendorCall
from tests import factories
from tests.journeys.gallery.clock import ago

PEOPLE = (
    ("Ada Lindqvist", "ada.lindqvist@mail.example", "+46 70 123 45 67"),
    ("Bilal Qureshi", "bilal.q@mail.example", "+44 20 7946 0018"),
    ("Chiara Rossi", "chiara.rossi@mail.example", "+39 06 5550 1234"),
    ("Dmitri Volkov", "d.volkov@mail.example", "+49 30 5550 1234"),
    ("Elif Yılmaz", "elif@mail.example", "+90 212 555 01 23"),
    ("François Lefèvre", "f.lefevre@mail.example", "+33 1 55 50 12 34"),
)
QUESTIONS = (
    ("My book arrived with a torn cover.", "Damaged order", "Returns"),
    ("The parcel is two weeks late now.", "Late parcel", "Trouble with an order"),
    ("Do you have a first edition of Orlando?", "Rare book", "Gift vouchers"),
    ("I was charged twice for order 40912.", "Billing", "Returns"),
)
LIVE_AGENTS = ("Noor Halvorsen", "Tomás Brandt", "Inès Moreau")


class Plot(NamedTuple):
    """How one conversation goes: when, how long somebody waits, and how it ends."""

    hours: float
    wait: int = 0
    handle: int = 0
    ends: str = ""


# Hours before now, seconds until a live agent, seconds with one, and the end.
PLOTS = (
    *(Plot(3 + 9.5 * n, 14 + 11 * (n % 6), 140 + 55 * (n % 5), "answered") for n in range(14)),
    *(Plot(6 + 31 * n, 0, 0, "abandoned") for n in range(4)),
    *(Plot(1.2 + 26 * n, 0, 0, "failed") for n in range(5)),
    *(Plot(2.5 + 13 * n, 0, 0, "contained") for n in range(10)),
)


def talk(
    project: Project, channel: Channel, found: list[Integration], admin: User
) -> dict[str, Any]:
    """Let everybody talk, and return the ids of one conversation and of its handoff."""
    made = [_one(number, plot, channel, found) for number, plot in enumerate(PLOTS)]
    ids = [one.pk for one in made]
    _mark(made, admin)
    facts_write(ids)
    search_refresh(ids)
    ConversationSearch.objects.filter(conversation__in=ids).update(is_final=True)
    handoff = Handoff.objects.get(conversation=made[0])
    _calls(handoff, found[0])
    _log(project, made)
    return {
        "conversation_id": made[0].pk,
        "handoff_id": handoff.pk,
        "transcript": transcript_url(handoff).rstrip("/").rpartition("/")[2],
    }


def _one(number: int, plot: Plot, channel: Channel, found: list[Integration]) -> Conversation:
    name, email, phone = PEOPLE[number % len(PEOPLE)]
    question, reason, topic = QUESTIONS[number % len(QUESTIONS)]
    visitor = Visitor(
        external_id=email, is_verified=True, name=name, email=email, phone=phone, locale="en"
    )
    made = factories.conversation(channel, visitor=visitor)
    factories.said(made, question)
    if plot.ends == "contained":
        answer = "Let me look that up. It will be with you on Thursday."
        factories.said(made, answer, EventType.POLY_AGENT_MESSAGE)
        factories.said(made, "Thank you, that helps.")
    else:
        factories.said(made, "I will find someone for you.", EventType.POLY_AGENT_MESSAGE)
        _hand_over(made, plot, reason, topic, LIVE_AGENTS[number % len(LIVE_AGENTS)])
    _end(made, plot)
    _rate(made, plot, number)
    return made


def _hand_over(made: Conversation, plot: Plot, reason: str, topic: str, agent: str) -> None:
    payload = {"text_chat": {factories.INTEGRATION_KEY: {}}, "reason": reason}
    handoff = handoff_start(
        conversation_lock(made.pk),
        payload_read({"utterance": "", "handoff": payload}),
        tool_call_id=str(uuid.uuid4()),
        source="transfer_to_person",
    )
    assert handoff is not None
    Handoff.objects.filter(pk=handoff.pk).update(topic=topic, reason=reason, queue="Order desk")
    lease = factories.claim(handoff, factories.worker("relay1"))
    with handoff_leased(lease) as locked:
        handoff_connecting(locked, lease)
    if plot.ends == "failed":
        with handoff_leased(lease) as locked:
            handoff_fail(locked, "invalid_auth", "Salesforce refused the sign-in.", lease=lease)
        return
    with handoff_leased(lease) as locked:
        handoff_accepted(locked, factories.vendor_session(), lease)
    if plot.ends == "abandoned":
        _finish(lease, EndReason.CANCELLED)
        return
    factories.apply(lease, factories.joined(agent_name=agent))
    factories.apply(lease, factories.spoke(f"Hello, this is {agent.split()[0]}. One moment."))
    factories.said(made, "Thank you. It is order 40912.")
    factories.apply(lease, factories.spoke("I have sent a new copy; it arrives on Thursday."))
    factories.said(made, "That was quick. Goodbye.")
    _finish(lease, EndReason.LIVE_AGENT_ENDED)


def _finish(lease: Lease, reason: EndReason) -> None:
    with handoff_leased(lease) as locked:
        handoff_end(locked, reason, lease=lease)


def _end(made: Conversation, plot: Plot) -> None:
    """Move it back in time: its lines lie evenly between its moments."""
    start = ago(hours=plot.hours)
    lines = list(Event.objects.filter(conversation=made).order_by("sequence"))
    handoff = Handoff.objects.filter(conversation=made).first()
    asked = start + timedelta(seconds=50)
    joined = asked + timedelta(seconds=plot.wait)
    ended = joined + timedelta(seconds=plot.handle or 45)
    for line in lines:
        share = (line.sequence - 1) / max(1, len(lines) - 1)
        at = start + share * (ended - start)
        Event.objects.filter(pk=line.pk).update(created_at=at)
    Conversation.objects.filter(pk=made.pk).update(
        state="ended", started_at=start, ended_at=ended, last_seen_at=ended
    )
    made.refresh_from_db()
    if handoff:
        _move(handoff, asked, joined if plot.wait else None, ended)


def _move(handoff: Handoff, asked: datetime, joined: datetime | None, ended: datetime) -> None:
    accepted = asked + timedelta(seconds=2) if handoff.accepted_at else None
    Handoff.objects.filter(pk=handoff.pk).update(
        requested_at=asked,
        accepted_at=accepted,
        joined_at=joined,
        ended_at=ended,
        vendor_end_until=None,
    )
    times = {"requested": asked, "connecting": asked + timedelta(milliseconds=300)}
    times |= {"queued": accepted or asked, "active": joined or asked}
    for row in HandoffTransition.objects.filter(handoff=handoff):
        at = times.get(row.to_state, ended)
        HandoffTransition.objects.filter(pk=row.pk).update(at=at)
    for delivery in handoff.deliveries.select_related("event"):
        at = delivery.event.created_at
        handoff.deliveries.filter(pk=delivery.pk).update(
            status="read", created_at=at, sent_at=at + timedelta(milliseconds=180)
        )


def _rate(made: Conversation, plot: Plot, number: int) -> None:
    if plot.ends in ("answered", "contained") and number % 3:
        is_live = plot.ends == "answered"
        Survey.objects.create(
            conversation=made,
            subject=Survey.Subject.BOTH if is_live else Survey.Subject.BOT,
            asked_at=made.ended_at,
            deadline_at=made.ended_at + timedelta(minutes=5),
            answered_at=made.ended_at + timedelta(seconds=20),
            bot_score=3 + number % 3,
            live_agent_score=4 + number % 2 if is_live else None,
            comment="Friendly and quick." if is_live else "",
        )


def _mark(made: list[Conversation], admin: User) -> None:
    for one, name in ((made[0], "damaged"), (made[1], "late"), (made[3], "billing")):
        tag_put(conversation=one, name=name, actor=admin)
    Tag.objects.update_or_create(project=made[0].project, name="press", defaults={})
    note_create(conversation=made[0], text="The courier has been told.", actor=admin)


def _calls(handoff: Handoff, integration: Integration) -> None:
    """Write down what was asked of the vendor in the newest talk."""
    rows = (
        (0.4, "access token", "/iamessage/api/v2/authorization/unauthenticated/access-token", 200),
        (0.9, "create conversation", "/iamessage/api/v2/conversation", 201),
        (30, "send message", "/iamessage/api/v2/conversation/8c1f/message", 503),
        (31, "send message", "/iamessage/api/v2/conversation/8c1f/message", 202),
    )
    for seconds, operation, path, status in rows:
        VendorCall.objects.create(
            integration=integration,
            reference=handoff.pk,
            operation=operation,
            method="POST",
            path=path,
            status=status,
            duration_ms=int(90 + seconds),
            request_body={"message": {"text": "••••"}} if "send" in operation else None,
            response_body={"id": "8c1f"},
            at=handoff.requested_at + timedelta(seconds=seconds),
        )


def _log(project: Project, made: list[Conversation]) -> None:
    rows: tuple[tuple[float, str, str, str, str], ...] = (
        (0.3, "info", "order_status", "", "Order 40912 was looked up."),
        (0.6, "warning", "order_status", "slow", "The shop answered after 3.2 s."),
        (1.3, "error", "transfer_to_person", "invalid_auth", "Salesforce refused the sign-in."),
        (4.0, "error", "order_status", "tool_error", "KeyError: 'state' in line 5"),
    )
    for number, (hours, level, source, code, content) in enumerate(rows):
        entry = LogEntry.objects.create(
            project=project,
            conversation=made[number],
            level=level,
            source=source,
            code=code,
            content=content,
        )
        LogEntry.objects.filter(pk=entry.pk).update(at=timezone.now() - timedelta(hours=hours))
