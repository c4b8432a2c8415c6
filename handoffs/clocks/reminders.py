"""Tell end users something when time has passed: that they still wait, that they are silent."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from conversations.journal import publish
from conversations.journal.frames import EventType, transient_frame
from conversations.journal.services import events_append, system_event
from conversations.models import Event
from handoffs.clocks.sweeping import SWEEP_BATCH, each
from handoffs.lifecycle.deadlines import silence, wait_message_at, warning_lead
from handoffs.lifecycle.locking import handoff_locked, handoff_save
from handoffs.lifecycle.notices import text_for, wait_text
from handoffs.lifecycle.services import handoff_end
from handoffs.models import Handoff
from handoffs.states import OPEN_VALUES, EndReason, State

_SPOKEN = (EventType.USER_MESSAGE, EventType.LIVE_AGENT_MESSAGE)


def reminders_send() -> None:
    """Look at every handoff whose time has come, each in a transaction of its own."""
    due = Handoff.objects.filter(remind_at__lt=timezone.now(), state__in=OPEN_VALUES)
    due = due.order_by("remind_at")
    each(handoff_remind, list(due.values_list("pk", flat=True)[:SWEEP_BATCH]))


def handoff_remind(handoff_id: str) -> None:
    """Do what is due for one handoff and plan the next look; too early changes nothing."""
    with handoff_locked(handoff_id) as handoff:
        if handoff.remind_at is None or handoff.remind_at > timezone.now():
            return
        match State(handoff.state):
            case State.QUEUED:
                _say_wait(handoff)
            case State.ACTIVE:
                _watch_silence(handoff)
            case _:
                _look_again(handoff, None)


def _say_wait(handoff: Handoff) -> None:
    again_at = wait_message_at(handoff)
    if again_at is not None:
        text = wait_text(handoff)
        handoff.queue_status = {**handoff.queue_status, "display_message": text}
        frame = transient_frame(EventType.HANDOFF_QUEUE_STATUS, handoff.queue_status)
        publish.transient_publish(handoff.conversation_id, frame)
    _look_again(handoff, again_at, "queue_status")


def _watch_silence(handoff: Handoff) -> None:
    limit = silence(handoff)
    if limit is None:
        _look_again(handoff, None)
        return
    lead, since, now = warning_lead(limit), _last_word_at(handoff), timezone.now()
    warned_at = handoff.idle_warned_at
    if warned_at is not None and warned_at >= since:
        if now >= warned_at + lead:
            _close(handoff)
        else:
            _look_again(handoff, warned_at + lead)
    elif now >= since + limit - lead:
        _warn(handoff, lead)
    else:
        _look_again(handoff, since + limit - lead)


def _last_word_at(handoff: Handoff) -> datetime:
    """Return when somebody last spoke to a live agent or was spoken to by one."""
    lines = Event.objects.filter(conversation_id=handoff.conversation_id, type__in=_SPOKEN)
    said_at = lines.order_by("-sequence").values_list("created_at", flat=True).first()
    joined_at = handoff.joined_at or handoff.requested_at
    return max(joined_at, said_at) if said_at else joined_at


def _warn(handoff: Handoff, lead: timedelta) -> None:
    seconds = int(lead.total_seconds())
    frame = transient_frame(EventType.SESSION_IDLE_WARNING, {"seconds_left": seconds})
    publish.transient_publish(handoff.conversation_id, frame)
    text = text_for(handoff, "inactivity_warning")
    events_append(handoff.conversation, [system_event(text, code="inactivity_warning")])
    handoff.idle_warned_at = timezone.now()
    _look_again(handoff, handoff.idle_warned_at + lead, "idle_warned_at")


def _close(handoff: Handoff) -> None:
    line = system_event(text_for(handoff, "conversation_closed"), code="conversation_closed")
    events_append(handoff.conversation, [line])
    handoff_end(handoff, EndReason.IDLE_TIMEOUT)


def _look_again(handoff: Handoff, at: datetime | None, *changed: str) -> None:
    handoff.remind_at = at
    handoff_save(handoff, ["remind_at", *changed])
