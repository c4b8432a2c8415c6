"""Let the AI agent answer: one turn for each message, in order, applied exactly once."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from functools import partial

from django.db import transaction
from django.utils import timezone

from conversations.ai_agent.conv.place import conv_place
from conversations.ai_agent.flows.turns import (
    built_in_turn,
    flow_follow,
    flow_resume,
    flow_turn,
)
from conversations.ai_agent.runtimes.runtime import (
    agent_turn,
    is_asked,
    outside_agent,
    was_away,
)
from conversations.ai_agent.runtimes.services import outside_agent_error_note
from conversations.ai_agent.safety.filtering import safety_turn
from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.turn import Turn, forbidden_turn, turn_given_up
from conversations.event_loop.executor import run_sync
from conversations.journal import publish
from conversations.journal.frames import EventType, transient_frame
from conversations.journal.selectors import messages_unanswered
from conversations.journal.services import conversation_lock
from conversations.models import Conversation, Event, OutsideAgent
from handoffs.lifecycle.queueing import queue_answer
from handoffs.starting.agent_place import agent_place, handoff_view, tool_services
from handoffs.starting.human_parts import human_parts
from handoffs.starting.turns.claims import TURNS, TurnClaim, turn_put_back
from handoffs.starting.turns.outcome import message_owed, turn_apply, turn_end
from handoffs.starting.turns.outside import OUTSIDE_TURNS
from handoffs.starting.turns.promises import turn_leave
from handoffs.starting.turns.statements import TurnFacts

logger = logging.getLogger(__name__)
# What crashes, cannot be stored or takes its worker along is tried so often, and then given up.
MAX_TRIES = 3
# So much of what came while an outside agent was at it makes one turn.
TOGETHER_MAX, TOGETHER_CHARS = 20, 10_000
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
        turn_apply(claim, event, replace(given_up, flow={}) if is_resumed else given_up)
    elif is_resumed:
        turn_apply(claim, None, _resumed(conversation))
    elif event is None:
        _nothing_owed(claim)
    elif (blocked := safety_turn(conversation, event)) is not None:
        turn_apply(claim, event, blocked)
    elif agent is not None:
        ours = forbidden_turn(conversation, event) or _flow_turn(conversation, event, agent)
        if ours is not None:
            turn_apply(claim, event, ours)
        else:
            _ask_outside(claim, agent, conversation, event)
    else:
        turn_apply(claim, event, _built_in(conversation, event))


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
        turn_leave(claim, agent, event)
        return
    if not OUTSIDE_TURNS.try_take():
        turn_put_back(claim, is_try=False)
        return
    parts = human_parts(conversation) if was_away(conversation.agent_session) else ()
    messages = _messages_of_turn(conversation, event)
    turn = agent_turn(conversation, messages, handoff_view(conversation), parts)

    async def finish(found: Turn | None) -> None:
        await run_sync(_finish_outside, claim, agent, messages[-1], found)

    # Read here for what the agent's failure is told with: no look at the database on the loop.
    _ = conversation.tongue
    TURNS.hand_over(claim)
    OUTSIDE_TURNS.begin(agent, agent_place(conversation), turn, finish)


def _messages_of_turn(conversation: Conversation, event: Event) -> list[Event]:
    """Return a message and those that wait behind it: an agent is asked about them together.

    One that no AI agent may see or answer is left for a turn of its own, with all that follow.
    """
    found, chars = [event], len(event.payload["text"])
    later = messages_unanswered(conversation).filter(sequence__gt=event.sequence)
    for one in later.order_by("sequence")[: TOGETHER_MAX - 1]:
        chars += len(one.payload["text"])
        if chars > TOGETHER_CHARS or _is_ours(conversation, one):
            break
        found.append(one)
    return found


def _is_ours(conversation: Conversation, event: Event) -> bool:
    return bool(safety_turn(conversation, event) or forbidden_turn(conversation, event))


def _finish_outside(claim: TurnClaim, agent: OutsideAgent, event: Event, turn: Turn | None) -> None:
    """Write an outside agent's turn down; one that broke in our own code is tried again."""
    is_over = is_owed = False
    try:
        if turn is not None:
            # Who is to answer later has neither answered nor failed.
            if turn.agent_error is not None and turn.promised_seconds is None:
                outside_agent_error_note(agent, turn.agent_error)
            is_owed = turn_apply(claim, event, _followed(claim, event, turn))
            is_over = True
    finally:
        TURNS.release(claim)
        if not is_over:
            turn_put_back(claim, is_try=True)
        if is_owed or not is_over:
            queue_answer(claim.conversation_id)


def _facts(conversation_id: str) -> TurnFacts:
    conversation = _conversation(conversation_id)
    return TurnFacts(conversation=conversation, event=message_owed(conversation))


def _conversation(conversation_id: str) -> Conversation:
    related = ("project__workspace", "project__outside_agent", "end_user", "channel")
    return Conversation.objects.select_related(*related).get(pk=conversation_id)


@transaction.atomic
def _nothing_owed(claim: TurnClaim) -> None:
    conversation = conversation_lock(claim.conversation_id)
    if conversation.turn_id != claim.id:
        return
    if conversation.flow.get("resume"):
        # The AI agent that had this flow is no longer the project's.
        conversation.flow = {}
        conversation.save(update_fields=["flow"])
    turn_end(conversation)
