"""Every deadline there is: what is waited for, how long, and what happens then.

`docs/architecture.md` shows this table; nothing else in handoffs reads these settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from handoffs.models import Handoff


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """How long something may last: a setting of the deployment, or the same everywhere.

    `behaviour` names what an admin may set for an integration instead.
    """

    lasts: str
    then: str
    setting: str = ""
    fixed: timedelta = timedelta(0)
    behaviour: str = ""

    @property
    def after(self) -> timedelta:
        """Return how long it may last; settings are read at that moment."""
        if not self.setting:
            return self.fixed
        value = getattr(settings, self.setting)
        return timedelta(days=value) if self.setting.endswith("_DAYS") else timedelta(seconds=value)

    def from_now(self) -> datetime:
        """Return when it is over for what begins now."""
        return timezone.now() + self.after

    def past(self) -> datetime:
        """Return the moment before which everything has lasted too long."""
        return timezone.now() - self.after


# ---- a handoff ----

OPENING = Deadline(
    lasts="a handoff that is not open at its vendor",
    setting="HANDOFF_CONNECT_SECONDS",
    then="the fallback is tried, or it has failed: `cannot_connect`",
)
OPENING_CALL = Deadline(
    lasts="one of three calls that open it",
    fixed=timedelta(seconds=15),
    then="the next call, then as above",
)
QUEUE = Deadline(
    lasts="a handoff in the vendor's queue",
    setting="HANDOFF_QUEUE_MAX_SECONDS",
    behaviour="Give up waiting after",
    then="HANDOFF_TIMEOUT: `wait_timeout`; the AI agent answers again",
)
ACTIVE_SILENCE = Deadline(
    lasts="a talk without any sign of a live agent",
    setting="HANDOFF_ACTIVE_SILENCE_SECONDS",
    then="it ends: `idle_timeout`",
)
SILENCE_WARNING = Deadline(
    lasts="before a silent talk is closed",
    fixed=timedelta(seconds=60),
    behaviour="Close after silence of",
    then="the end user is warned, then it ends: `idle_timeout`",
)
CONVERSATION_IDLE = Deadline(
    lasts="a conversation whose client gives no sign of life, without a handoff",
    setting="SESSION_IDLE_SECONDS",
    then="it ends: `REASON_USER_ABANDONED`",
)
AWAY = Deadline(
    lasts="the same with a handoff",
    setting="HANDOFF_AWAY_SECONDS",
    then="the live agent is told that the end user is away, where the vendor can show it; the "
    "place is kept, and the talk goes on",
)
PLACE_KEPT = Deadline(
    lasts="the place in the queue of an end user who is away",
    setting="HANDOFF_PLACE_KEPT_SECONDS",
    behaviour="Give up waiting after",
    then="it ends, and its conversation: `end_user_left`",
)

# ---- messages, and the end at the vendor ----

DELIVERY = Deadline(
    lasts="a message that the vendor has not taken",
    setting="DELIVERY_DEADLINE_SECONDS",
    then="it is shown as not delivered",
)
LAST_LINES = Deadline(
    lasts="the same after the end user has ended",
    fixed=timedelta(seconds=30),
    then="it is shown as not delivered, then SESSION_END",
)
VENDORS_OWN_END = Deadline(
    lasts="a vendor whose answer tells of an end that did not come",
    fixed=timedelta(seconds=5),
    then="Baton concludes the end: `vendor_closed`",
)
VENDOR_END = Deadline(
    lasts="an end that the vendor has not confirmed",
    setting="VENDOR_END_DEADLINE_SECONDS",
    then="it is not told any more",
)
NO_WORKER = Deadline(
    lasts="the last three beyond their time, when no worker owns the handoff",
    fixed=timedelta(seconds=60),
    then="the reaper does what the session would",
)
LOST_WAKE_UP = Deadline(
    lasts="a handoff or an answer that nobody has taken",
    fixed=timedelta(seconds=3),
    then="it is queued again",
)

# ---- what is kept ----

VENDOR_CALLS_KEPT = Deadline(
    lasts="the record of a vendor call", setting="VENDOR_CALL_KEEP_DAYS", then="it is deleted"
)
WEBHOOKS_KEPT = Deadline(
    # Longer than any vendor repeats a call.
    lasts="a webhook that was stored",
    fixed=timedelta(days=3),
    then="it is deleted",
)
WORKERS_KEPT = Deadline(
    lasts="the row of a relay worker that is gone",
    fixed=timedelta(days=1),
    then="it is deleted",
)

DEADLINES = (
    OPENING,
    OPENING_CALL,
    QUEUE,
    ACTIVE_SILENCE,
    SILENCE_WARNING,
    CONVERSATION_IDLE,
    AWAY,
    PLACE_KEPT,
    DELIVERY,
    LAST_LINES,
    VENDORS_OWN_END,
    VENDOR_END,
    NO_WORKER,
    LOST_WAKE_UP,
    VENDOR_CALLS_KEPT,
    WEBHOOKS_KEPT,
    WORKERS_KEPT,
)


# ---- what an integration sets ----


def wait_message_at(handoff: Handoff) -> datetime | None:
    """Return when the next waiting message is due; None where none is wanted."""
    behaviour = handoff.behaviour
    if behaviour.queue_messages == "off":
        return None
    return timezone.now() + timedelta(seconds=behaviour.queue_message_interval_seconds)


def silence(handoff: Handoff) -> timedelta | None:
    """Return the silence after which a handoff is closed; None where it never is."""
    minutes = handoff.behaviour.inactivity_minutes
    return timedelta(minutes=minutes) if minutes else None


def warning_lead(limit: timedelta) -> timedelta:
    """Return how long before the end the warning comes: never more than half the silence."""
    return min(SILENCE_WARNING.after, limit / 2)


def silence_check_at(handoff: Handoff) -> datetime | None:
    """Return when to look for the first time whether the end user has gone silent."""
    limit = silence(handoff)
    return timezone.now() + limit - warning_lead(limit) if limit else None
