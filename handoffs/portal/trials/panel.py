"""Open and read the conversations of the test panel: real ones, with the draft or a release."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from conversations.ai_agent.lifetime.start import agent_begin
from conversations.journal.frames import EventType
from conversations.journal.services import Visitor, session_create
from conversations.models import Channel, Conversation, Event, LogEntry
from conversations.models.conversation import TEST_PANEL
from conversations.models.release import release_id_of
from conversations.widget.channels import channel_shared
from handoffs.models import Handoff
from handoffs.portal.one_handoff.wording import BADGES
from handoffs.starting.agent_place import tool_services
from handoffs.states import State
from integrations.models import Environment, Project

DRAFT = "draft"
NAME = "Test panel"
LINES_MAX = 200
_LABELS = {"score": "Likeness", "why": "Because of", "tools": "Tools run", "step": "Now at step"}
# What the sentence above the facts says already.
_IN_TITLE, _TOLD = frozenset({"topic", "steps"}), ("topic", "no_match")
_WHO = {
    EventType.USER_MESSAGE: "user",
    EventType.POLY_AGENT_MESSAGE: "agent",
    EventType.LIVE_AGENT_MESSAGE: "live",
}
# What is no news for whoever tests.
_QUIET = frozenset({EventType.SESSION_START})
_NOTICES = {
    EventType.POLY_AGENT_JOINED: "The AI agent answers.",
    EventType.POLY_AGENT_TRIGGERED_HANDOFF: "A handoff was asked for.",
    EventType.POLY_AGENT_LEFT: "The AI agent has left.",
    EventType.HANDOFF_ACCEPTED: "The vendor has taken it: in the queue.",
    EventType.LIVE_AGENT_JOINED: "A live agent has joined.",
    EventType.LIVE_AGENT_LEFT: "The live agent has left.",
    EventType.HANDOFF_FAILED: "The handoff has failed.",
    EventType.HANDOFF_TIMEOUT: "Nobody came in time.",
    EventType.CLIENT_HANDOFF_REQUIRED: "The client is to carry the handoff out.",
    EventType.LANGUAGE_CHANGED: "The language has changed.",
    EventType.SESSION_END: "The conversation has ended.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the conversation as the panel shows it."""

    who: str
    text: str = field(repr=False)
    at: datetime
    name: str = ""
    choices: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """How a turn came about, or what the log says of it."""

    at: datetime
    level: str
    title: str
    facts: Sequence[tuple[str, str]] = ()
    # What was returned or asked for, as JSON.
    payloads: Sequence[tuple[str, str]] = ()


def places(project: Project) -> list[tuple[str, str]]:
    """Return what can be talked to: the draft, and each environment with what it answers with."""
    numbers = dict(project.releases.values_list("pk", "number"))
    found = [(DRAFT, "Draft, with the connections of Sandbox")]
    for one in Environment:
        release_id = release_id_of(project.pk, one.value)
        number = numbers[release_id] if release_id else None
        found.append((one.value, f"{one.label}: {f'release {number}' if number else 'draft'}"))
    return found


def panel_begin(project: Project, where: str, *, variant_id: str = "") -> Conversation:
    """Open a conversation with the draft or an environment, and let the AI agent greet."""
    environment = Environment.SANDBOX.value if where == DRAFT else where
    channel = _channel(project, environment)
    visitor = Visitor(variant_id=variant_id, page={TEST_PANEL: where})
    with transaction.atomic():
        conversation = session_create(channel=channel, token_family=uuid.uuid4(), visitor=visitor)
        if where == DRAFT and conversation.release_id is not None:
            conversation.release = None
            conversation.save(update_fields=["release"])
    agent_begin(conversation.pk, tool_services)
    return conversation


def panel_conversation(project: Project, conversation_id: str) -> Conversation | None:
    """Return a conversation of the panel, with what its page shows."""
    rows = project.conversations.select_related("release", "channel", "project")
    return rows.filter(pk=conversation_id, channel__kind=Channel.Kind.CHAT).first()


def panel_lines(conversation: Conversation) -> list[Line]:
    """Return what was said and what happened, oldest first."""
    events = conversation.events.exclude(type__in=_QUIET).order_by("-sequence")[:LINES_MAX]
    return [_line(event) for event in reversed(events)]


def panel_moments(conversation: Conversation) -> list[Moment]:
    """Return how each turn came about, newest first: topic and score, tools, payload, log."""
    entries = LogEntry.objects.filter(conversation=conversation).order_by("-at", "-id")
    return [_moment(entry) for entry in entries[:LINES_MAX]]


def panel_handoff(conversation: Conversation) -> dict[str, Any] | None:
    """Return the newest handoff as it goes: its state, its way there, its payload."""
    handoff = Handoff.objects.filter(conversation=conversation).order_by("-requested_at").first()
    if handoff is None:
        return None
    return {
        "row": handoff,
        "badge": BADGES[State(handoff.state)],
        "steps": [
            (BADGES[State(state)].label, at, detail)
            for state, at, detail in handoff.transitions.order_by("id").values_list(
                "to_state", "at", "detail"
            )
        ],
        "payload": {
            "integration": handoff.integration_key,
            "destination": handoff.destination,
            "reason": handoff.reason,
            "hints": handoff.routing,
            "data": handoff.context_data,
        },
    }


def _channel(project: Project, environment: str) -> Channel:
    """Return the channel of the panel; no page may carry it, and no token opens it."""
    return channel_shared(
        project=project, kind=Channel.Kind.CHAT, environment=environment, name=NAME
    )


def _line(event: Event) -> Line:
    kind, payload = EventType(event.type), event.payload
    if kind in _WHO:
        offered = payload.get("response_suggestions", [])
        return Line(
            who=_WHO[kind],
            text=payload.get("text", ""),
            at=event.created_at,
            name=payload.get("agent_name", ""),
            choices=[one["message_text"] for one in offered],
        )
    said = payload.get("message") or _NOTICES.get(kind, kind.replace("_", " ").capitalize())
    if kind in (EventType.HANDOFF_FAILED, EventType.SESSION_END) and payload.get("reason"):
        said = f"{said} ({payload['reason']})"
    return Line(who="notice", text=str(said), at=event.created_at)


def _moment(entry: LogEntry) -> Moment:
    if entry.code != "turn":
        source = [("Source", entry.source)] if entry.source else []
        return Moment(at=entry.at, level=entry.level, title=entry.content, facts=source)
    fields = {
        _label(name): value
        for name, value in entry.fields.items()
        if name not in _IN_TITLE and not (name == "why" and value in _TOLD)
    }
    return Moment(
        at=entry.at,
        level="",
        title=entry.content,
        facts=[(name, _shown(name, value)) for name, value in fields.items() if _is_fact(value)],
        payloads=[
            (name, json.dumps(value, indent=2, ensure_ascii=False))
            for name, value in fields.items()
            if not _is_fact(value)
        ],
    )


def _label(name: str) -> str:
    return _LABELS.get(name, name.replace("_", " ").capitalize())


def _is_fact(value: object) -> bool:
    """Tell a word or a list of words from what is a structure."""
    words = value if isinstance(value, list) else [value]
    return not any(isinstance(one, dict | list) for one in words)


def _shown(name: str, value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == _LABELS["score"] and isinstance(value, float):
        return f"{value:.0%}"
    return str(value).replace("_", " ") if name == _LABELS["why"] else str(value)
