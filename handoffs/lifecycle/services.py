"""Move a handoff through its states; the only writer of `state`."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from conversations.ai_agent.flows.position import after_handoff
from conversations.ai_agent.runtimes.runtime import outside_agent, session_after_return
from conversations.journal import publish
from conversations.journal.frames import EventType, SessionEnd
from conversations.journal.services import (
    NewEvent,
    agent_joined_event,
    conversation_end,
    events_append,
)
from conversations.models import Conversation, Destination, Event
from conversations.releases.content import content_of
from conversations.webhooks.event_types import WebhookType
from handoffs.lifecycle.deadlines import ACTIVE_SILENCE, QUEUE, VENDOR_END, wait_message_at
from handoffs.lifecycle.deliveries import (
    deliveries_abandon,
    deliveries_are_pending,
    deliveries_give_up,
    deliveries_taken,
)
from handoffs.lifecycle.locking import Lease, handoff_save
from handoffs.lifecycle.queueing import queue_agent_news, queue_answer, queue_waiting_flow
from handoffs.lifecycle.webhooks import agent_tell, handoff_tell
from handoffs.models import Handoff, HandoffTransition, VendorKey
from handoffs.states import EndReason, State, Trigger, next_state
from integrations.contract.connector import VendorSession
from integrations.contract.registry import manifest_get
from integrations.kit.plain_json import text_cleaned

logger = logging.getLogger(__name__)

_SESSION_END = {
    EndReason.END_USER_ENDED: SessionEnd.USER_END,
    EndReason.STOP_WORD: SessionEnd.USER_END,
    EndReason.END_USER_LEFT: SessionEnd.USER_ABANDONED,
}
# An end without a human part.
_NOBODY_CAME = frozenset({EndReason.CANCELLED.value, EndReason.TICKET_OPENED.value})
# Who is gone already needs no word to the vendor, unless a message may have crossed the end.
_VENDOR_KNOWS = frozenset(
    {
        EndReason.LIVE_AGENT_ENDED,
        EndReason.VENDOR_CLOSED,
        EndReason.VENDOR_IDLE,
        EndReason.VENDOR_TIME_LIMIT,
    }
)


def handoff_move(handoff: Handoff, trigger: Trigger, *, detail: str = "") -> None:
    """Take one step of the table and log it; saves nothing of the handoff itself."""
    before = State(handoff.state)
    handoff.state = next_state(before, trigger).value
    HandoffTransition.objects.create(
        handoff=handoff,
        from_state=before.value,
        to_state=handoff.state,
        trigger=trigger.value,
        detail=detail[:400],
    )
    logger.info(
        "Handoff %s: %s to %s", handoff.pk, before.value, handoff.state, extra={"code": detail[:40]}
    )


def handoff_connecting(handoff: Handoff, lease: Lease) -> None:
    """Enter connecting for the session that claimed; repeating it changes nothing."""
    if State(handoff.state) is not State.REQUESTED:
        return
    handoff_move(handoff, Trigger.CLAIMED)
    handoff_save(handoff, ["state"], lease)
    events_append(handoff.conversation, [NewEvent(type=EventType.POLY_AGENT_LEFT)])


def handoff_accepted(handoff: Handoff, session: VendorSession, lease: Lease) -> None:
    """The vendor has opened its conversation: keep what is needed to carry on."""
    keys_store(handoff, session)
    handoff.vendor_conversation_id = session.vendor_conversation_id
    handoff.vendor_session = session_store(session)
    fields = ["vendor_conversation_id", "vendor_session"]
    if State(handoff.state) is State.CONNECTING:
        handoff_move(handoff, Trigger.VENDOR_ACCEPTED)
        handoff.accepted_at = timezone.now()
        wait = _wait_seconds(handoff)
        handoff.deadline_at = handoff.accepted_at + timedelta(seconds=wait)
        handoff.remind_at = wait_message_at(handoff)
        fields += ["state", "accepted_at", "deadline_at", "remind_at"]
        _tell_accepted(handoff)
        if handoff.conversation.flow.get("waiting"):
            transaction.on_commit(partial(queue_waiting_flow, handoff.pk))
        handoff_tell(handoff, WebhookType.HANDOFF_ACCEPTED)
    handoff_save(handoff, fields, lease)


def _tell_accepted(handoff: Handoff) -> None:
    """Say that the end user waits now, unless they have waited for another integration already."""
    if handoff.attempt > 1 and handoff.transitions.filter(from_state=State.QUEUED.value).exists():
        return
    queue = str(handoff.routing.get("queue", ""))
    payload = {"queue_name": queue} if queue else {}
    accepted = NewEvent(type=EventType.HANDOFF_ACCEPTED, payload=payload)
    events_append(handoff.conversation, [accepted])


def handoff_fail(
    handoff: Handoff,
    code: str,
    detail: str = "",
    *,
    lease: Lease | None = None,
    lines: Sequence[NewEvent] = (),
) -> None:
    """Give up a handoff: the end user is told, and the AI agent answers again.

    `lines` stand in place of HANDOFF_FAILED and the AI agent's return. Ignored, with a log
    line, when the handoff is over already.
    """
    if not _is_open(handoff, "failed"):
        return
    was_requested = State(handoff.state) is State.REQUESTED
    handoff_move(handoff, Trigger.FAIL, detail=code)
    handoff.error_code, handoff.error_detail = code, detail[:400]
    conversation = handoff.conversation
    lost = deliveries_give_up(handoff, code)
    failed = EventType.HANDOFF_TIMEOUT if code == "wait_timeout" else EventType.HANDOFF_FAILED
    events = [*lost, *(lines or [NewEvent(type=failed, payload={"reason": code})])]
    if not was_requested and not lines:
        events.append(agent_joined_event(conversation))
    _close(
        handoff,
        tell_vendor=not was_requested,
        lease=lease,
        extra=["error_code", "error_detail"],
    )
    _append_and_return_to_agent(handoff, events)
    is_late = failed is EventType.HANDOFF_TIMEOUT
    handoff_tell(handoff, WebhookType.HANDOFF_TIMEOUT if is_late else WebhookType.HANDOFF_FAILED)


def handoff_end(
    handoff: Handoff,
    reason: EndReason,
    *,
    lease: Lease | None = None,
    is_concluded: bool = False,
    is_returned: bool = False,
) -> list[Event]:
    """End the human part and return the lines written; repeating it changes nothing.

    Where the vendor does not know yet, its end becomes a command that is repeated until it is
    confirmed; so it is where the end is one that we have concluded (`is_concluded`). The AI agent
    answers again where the connection says so, and where it `is_returned`.
    """
    if not _is_open(handoff, reason.value):
        return []
    before = State(handoff.state)
    handoff_move(handoff, Trigger.END, detail=reason.value)
    handoff.end_reason = reason.value
    is_news = is_concluded or reason not in _VENDOR_KNOWS or may_have_crossed(handoff)
    tell_vendor = is_news and before is not State.REQUESTED
    # While the vendor can still be told of the end, what was said before it can get its fate.
    events = [] if tell_vendor else deliveries_give_up(handoff, "conversation_gone")
    if before is State.ACTIVE:
        events.append(_left_event(handoff, reason))
    _close(handoff, tell_vendor=tell_vendor, lease=lease, extra=["end_reason"])
    _tell_end(handoff)
    if is_returned or _returns_to_agent(handoff, reason):
        events.append(agent_joined_event(handoff.conversation))
        return _append_and_return_to_agent(handoff, events)
    written = events_append(handoff.conversation, events) if events else []
    handoff.conversation.state = Conversation.State.CLOSING
    handoff.conversation.save(update_fields=["state"])
    return written + session_end(handoff)


def _tell_end(handoff: Handoff) -> None:
    """Tell endpoints who goes with the end, and of the end itself."""
    for agent_id, name in handoff.live_agents.items():
        agent_tell(handoff, WebhookType.HANDOFF_AGENT_LEFT, agent_id, name)
    handoff_tell(handoff, WebhookType.HANDOFF_ENDED)


def session_end(handoff: Handoff, *, is_settled: bool = False) -> list[Event]:
    """Write SESSION_END once every line has its fate; before that, do nothing.

    After an end on the vendor's side the relay settles what may have crossed it (`is_settled`).
    """
    conversation = handoff.conversation
    if conversation.state != Conversation.State.CLOSING:
        return []
    is_settled = is_settled or not (ended_by_vendor(handoff) and handoff.vendor_end_until)
    if not is_settled or deliveries_are_pending(handoff):
        return []
    reason = EndReason(handoff.end_reason)
    end = _SESSION_END.get(reason, SessionEnd.NATURAL_END)
    return conversation_end(conversation, end, detail=reason.value)


def ended_by_vendor(handoff: Handoff) -> bool:
    """Say whether the end came from the vendor's side: it takes nothing of the conversation."""
    return handoff.end_reason in {reason.value for reason in _VENDOR_KNOWS}


def may_have_crossed(handoff: Handoff) -> bool:
    """Say whether a message may have met the vendor's end on its way, and opened something."""
    if deliveries_are_pending(handoff):
        return True
    session, integration = session_load(handoff), handoff.integration
    if session is not None and session.strays:
        return True
    takes = integration is not None and manifest_get(integration.connector_key).takes_after_end
    return takes and deliveries_taken(handoff).exists()


def vendor_end_confirmed(handoff: Handoff, lease: Lease) -> None:
    """The vendor knows that the conversation is over (or will never answer again)."""
    deliveries_abandon(handoff, "conversation_gone")
    session_end(handoff, is_settled=True)
    # The first of two integrations may still have to be told.
    handoff.vendor_end_until = handoff.first_end_until
    fields = ["vendor_end_until"]
    if handoff.vendor_end_until:
        handoff.vendor_session = None
        fields.append("vendor_session")
    handoff_save(handoff, fields, lease)


def session_store(session: VendorSession) -> dict[str, Any]:
    """Return a vendor session as it is kept, encrypted."""
    stored = {
        "vendor_conversation_id": session.vendor_conversation_id,
        "cursor": session.cursor,
        "state": dict(session.state),
        "keys": list(session.keys),
    }
    return stored | ({"strays": list(session.strays)} if session.strays else {})


def session_read(stored: Mapping[str, Any]) -> VendorSession:
    """Return what session_store has made."""
    names = ("keys", "strays")
    return VendorSession(**{**stored, **{name: tuple(stored.get(name, ())) for name in names}})


def session_keep(handoff: Handoff, session: VendorSession) -> None:
    """Put a newer session on the handoff, and its new keys where webhooks find them."""
    # Most vendors have no further keys: then the old session need not be decrypted.
    if session.keys and list(session.keys) != (handoff.vendor_session or {}).get("keys", []):
        keys_store(handoff, session)
    handoff.vendor_session = session_store(session)


def session_load(handoff: Handoff) -> VendorSession | None:
    """Return the stored vendor session, or None before the vendor conversation exists."""
    return session_read(handoff.vendor_session) if handoff.vendor_session else None


def active_deadline() -> datetime:
    """Return when an active handoff without any sign of life is given up."""
    return ACTIVE_SILENCE.from_now()


def _is_open(handoff: Handoff, trigger: str) -> bool:
    if handoff.is_open:
        return True
    logger.info("Handoff %s is over: late trigger %s ignored", handoff.pk, trigger)
    return False


def wait_is_bounded(handoff: Handoff) -> bool:
    """Say whether the payload or the integration sets a waiting time."""
    return _wait_set(handoff) > 0


def _wait_set(handoff: Handoff) -> int:
    asked = handoff.routing.get("wait_timeout_seconds")
    wait = handoff.behaviour.wait_timeout_seconds if asked is None else asked
    return int(str(wait))


def _wait_seconds(handoff: Handoff) -> int:
    return _wait_set(handoff) or int(QUEUE.after.total_seconds())


def _left_event(handoff: Handoff, reason: EndReason) -> NewEvent:
    who = {"agent_id": handoff.agent_id, "agent_name": handoff.agent_name}
    return NewEvent(type=EventType.LIVE_AGENT_LEFT, payload={**who, "reason": reason.value})


def _returns_to_agent(handoff: Handoff, reason: EndReason) -> bool:
    if reason in (EndReason.CANCELLED, EndReason.TICKET_OPENED):
        return True
    if reason in (EndReason.END_USER_ENDED, EndReason.END_USER_LEFT, EndReason.CLIENT_MANAGED):
        return False
    wanted = handoff.routing.get("after_agent") or handoff.behaviour.after_agent
    return wanted == "return_to_bot"


def _close(handoff: Handoff, *, tell_vendor: bool, lease: Lease | None, extra: list[str]) -> None:
    now = timezone.now()
    handoff.ended_at, handoff.deadline_at, handoff.queue_status = now, None, {}
    handoff.remind_at = handoff.open_offer = None
    if tell_vendor:
        handoff.vendor_end_until = VENDOR_END.from_now()
    fields = ["state", "ended_at", "deadline_at", "remind_at", "queue_status", "vendor_end_until"]
    fields += ["open_offer", *extra]
    handoff_save(handoff, fields, lease)
    publish.relay_wake(handoff.owner_id, handoff.pk)


def _append_and_return_to_agent(handoff: Handoff, events: list[NewEvent]) -> list[Event]:
    """Write lines and let the AI agent answer from here on; what was said before is done with."""
    conversation = handoff.conversation
    written = events_append(conversation, events)
    conversation.state = Conversation.State.BOT
    conversation.answered_sequence = conversation.last_sequence
    conversation.answer_due_at = conversation.answer_promised_until = None
    # What an AI agent was still to say when it left is not said any more.
    conversation.turn_id = None
    fields = ["state", "answered_sequence", "answer_due_at", "answer_promised_until", "turn_id"]
    if conversation.agent_session:
        conversation.agent_session = session_after_return(conversation.agent_session)
        fields.append("agent_session")
        transaction.on_commit(partial(queue_agent_news, handoff.pk))
    then = _flow_after(handoff)
    if conversation.flow or then:
        _flow_return(handoff, conversation, then)
        fields.append("flow")
    conversation.save(update_fields=fields)
    return written


def _flow_after(handoff: Handoff) -> str:
    """Return the flow that the handoff's destination begins once the live agent has left."""
    conversation = handoff.conversation
    if not handoff.destination or outside_agent(conversation.project) is not None:
        return ""
    found = content_of(conversation).named(Destination, [handoff.destination])
    return next((row.after_flow for row in found.values()), "")


def _flow_return(handoff: Handoff, conversation: Conversation, then: str) -> None:
    """Let the flow go on that has begun the handoff, or the one of its destination begin.

    The AI agent owes its next words.
    """
    never_came = handoff.end_reason in _NOBODY_CAME
    has_failed = State(handoff.state) is State.FAILED or never_came
    conversation.flow = after_handoff(conversation.flow, has_failed=has_failed, then=then)
    if conversation.flow.get("resume"):
        conversation.answer_due_at = timezone.now()
        transaction.on_commit(partial(queue_answer, conversation.pk))


def keys_store(handoff: Handoff, session: VendorSession) -> None:
    """Remember under which names webhooks speak of a handoff; costs nothing when nothing is new."""
    if handoff.integration_id is None:
        return
    wanted = {session.vendor_conversation_id, *session.keys}
    known = set(handoff.vendor_keys.values_list("key", flat=True))
    for key in {text_cleaned(key)[:255] for key in wanted} - known:
        VendorKey.objects.update_or_create(
            integration_id=handoff.integration_id, key=key, defaults={"handoff": handoff}
        )
