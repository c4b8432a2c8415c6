"""Tell live agents, where their vendor can show it, that the end user is away, and is back."""

from __future__ import annotations

from typing import Literal

from django.db.models import QuerySet
from django.utils import timezone

from conversations.journal import publish
from conversations.journal.frames import RelaySignal
from conversations.models import Channel
from handoffs.clocks.sweeping import SWEEP_BATCH
from handoffs.lifecycle.deadlines import AWAY
from handoffs.models import Handoff
from handoffs.states import State


def presence_note_all() -> None:
    """Note whose phone sleeps and whose has woken; what is lost on the way is told no more."""
    with_people = Handoff.objects.filter(
        state__in=[State.QUEUED.value, State.ACTIVE.value],
        owner__isnull=False,
        # Others have no sign of life to give.
        conversation__api_channel="",
        conversation__channel__kind=Channel.Kind.WEBCHAT,
    )
    seen_last = AWAY.past()
    gone = with_people.filter(away_since=None, conversation__last_seen_at__lt=seen_last)
    back = with_people.filter(away_since__isnull=False, conversation__last_seen_at__gte=seen_last)
    _note(gone, "away")
    _note(back, "back")


def _note(handoffs: QuerySet[Handoff], signal: Literal["away", "back"]) -> None:
    since = timezone.now() if signal == "away" else None
    for handoff_id, owner_id in list(handoffs.values_list("pk", "owner_id")[:SWEEP_BATCH]):
        if handoffs.filter(pk=handoff_id).update(away_since=since):
            publish.relay_signal(owner_id, _signal(handoff_id, signal))


def _signal(handoff_id: str, signal: Literal["away", "back"]) -> RelaySignal:
    return {
        "type": "relay.signal",
        "handoff_id": handoff_id,
        "signal": signal,
        "vendor_message_id": "",
    }
