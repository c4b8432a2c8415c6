"""No state lasts for ever: end what has passed its deadline, delete what is old."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from conversations.files.attachments import attachments_purge
from conversations.journal.frames import SessionEnd
from conversations.journal.holds import conversations_held, texts_held
from conversations.journal.services import conversation_end, conversation_lock
from conversations.models import Conversation
from conversations.models.conversation import TEXT_PLATFORM
from handoffs.clocks.sweeping import SWEEP_BATCH, each
from handoffs.lifecycle.deadlines import (
    CONVERSATION_IDLE,
    PLACE_KEPT,
    VENDOR_CALLS_KEPT,
    WEBHOOKS_KEPT,
    WORKERS_KEPT,
)
from handoffs.lifecycle.fallback import handoff_unavailable
from handoffs.lifecycle.in_use import integrations_in_use
from handoffs.lifecycle.locking import handoff_locked, handoff_save
from handoffs.lifecycle.services import handoff_end, handoff_fail, wait_is_bounded
from handoffs.models import Handoff, RelayWorker, StoredWebhook
from handoffs.relay.leases import UNFINISHED
from handoffs.starting.start import handoff_open
from handoffs.states import OPEN_VALUES, EndReason, State
from integrations.connections.services import credentials_purge
from integrations.models import VendorCall, VendorToken


def reap_all() -> None:
    """End overdue handoffs and abandoned conversations, each in a transaction of its own."""
    now = timezone.now()
    overdue = Handoff.objects.filter(deadline_at__lt=now, state__in=OPEN_VALUES)
    each(handoff_reap, list(overdue.values_list("pk", flat=True)[:SWEEP_BATCH]))
    # Those that are closing have a deadline of their own (overdue.py).
    idle = Conversation.objects.filter(last_seen_at__lt=CONVERSATION_IDLE.past()).exclude(
        state__in=[Conversation.State.CLOSING, Conversation.State.ENDED]
    )
    # Threads of text messages have no socket, and a clock of their own (conversations/sms).
    idle = idle.exclude(platform=TEXT_PLATFORM)
    # Of those with a handoff only who waits may have been away for too long.
    with_people = Q(state=Conversation.State.HANDOFF)
    idle = idle.exclude(with_people & (~Q(api_channel="") | Q(last_seen_at__gte=PLACE_KEPT.past())))
    idle = idle.exclude(with_people & Q(handoffs__state=State.ACTIVE.value))
    each(conversation_reap, list(idle.values_list("pk", flat=True)[:SWEEP_BATCH]))


def handoff_reap(handoff_id: str) -> None:
    """Fail or end one handoff whose deadline has passed; a deadline moved meanwhile counts."""
    with handoff_locked(handoff_id) as handoff:
        if handoff.deadline_at is None or handoff.deadline_at > timezone.now():
            return
        match State(handoff.state):
            case State.REQUESTED | State.CONNECTING:
                late = "Not opened within the time allowed."
                if changed := handoff_unavailable(handoff, "cannot_connect", late):
                    handoff_save(handoff, changed)
            case State.QUEUED:
                handoff_fail(handoff, "wait_timeout")
            case State.ACTIVE:
                handoff_end(handoff, EndReason.IDLE_TIMEOUT)


@transaction.atomic
def conversation_reap(conversation_id: str) -> None:
    """End a conversation that no client has shown a sign of life for.

    A phone that sleeps is not gone: with a handoff, that one's clocks decide.
    """
    conversation = conversation_lock(conversation_id)
    is_idle = conversation.last_seen_at < CONVERSATION_IDLE.past()
    if conversation.is_over or not is_idle or _is_with_live_agents(conversation):
        return
    handoff = handoff_open(conversation_id)
    if handoff is None:
        conversation_end(conversation, SessionEnd.USER_ABANDONED)
        return
    handoff.conversation = conversation
    if _has_lost_its_place(handoff):
        handoff_end(handoff, EndReason.END_USER_LEFT)


def _has_lost_its_place(handoff: Handoff) -> bool:
    """Say whether who is away has waited too long; a waiting time that is set ends it by itself."""
    is_bounded = State(handoff.state) is State.ACTIVE or wait_is_bounded(handoff)
    return not is_bounded and handoff.conversation.last_seen_at < PLACE_KEPT.past()


def _is_with_live_agents(conversation: Conversation) -> bool:
    """Say whether a client of the Chat API may be silent: it hears of a handoff by webhooks.

    The handoff has clocks of its own; when it is over, the client has as long as ever to go on.
    """
    if not conversation.api_channel:
        return False
    open_or_new = Q(ended_at=None) | Q(ended_at__gte=CONVERSATION_IDLE.past())
    return Handoff.objects.filter(open_or_new, conversation=conversation).exists()


def clean_up_old() -> None:
    """Delete old vendor calls and files, expired tokens and workers that are long gone."""
    now = timezone.now()
    old_calls = VendorCall.objects.filter(at__lt=VENDOR_CALLS_KEPT.past())
    held = Handoff.objects.filter(conversation__in=conversations_held())
    old_calls = old_calls.exclude(reference__in=held.values("pk"))
    old_calls.exclude(reference__in=texts_held()).delete()
    credentials_purge(in_use=integrations_in_use())
    StoredWebhook.objects.filter(received_at__lt=WEBHOOKS_KEPT.past()).delete()
    VendorToken.objects.filter(expires_at__lt=now).delete()
    attachments_purge()
    unfinished = Handoff.objects.filter(UNFINISHED, owner=OuterRef("pk"))
    gone = RelayWorker.objects.filter(heartbeat_at__lt=WORKERS_KEPT.past())
    gone.exclude(Exists(unfinished)).delete()
