"""The flow that speaks while an end user waits in the queue; it stops when somebody joins.

Its words are system messages: the AI agent has left, and says nothing before it is back. What the
end user writes meanwhile goes to the vendor all the same.
"""

from __future__ import annotations

from functools import partial

from django.db import transaction

from conversations.ai_agent.conv.place import conv_place
from conversations.ai_agent.course import Turn
from conversations.ai_agent.flows.turns import waiting_answer
from conversations.ai_agent.sandbox.results import ToolError
from conversations.journal.services import conversation_lock, events_append, system_event
from conversations.models import Conversation, Event
from handoffs.models import Handoff
from handoffs.states import State

CODE = "waiting_flow"
_HEARD = "heard"


def waiting_flow_speak(handoff_id: str, event_id: str) -> None:
    """Let the flow begin, or answer a message; nothing where nobody waits any more."""
    handoff = Handoff.objects.select_related(
        "conversation__project__workspace", "conversation__end_user", "conversation__channel"
    ).get(pk=handoff_id)
    conversation = handoff.conversation
    event = Event.objects.filter(pk=event_id).first() if event_id else None
    if not _waits(handoff, conversation, event):
        return
    place = partial(conv_place, conversation)
    try:
        turn = waiting_answer(conversation, place, event.payload["text"] if event else None)
    except ToolError:
        # No slot for its tool: who waits is not told of it.
        return
    _say(handoff, event, turn)


@transaction.atomic
def _say(handoff: Handoff, event: Event | None, turn: Turn) -> None:
    conversation = conversation_lock(handoff.conversation_id)
    handoff.refresh_from_db(fields=["state"])
    if not _waits(handoff, conversation, event) or turn.flow is None:
        return
    lines = [system_event(said.text, code=CODE) for said in turn.messages]
    if lines:
        events_append(conversation, lines)
    heard = event.sequence if event else 0
    waiting = {**turn.flow["waiting"], _HEARD: heard}
    conversation.flow = {**conversation.flow, "waiting": waiting}
    conversation.save(update_fields=["flow"])


def _waits(handoff: Handoff, conversation: Conversation, event: Event | None) -> bool:
    """Say whether somebody waits with a flow that has not dealt with this yet."""
    waiting = conversation.flow.get("waiting") or {}
    if State(handoff.state) is not State.QUEUED or not waiting or waiting.get("is_over"):
        return False
    if event is None:
        return not waiting.get("step")
    return bool(waiting.get("step")) and event.sequence > waiting.get(_HEARD, 0)
