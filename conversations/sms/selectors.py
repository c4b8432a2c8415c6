"""What the page of text messages shows, read in few queries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from conversations.journal.erasing import GONE, NUMBER_GONE
from conversations.models import Channel, SmsInbound, SmsOutbound, SmsThread
from conversations.sms.fates import OPTED_OUT
from conversations.survey.settings import survey_settings
from integrations.connections.carriers.reading import (
    carrier_connections,
    connection_policy,
    error_cause,
)
from integrations.models import Integration, Project

Out = SmsOutbound.Status
_OFF = "Off"
_BADGES = {
    Out.DELIVERED: "ok",
    Out.SENT: "info",
    Out.TAKEN: "info",
    Out.UNDELIVERED: "error",
    Out.FAILED: "error",
}
# Why a text of an end user was not passed on.
_NOTES = {
    "keyword": "STOP, START or HELP: the carrier's affair",
    OPTED_OUT: "Its sender wants no texts",
    "repeated": "The same text again and again: a machine",
    GONE: "Its sender was erased",
    "survey": "The answer to the survey",
    "empty": "Neither words nor a file",
    "given_up": "It could not be passed on; the log says why",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberView:
    """A number that end users write to."""

    number: str
    connection: Integration
    variant: str
    threads: int
    waiting: int
    lost: int
    # Whether end users are asked how it was, and the channel where that is set.
    survey: str
    channel: Channel | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TextView:
    """One text, without what it says: the conversation has that."""

    at: datetime
    theirs: str
    ours: str
    environment: str
    status: str
    badge: str
    segments: int
    encoding: str = ""
    reason: str = ""
    conversation_id: str = ""


def number_views(project: Project) -> list[NumberView]:
    """Return the numbers of all connections, with what waits there and what was lost in a day."""
    channels = {one.environment: one for one in project.channels.filter(kind=Channel.Kind.SMS)}
    return [
        one
        for row in carrier_connections(project)
        for one in _numbers(row, channels.get(row.environment))
    ]


def _survey_state(channel: Channel | None) -> str:
    if channel is None:
        return _OFF
    chosen = survey_settings(channel)
    return "On" if chosen.after_ai_agent or chosen.after_live_agent else _OFF


def _numbers(row: Integration, channel: Channel | None) -> Iterator[NumberView]:
    policy = connection_policy(row)
    day = timezone.now() - timedelta(days=1)
    threads = SmsThread.objects.filter(integration=row).values("our_number")
    lost = Q(outbound__status__in=(Out.FAILED, Out.UNDELIVERED), outbound__created_at__gt=day)
    counted = {
        one["our_number"]: one
        for one in threads.annotate(
            threads=Count("pk", distinct=True),
            waiting=Count(
                "outbound",
                distinct=True,
                filter=Q(outbound__status__in=(Out.WAITING, Out.SENDING)),
            ),
            lost=Count("outbound", distinct=True, filter=lost),
        )
    }
    for number in dict.fromkeys([*policy.numbers, *counted]):
        found: Mapping[str, Any] = counted.get(number, {})
        yield NumberView(
            number=number,
            connection=row,
            variant=policy.variants.get(number, ""),
            threads=found.get("threads", 0),
            waiting=found.get("waiting", 0),
            lost=found.get("lost", 0),
            survey=_survey_state(channel),
            channel=channel,
        )


def texts_out(project: Project) -> QuerySet[SmsOutbound]:
    """Return what was texted, newest first."""
    rows = SmsOutbound.objects.filter(thread__integration__project=project)
    return rows.select_related("thread__integration", "event").order_by("-created_at", "-place")


def texts_in(project: Project) -> QuerySet[SmsInbound]:
    """Return what came in, newest first."""
    rows = SmsInbound.objects.filter(integration__project=project)
    return rows.select_related("thread__integration").order_by("-received_at", "-pk")


def out_view(row: SmsOutbound, *, is_shown: bool) -> TextView:
    """Return one line of what was texted."""
    integration, status = row.thread.integration, Out(row.status)
    is_waiting = status in (Out.WAITING, Out.SENDING)
    return TextView(
        at=row.created_at,
        theirs=shown_number(row.thread.user_number, is_shown=is_shown),
        ours=row.thread.our_number,
        environment=integration.get_environment_display(),
        status="Tried again" if is_waiting and row.attempts else str(status.label),
        badge="warning" if is_waiting and row.attempts else _BADGES.get(status, ""),
        segments=row.segments,
        encoding=row.encoding,
        reason=_reason(integration, row.error_code),
        conversation_id=row.event.conversation_id if row.event else "",
    )


def in_view(row: SmsInbound, *, is_shown: bool) -> TextView:
    """Return one line of what came in."""
    integration = row.thread.integration
    is_dropped = row.status == SmsInbound.Status.DROPPED
    return TextView(
        at=row.received_at,
        theirs=shown_number(row.thread.user_number, is_shown=is_shown),
        ours=row.thread.our_number,
        environment=integration.get_environment_display(),
        status=str(SmsInbound.Status(row.status).label),
        badge="warning" if is_dropped else "ok" if row.status == SmsInbound.Status.TAKEN else "",
        segments=row.segments,
        reason=_NOTES.get(row.note, row.note),
    )


def shown_number(number: str, *, is_shown: bool) -> str:
    """Return a number, or its end alone for whoever may not see personal data."""
    if number.startswith(NUMBER_GONE):
        return "Erased"
    return number if is_shown else f"•••{number[-2:]}"


def _reason(integration: Integration, code: str) -> str:
    if not code:
        return ""
    if code == OPTED_OUT:
        return "The end user has opted out."
    if code == GONE:
        return "The end user was erased."
    found = error_cause(integration, code)
    return f"{found.cause} {found.cure}" if found else code.replace("_", " ").capitalize()
