"""Write down what a turn came to, exactly once: what it leaves, what it says, and what it asks for.

Whoever lost the claim, or answers after a live agent was asked for, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone

from conversations.ai_agent.conv.effects import effects_apply, turn_logs_append
from conversations.ai_agent.conv.messages import agent_message_event
from conversations.ai_agent.flows.position import after_handoff
from conversations.ai_agent.flows.turns import turn_told
from conversations.ai_agent.returned import ReturnProblem, handoff_misplaced
from conversations.ai_agent.turn import AgentMessage, Turn
from conversations.journal.frames import SessionEnd
from conversations.journal.selectors import messages_unanswered
from conversations.journal.services import (
    conversation_end,
    conversation_lock,
    events_append,
    log_append,
)
from conversations.models import Conversation, Event, LogEntry
from conversations.models.conversation import TEST_PANEL
from handoffs.errors import InvalidPayloadError
from handoffs.payload.reading import (
    HandoffPayload,
    has_handoff,
    payload_for_call_handoff,
    payload_read,
)
from handoffs.starting.addressing import offered_integrations
from handoffs.starting.start import handoff_refuse, handoff_start
from handoffs.starting.turns.claims import TurnClaim, turn_clear
from handoffs.starting.turns.statements import turn_write
from integrations.contract.hints import PayloadProblem


def message_owed(conversation: Conversation) -> Event | None:
    """Return the oldest message that the AI agent has not dealt with."""
    return messages_unanswered(conversation).order_by("sequence").first()


def turn_end(
    conversation: Conversation, *, is_newest: bool = False, also: Sequence[str] = ()
) -> None:
    """Let the next turn begin, if the AI agent owes another answer; the caller holds the lock.

    It owes none where nothing was said after what it has just answered, unless a flow goes on.
    `also` are further columns that have changed: one statement writes them all.
    """
    is_in_charge = conversation.state == Conversation.State.BOT
    is_owed = is_in_charge and (
        conversation.flow.get("resume") or (not is_newest and message_owed(conversation))
    )
    turn_clear(conversation, due_at=timezone.now() if is_owed else None, also=also)


def turn_apply(claim: TurnClaim, event: Event | None, turn: Turn) -> bool:
    """Write a turn down, unless the claim was lost or somebody else answers by now.

    Returns whether another answer is owed.
    """
    is_written = (
        claim.facts is not None
        and claim.facts.event is event
        and turn_write(claim.facts, claim.id, turn)
    )
    return False if is_written else _apply_locked(claim, event, turn)


@transaction.atomic
def _apply_locked(claim: TurnClaim, event: Event | None, turn: Turn) -> bool:
    conversation = conversation_lock(claim.conversation_id)
    is_ours = conversation.turn_id == claim.id
    is_in_charge = conversation.state == Conversation.State.BOT
    if turn.agent_error is not None and not (is_ours and is_in_charge):
        _log_late(conversation, turn)
    if not is_ours:
        return False
    is_newest = event is not None and event.sequence == conversation.last_sequence
    changed = turn_keep(conversation, event, turn) if is_in_charge else []
    if is_in_charge:
        turn_carry_out(conversation, event, turn)
    turn_end(conversation, is_newest=is_newest, also=changed)
    return conversation.answer_due_at is not None


def _log_late(conversation: Conversation, turn: Turn) -> None:
    log_append(
        conversation,
        LogEntry.Level.INFO,
        "An answer of the AI agent came after it had left the conversation or had answered "
        "otherwise, and was dropped.",
        source=turn.source,
        code="agent_late",
    )


def turn_keep(conversation: Conversation, event: Event | None, turn: Turn) -> list[str]:
    """Set what a turn leaves in its conversation; return the columns, which are still to be saved.

    Whoever carries the turn out reads it there, under the lock.
    """
    changed = []
    if event is not None:
        conversation.answered_sequence = event.sequence
        changed.append("answered_sequence")
    if turn.flow is not None and turn.flow != conversation.flow:
        conversation.flow = dict(turn.flow)
        changed.append("flow")
    if turn.state is not None and turn.state != conversation.tool_state:
        conversation.tool_state = turn.state
        changed.append("tool_state")
    if turn.agent_session is not None:
        conversation.agent_session = turn.agent_session
        changed.append("agent_session")
    if turn.dialog is not None and turn.dialog != conversation.dialog:
        conversation.dialog = turn.dialog
        changed.append("dialog")
    promised = _promised(conversation, turn)
    if promised != conversation.answer_promised_until:
        conversation.answer_promised_until = promised
        changed.append("answer_promised_until")
    return changed


def _promised(conversation: Conversation, turn: Turn) -> datetime | None:
    """Return until when an answer is to come; who asks again does not wait longer for it.

    A turn for which no agent was asked, as of a message that the safety filter blocks, leaves
    what was promised for an earlier one.
    """
    if turn.promised_seconds is None:
        return conversation.answer_promised_until if turn.agent_error is None else None
    until = timezone.now() + timedelta(seconds=turn.promised_seconds)
    return min(until, conversation.answer_promised_until or until)


def turn_carry_out(conversation: Conversation, event: Event | None, turn: Turn) -> None:
    """Say and do what a turn wants, in a conversation that the caller has locked."""
    if conversation.page.get(TEST_PANEL):
        _trace(conversation, turn)
    late = [
        log for name, effects in turn.effects for log in effects_apply(conversation, effects, name)
    ]
    turn_logs_append(conversation, [*turn.logs, *late])
    _say(conversation, turn.messages)
    _hand_off(conversation, event, turn)
    _note_refusal(conversation)
    if turn.has_hung_up:
        _hang_up(conversation, turn)


def _trace(conversation: Conversation, turn: Turn) -> None:
    """Say how the turn came about, where somebody tests."""
    trace = dict(turn.trace)
    returned = {"returned": turn.returned} if turn.returned else {}
    calls = {"call_handoff": list(turn.handoff_calls)} if turn.handoff_calls else {}
    log_append(
        conversation,
        LogEntry.Level.INFO,
        turn_told(trace),
        source=turn.source,
        code="turn",
        fields=trace | returned | calls,
    )


def _note_refusal(conversation: Conversation) -> None:
    """Let the flow go on where it has just asked for a handoff and none has begun."""
    if conversation.state == Conversation.State.BOT and conversation.flow.get("has_handed_off"):
        conversation.flow = after_handoff(conversation.flow, has_failed=True)
        conversation.save(update_fields=["flow"])


def _hang_up(conversation: Conversation, turn: Turn) -> None:
    """End the conversation, unless the tool asked for a handoff as well: that wins."""
    if next(_wanted(conversation, turn), None) is None:
        conversation_end(conversation, SessionEnd.NATURAL_END)
        return
    log_append(
        conversation,
        LogEntry.Level.WARNING,
        "hangup was ignored, because the tool asked for a handoff as well.",
        source=turn.source,
        code="hangup_ignored",
    )


def _say(conversation: Conversation, messages: Iterable[AgentMessage]) -> None:
    events = [agent_message_event(said) for said in messages]
    if events:
        events_append(conversation, events)


def _hand_off(conversation: Conversation, event: Event | None, turn: Turn) -> None:
    """Read and start what the tool asked for: one handoff in a turn, the others are refused."""
    wanted = list(_wanted(conversation, turn))
    if not wanted:
        return
    if len(wanted) > 1:
        _refuse_others(conversation, turn, len(wanted) - 1)
    call_id = f"{event.pk if event else f'resume-{conversation.last_sequence}'}:0"
    try:
        payload = wanted[0]()
    except InvalidPayloadError as error:
        handoff_refuse(conversation, error, tool_call_id=call_id, source=turn.source)
        return
    _say_first(conversation, turn, payload)
    handoff_start(conversation, payload, tool_call_id=call_id, source=turn.source)


def _wanted(conversation: Conversation, turn: Turn) -> Iterator[Callable[[], HandoffPayload]]:
    """Yield what was asked for, what counts first: returned, then called for, then misspelt."""
    if has_handoff(turn.returned):
        offered = offered_integrations(conversation.project, [conversation.environment])
        yield partial(payload_read, turn.returned, integrations=offered)
    for call in turn.handoff_calls:
        yield partial(payload_for_call_handoff, **call)
    misplaced = handoff_misplaced(turn.returned)
    if misplaced is not None and not turn.handoff_calls:
        yield partial(_misplaced, misplaced)


def _misplaced(problem: ReturnProblem) -> HandoffPayload:
    raise InvalidPayloadError([PayloadProblem(problem.key, problem.message)])


def _refuse_others(conversation: Conversation, turn: Turn, number: int) -> None:
    what = "the one that was returned" if has_handoff(turn.returned) else "the first call"
    log_append(
        conversation,
        LogEntry.Level.WARNING,
        f"A turn opens one handoff, {what}: {number} more by conv.call_handoff were refused.",
        source=turn.source,
        code="one_handoff_per_turn",
    )


def _say_first(conversation: Conversation, turn: Turn, payload: HandoffPayload) -> None:
    """Deliver the payload's own utterance before the handoff, unless it was just said."""
    if payload.utterance and payload.utterance not in (said.text for said in turn.messages):
        _say(conversation, [AgentMessage(text=payload.utterance)])
