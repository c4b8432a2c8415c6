"""Who of the vendor's people is in a conversation: announced once a person, until they leave."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.utils import timezone

from conversations.journal.frames import EventType
from conversations.journal.services import NewEvent, events_append, system_event
from conversations.webhooks.event_types import WebhookType
from handoffs.lifecycle.deadlines import silence_check_at
from handoffs.lifecycle.notices import text_about, text_for
from handoffs.lifecycle.queueing import queue_agent_joined_news
from handoffs.lifecycle.services import active_deadline, handoff_move
from handoffs.lifecycle.webhooks import agent_tell
from handoffs.models import Handoff
from handoffs.sending.files import limits_payload
from handoffs.states import State, Trigger
from integrations.contract import events

Named = events.LiveAgentJoined | events.LiveAgentLeft | events.LiveAgentMessage


def agent_key(handoff: Handoff, event: Named) -> str:
    """Return under what a live agent is known here: the vendor's id, else the name."""
    if event.agent_id or not event.agent_name:
        return event.agent_id
    same = [key for key, name in handoff.live_agents.items() if name == event.agent_name]
    return same[0] if same else event.agent_name


def agent_name(handoff: Handoff, key: str) -> str:
    """Return what the end user reads as the name of a live agent who is present."""
    return handoff.live_agents.get(key, "") or text_for(handoff, "live_agent_name")


def agent_joined(
    handoff: Handoff, event: events.LiveAgentJoined | events.LiveAgentMessage
) -> list[str]:
    """Announce who is not known to be present; return the handoff's fields that changed."""
    key, name = agent_key(handoff, event), _shown_name(handoff, event.agent_name)
    if key in handoff.live_agents:
        return _name_learned(handoff, key, name)
    others = bool(handoff.live_agents)
    handoff.live_agents = {**handoff.live_agents, key: name}
    handoff.agent_id, handoff.agent_name = key[:128], name
    changed = _activate(handoff)
    # Whoever is away is told of to the newcomer too.
    handoff.away_since = None
    avatar_url = getattr(event, "avatar_url", "")
    agent = {"id": key, "name": agent_name(handoff, key), "avatar_url": avatar_url}
    payload = {"agent": agent, **limits_payload(handoff)}
    lines = [NewEvent(type=EventType.LIVE_AGENT_JOINED, payload=payload)]
    if others:
        text = text_about(handoff, "another_joined", name)
        lines.insert(0, system_event(text, code="conference_joined"))
    events_append(handoff.conversation, lines)
    agent_tell(handoff, WebhookType.HANDOFF_AGENT_JOINED, key, agent["name"])
    return [*changed, "live_agents", "agent_id", "agent_name", "away_since"]


def agent_left(handoff: Handoff, event: events.LiveAgentLeft) -> list[str]:
    """A departure alone is no end: the last one's is announced by the end or by a transfer."""
    remaining = dict(handoff.live_agents)
    key = agent_key(handoff, event)
    name = remaining.pop(key, None)
    if name is None:
        return []
    handoff.live_agents = remaining
    agent_tell(handoff, WebhookType.HANDOFF_AGENT_LEFT, key, name)
    if not remaining:
        return ["live_agents"]
    handoff.agent_id, handoff.agent_name = list(remaining.items())[-1]
    text = text_about(handoff, "one_left", name)
    events_append(handoff.conversation, [system_event(text, code="agent_left")])
    return ["live_agents", "agent_id", "agent_name"]


def agent_present(handoff: Handoff, event: events.LiveAgentMessage) -> list[str]:
    """Note that a live agent acts, who may have joined unseen; return the changed fields."""
    changed = agent_joined(handoff, event)
    handoff.deadline_at = active_deadline()
    return ["deadline_at", *(name for name in changed if name != "deadline_at")]


def _name_learned(handoff: Handoff, key: str, name: str) -> list[str]:
    """Keep a name that the vendor tells only now."""
    if handoff.live_agents[key] or not name:
        return []
    handoff.live_agents = {**handoff.live_agents, key: name}
    if handoff.agent_id == key[:128]:
        handoff.agent_name = name
    return ["live_agents", "agent_name"]


def _activate(handoff: Handoff) -> list[str]:
    """Enter active if nobody had joined before; return the changed fields."""
    handoff.deadline_at = active_deadline()
    if State(handoff.state) is State.ACTIVE:
        return ["deadline_at"]
    handoff_move(handoff, Trigger.LIVE_AGENT_JOINED)
    handoff.joined_at, handoff.queue_status = timezone.now(), {}
    if handoff.conversation.agent_session:
        transaction.on_commit(partial(queue_agent_joined_news, handoff.pk))
    handoff.remind_at = silence_check_at(handoff)
    return ["state", "joined_at", "queue_status", "deadline_at", "remind_at"]


def _shown_name(handoff: Handoff, name: str) -> str:
    behaviour = handoff.behaviour
    names = {"vendor": name, "fixed": behaviour.display_name_text}
    if behaviour.display_name_source not in names:
        return text_for(handoff, "live_agent_name")
    return names[behaviour.display_name_source][:256]
