"""Let the AI agent answer: one turn for each message, in order, applied exactly once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone

from conversations.ai_agent.conv.effects import effects_apply, turn_logs_append
from conversations.ai_agent.conv.messages import agent_message_event
from conversations.ai_agent.conv.place import conv_place
from conversations.ai_agent.flows.position import after_handoff
from conversations.ai_agent.flows.turns import (
    built_in_turn,
    flow_follow,
    flow_resume,
    flow_turn,
    turn_told,
)
from conversations.ai_agent.returned import ReturnProblem, handoff_misplaced
from conversations.ai_agent.runtimes.runtime import (
    agent_turn,
    is_asked,
    outside_agent,
    turn_broken_promise,
    was_away,
)
from conversations.ai_agent.runtimes.services import outside_agent_error_note
from conversations.ai_agent.safety.filtering import safety_turn
from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.turn import AgentMessage, Turn, forbidden_turn, turn_given_up
from conversations.event_loop.executor import run_sync
from conversations.journal import publish
from conversations.journal.frames import EventType, SessionEnd, transient_frame
from conversations.journal.selectors import messages_unanswered
from conversations.journal.services import (
    conversation_end,
    conversation_lock,
    events_append,
    log_append,
)
from conversations.models import Conversation, Event, LogEntry, OutsideAgent
from conversations.models.conversation import TEST_PANEL
from handoffs.errors import InvalidPayloadError
from handoffs.lifecycle.queueing import queue_answer
from handoffs.payload.reading import (
    HandoffPayload,
    has_handoff,
    payload_for_call_handoff,
    payload_read,
)
from handoffs.starting.addressing import offered_integrations
from handoffs.starting.agent_place import agent_place, handoff_view, tool_services
from handoffs.starting.human_parts import human_parts
from handoffs.starting.start import handoff_refuse, handoff_start
from handoffs.starting.turns.claims import TURNS, TurnClaim, turn_clear, turn_put_back
from handoffs.starting.turns.outside import OUTSIDE_TURNS
from handoffs.starting.turns.statements import TurnFacts, turn_write
from integrations.contract.hints import PayloadProblem

logger = logging.getLogger(__name__)
# What crashes, cannot be stored or takes its worker along is tried so often, and then given up.
MAX_TRIES = 3
# A flow that an outside agent begins waits so long for a slot for its first tool.
SLOT_SECONDS = 3.0


def answer_all(conversation_id: str) -> None:
    """Answer what the AI agent owes in a conversation, then in others, one turn after the other.

    Returns at once where no turn may be taken now: whoever ends one takes the next.
    """
    claim = TURNS.claim(conversation_id)
    while claim is not None:
        with OUTSIDE_TURNS.loop.publishes():
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
    facts = claim.facts or _facts(claim.conversation_id)
    # “Tomorrow” is the end user's.
    with timezone.override(facts.conversation.zone):
        _answer_to(claim, facts.conversation, facts.event)


def _answer_to(claim: TurnClaim, conversation: Conversation, event: Event | None) -> None:
    agent = outside_agent(conversation.project)
    has_flows = agent is None or is_asked(agent)
    is_resumed = has_flows and bool(conversation.flow.get("resume"))
    if event is None and not is_resumed:
        _nothing_owed(claim)
        return
    thinking = transient_frame(EventType.POLY_AGENT_THINKING, {})
    publish.transient_publish(claim.conversation_id, thinking)
    if claim.tries > MAX_TRIES:
        given_up = turn_given_up(conversation, MAX_TRIES)
        _apply(claim, event, replace(given_up, flow={}) if is_resumed else given_up)
    elif is_resumed:
        _apply(claim, None, _resumed(conversation))
    elif event is None:
        _nothing_owed(claim)
    elif (blocked := safety_turn(conversation, event)) is not None:
        _apply(claim, event, blocked)
    elif agent is not None:
        ours = forbidden_turn(conversation, event) or _flow_turn(conversation, event, agent)
        if ours is not None:
            _apply(claim, event, ours)
        else:
            _ask_outside(claim, agent, conversation, event)
    else:
        _apply(claim, event, _built_in(conversation, event))


def _built_in(conversation: Conversation, event: Event) -> Turn:
    services = tool_services(conversation)
    return built_in_turn(conversation, event, partial(handoff_view, conversation), services)


def _flow_turn(conversation: Conversation, event: Event, agent: OutsideAgent) -> Turn | None:
    """Return the answer of a flow that an outside agent, or a tool of its, has begun."""
    if not is_asked(agent):
        return None
    services = tool_services(conversation)
    return flow_turn(conversation, event, partial(handoff_view, conversation), services)


def _followed(claim: TurnClaim, event: Event, turn: Turn) -> Turn:
    """Let a flow begin, or go on, where an outside agent's turn asks for it."""
    if not turn.moves.is_any:
        return turn
    conversation = _conversation(claim.conversation_id)
    place = partial(
        conv_place,
        conversation,
        until_sequence=event.sequence,
        handoff_view=partial(handoff_view, conversation),
        services=tool_services(conversation),
    )
    until = time.monotonic() + SLOT_SECONDS
    while True:
        try:
            return flow_follow(turn, conversation, place)
        except ToolError:
            # The agent has answered: it is not asked again because its flow's tool must wait.
            if time.monotonic() >= until:
                raise
            time.sleep(0.1)


def _resumed(conversation: Conversation) -> Turn:
    """Let a flow go on that has begun a handoff which is over."""
    parts = human_parts(conversation)
    place = partial(
        conv_place,
        conversation,
        handoff_view=partial(handoff_view, conversation),
        services=tool_services(conversation),
    )
    return flow_resume(conversation, place, parts[-1].summary if parts else "")


def _ask_outside(
    claim: TurnClaim, agent: OutsideAgent, conversation: Conversation, event: Event
) -> None:
    """Have an outside agent asked while this thread goes on to something else."""
    if not is_asked(agent):
        _leave_to_agent(claim)
        return
    if not OUTSIDE_TURNS.try_take():
        turn_put_back(claim, is_try=False)
        return
    parts = human_parts(conversation) if was_away(conversation.agent_session) else ()
    turn = agent_turn(conversation, event, handoff_view(conversation), parts)

    async def finish(found: Turn | None) -> None:
        await run_sync(_finish_outside, claim, agent, event, found)

    # Read here for what the agent's failure is told with: no look at the database on the loop.
    _ = conversation.tongue
    TURNS.hand_over(claim)
    OUTSIDE_TURNS.begin(agent, agent_place(conversation), turn, finish)


def _finish_outside(claim: TurnClaim, agent: OutsideAgent, event: Event, turn: Turn | None) -> None:
    """Write an outside agent's turn down; one that broke in our own code is tried again."""
    is_over = is_owed = False
    try:
        if turn is not None:
            if turn.agent_error is not None:
                outside_agent_error_note(agent, turn.agent_error)
            is_owed = _apply(claim, event, _followed(claim, event, turn))
            is_over = True
    finally:
        TURNS.release(claim)
        if not is_over:
            turn_put_back(claim, is_try=True)
        if is_owed or not is_over:
            queue_answer(claim.conversation_id)


@transaction.atomic
def promise_broken(conversation_id: str) -> None:
    """Tell the end user that an agent has not answered which was to do so later, by REST."""
    conversation = conversation_lock(conversation_id)
    until = conversation.answer_promised_until
    if until is None or until > timezone.now() or conversation.answer_due_at is not None:
        return
    conversation.answer_promised_until = None
    changed = ["answer_promised_until"]
    agent = outside_agent(conversation.project)
    if agent is not None and conversation.state == Conversation.State.BOT:
        turn = turn_broken_promise(conversation, agent)
        outside_agent_error_note(agent, turn.agent_error or "")
        changed += _kept(conversation, None, turn)
        _carry_out(conversation, None, turn)
    conversation.save(update_fields=changed)


def _facts(conversation_id: str) -> TurnFacts:
    conversation = _conversation(conversation_id)
    return TurnFacts(conversation=conversation, event=_unanswered(conversation))


def _conversation(conversation_id: str) -> Conversation:
    related = ("project__workspace", "project__outside_agent", "end_user", "channel")
    return Conversation.objects.select_related(*related).get(pk=conversation_id)


def _unanswered(conversation: Conversation) -> Event | None:
    return messages_unanswered(conversation).order_by("sequence").first()


@transaction.atomic
def _nothing_owed(claim: TurnClaim) -> None:
    conversation = conversation_lock(claim.conversation_id)
    if conversation.turn_id != claim.id:
        return
    if conversation.flow.get("resume"):
        # The AI agent that had this flow is no longer the project's.
        conversation.flow = {}
        conversation.save(update_fields=["flow"])
    _turn_end(conversation)


@transaction.atomic
def _leave_to_agent(claim: TurnClaim) -> None:
    """Take no turn: the agent hears of the message by itself, and answers by REST."""
    conversation = conversation_lock(claim.conversation_id)
    if conversation.turn_id == claim.id:
        turn_clear(conversation)


def _turn_end(
    conversation: Conversation, *, is_newest: bool = False, also: Sequence[str] = ()
) -> None:
    """Let the next turn begin, if the AI agent owes another answer; the caller holds the lock.

    It owes none where nothing was said after what it has just answered, unless a flow goes on.
    `also` are further columns that have changed: one statement writes them all.
    """
    is_in_charge = conversation.state == Conversation.State.BOT
    is_owed = is_in_charge and (
        conversation.flow.get("resume") or (not is_newest and _unanswered(conversation))
    )
    turn_clear(conversation, due_at=timezone.now() if is_owed else None, also=also)


def _apply(claim: TurnClaim, event: Event | None, turn: Turn) -> bool:
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
    changed = _kept(conversation, event, turn) if is_in_charge else []
    if is_in_charge:
        _carry_out(conversation, event, turn)
    _turn_end(conversation, is_newest=is_newest, also=changed)
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


def _kept(conversation: Conversation, event: Event | None, turn: Turn) -> list[str]:
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
    promised = _until(turn.promised_seconds)
    if promised != conversation.answer_promised_until:
        conversation.answer_promised_until = promised
        changed.append("answer_promised_until")
    return changed


def _until(seconds: int | None) -> datetime | None:
    return None if seconds is None else timezone.now() + timedelta(seconds=seconds)


def _carry_out(conversation: Conversation, event: Event | None, turn: Turn) -> None:
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
