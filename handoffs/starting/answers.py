"""Let the AI agent answer: one turn for each message, in order, applied exactly once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from conversations.ai_agent.returned import ReturnProblem, handoff_misplaced
from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.turn import Turn, turn_given_up, turn_run
from conversations.journal import publish
from conversations.journal.frames import EventType, SessionEnd, transient_frame
from conversations.journal.selectors import messages_unanswered
from conversations.journal.services import (
    conversation_end,
    conversation_lock,
    events_append,
    log_append,
    message_event,
)
from conversations.models import Conversation, Event, LogEntry
from handoffs.errors import InvalidPayloadError
from handoffs.lifecycle.queueing import queue_answer
from handoffs.models import Handoff
from handoffs.payload.reading import (
    HandoffPayload,
    has_handoff,
    payload_for_call_handoff,
    payload_read,
)
from handoffs.starting.addressing import offered_integrations
from handoffs.starting.start import handoff_refuse, handoff_start
from handoffs.starting.turns import TURNS, TurnClaim, turn_put_back
from integrations.contract.hints import PayloadProblem

logger = logging.getLogger(__name__)
# What crashes, cannot be stored or takes its worker along is tried so often, and then given up.
MAX_TRIES = 3


def answer_all(conversation_id: str) -> None:
    """Answer what the AI agent owes in a conversation, then in others, one turn after the other.

    Returns at once where no turn may be taken now: whoever ends one takes the next.
    """
    claim = TURNS.claim(conversation_id)
    while claim is not None:
        _turn_take(claim)
        claim = TURNS.claim_next()


def _turn_take(claim: TurnClaim) -> None:
    """Answer one message; a turn that crashes is put back, and others go on without this thread."""
    is_over = False
    with TURNS.kept(claim):
        try:
            _answer(claim)
            is_over = True
        except ToolError:
            # No slot for its tool: nothing has run.
            turn_put_back(claim, is_try=False)
            is_over = True
        finally:
            if not is_over:
                turn_put_back(claim, is_try=True)
                queue_answer(claim.conversation_id)


def _answer(claim: TurnClaim) -> None:
    found = _next_message(claim.conversation_id)
    if found is None:
        _nothing_owed(claim)
        return
    conversation, event = found
    thinking = transient_frame(EventType.POLY_AGENT_THINKING, {})
    publish.transient_publish(claim.conversation_id, thinking)
    if claim.tries > MAX_TRIES:
        turn = turn_given_up(conversation, MAX_TRIES)
    else:
        turn = turn_run(conversation, event, _handoff_view(conversation))
    _apply(claim, event, turn)


def _next_message(conversation_id: str) -> tuple[Conversation, Event] | None:
    """Return the oldest unanswered message."""
    conversation = Conversation.objects.select_related(
        "project__workspace", "end_user", "channel"
    ).get(pk=conversation_id)
    event = _unanswered(conversation)
    return (conversation, event) if event else None


def _unanswered(conversation: Conversation) -> Event | None:
    return messages_unanswered(conversation).order_by("sequence").first()


@transaction.atomic
def _nothing_owed(claim: TurnClaim) -> None:
    conversation = conversation_lock(claim.conversation_id)
    if conversation.turn_id == claim.id:
        _turn_end(conversation)


def _turn_end(conversation: Conversation) -> None:
    """Let the next turn begin, if the AI agent owes another answer; the caller holds the lock."""
    is_owed = conversation.state == Conversation.State.BOT and _unanswered(conversation)
    conversation.answer_due_at = timezone.now() if is_owed else None
    conversation.turn_id = conversation.turn_until = None
    conversation.answer_tries = 0
    conversation.save(update_fields=["answer_due_at", "turn_id", "turn_until", "answer_tries"])


@transaction.atomic
def _apply(claim: TurnClaim, event: Event, turn: Turn) -> None:
    """Write a turn down, unless the claim was lost or somebody else answers by now."""
    conversation = conversation_lock(claim.conversation_id)
    if conversation.turn_id != claim.id:
        return
    if conversation.state == Conversation.State.BOT:
        _carry_out(conversation, event, turn)
    _turn_end(conversation)


def _carry_out(conversation: Conversation, event: Event, turn: Turn) -> None:
    conversation.answered_sequence = event.sequence
    if turn.state is not None:
        conversation.tool_state = turn.state
    conversation.save(update_fields=["answered_sequence", "tool_state"])
    for entry in turn.logs:
        log_append(
            conversation,
            LogEntry.Level(entry.level),
            entry.content,
            source=entry.source,
            code=entry.code,
            fields=entry.fields,
            is_pii=entry.is_pii,
        )
    _say(conversation, turn.utterances)
    _hand_off(conversation, event, turn)
    if turn.has_hung_up:
        _hang_up(conversation, turn)


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


def _say(conversation: Conversation, texts: Any) -> None:
    events = [message_event(EventType.POLY_AGENT_MESSAGE, text) for text in texts]
    if events:
        events_append(conversation, events)


def _hand_off(conversation: Conversation, event: Event, turn: Turn) -> None:
    """Read and start what the tool asked for: one handoff in a turn, the others are refused."""
    wanted = list(_wanted(conversation, turn))
    if not wanted:
        return
    if len(wanted) > 1:
        _refuse_others(conversation, turn, len(wanted) - 1)
    call_id = f"{event.pk}:0"
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
    if payload.utterance and payload.utterance not in turn.utterances:
        _say(conversation, [payload.utterance])


def _handoff_view(conversation: Conversation) -> dict[str, Any] | None:
    """Return what `conv.handoff` shows: the current or last handoff."""
    handoff = Handoff.objects.filter(conversation=conversation).order_by("-requested_at").first()
    if handoff is None:
        return None
    return {
        "id": handoff.pk,
        "integration": handoff.integration_key,
        "status": handoff.state,
        "reason": handoff.reason,
        "agent_name": handoff.agent_name,
        "vendor_conversation_id": handoff.vendor_conversation_id,
        "started_at": handoff.requested_at.isoformat(),
        "ended_at": handoff.ended_at.isoformat() if handoff.ended_at else None,
        "end_reason": handoff.end_reason,
    }
