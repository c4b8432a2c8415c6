"""An outside agent that answers by REST: the time that it has, and what happens when it is over."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from conversations.ai_agent.runtimes.runtime import (
    answer_seconds,
    outside_agent,
    turn_broken_promise,
    turn_left,
)
from conversations.ai_agent.runtimes.services import outside_agent_error_note
from conversations.journal.services import conversation_lock
from conversations.models import Conversation, Event, OutsideAgent
from handoffs.starting.turns.claims import TurnClaim
from handoffs.starting.turns.outcome import turn_carry_out, turn_end, turn_keep


@transaction.atomic
def turn_leave(claim: TurnClaim, agent: OutsideAgent, event: Event) -> None:
    """Leave a message to an agent that drives by itself: it hears of it without being asked.

    The message is dealt with by that, so that the next one is looked at when it comes.
    """
    conversation = conversation_lock(claim.conversation_id)
    if conversation.turn_id != claim.id:
        return
    is_newest = event.sequence == conversation.last_sequence
    changed = turn_keep(conversation, event, turn_left(agent))
    turn_end(conversation, is_newest=is_newest, also=changed)


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
    is_in_charge = conversation.state == Conversation.State.BOT
    if agent is not None and answer_seconds(agent) and is_in_charge:
        turn = turn_broken_promise(conversation, agent)
        outside_agent_error_note(agent, turn.agent_error or "")
        changed += turn_keep(conversation, None, turn)
        turn_carry_out(conversation, None, turn)
    conversation.save(update_fields=changed)
