"""Reads a bot's activities as what is to be said and done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from conversations.ai_agent.outside.agent import AgentAnswer
from conversations.ai_agent.outside.answers import SOURCE
from conversations.ai_agent.outside.bot_framework.cards import (
    Drawing,
    action_draw,
    attachment_draw,
)
from conversations.ai_agent.outside.bot_framework.handoff_value import INITIATE_EVENT, handoff_of
from conversations.ai_agent.outside.bot_framework.kept import Kept
from conversations.ai_agent.sandbox.results import MAX_SAID_CHARS
from conversations.ai_agent.turn import AgentMessage, TurnLog
from integrations.contract.rich_content import Markup
from integrations.kit.cutting import shortened
from integrations.kit.html_markdown import markdown_of
from integrations.kit.json_values import Json, as_moment, as_object, as_objects, as_text
from integrations.kit.markdown_text import readable

MESSAGE, EVENT, TYPING, END = "message", "event", "typing", "endOfConversation"
# What a client of the protocol passes over without a word.
_SILENT = frozenset(
    {TYPING, "conversationUpdate", "trace", "messageReaction", "installationUpdate"}
)
_EARLIEST = datetime.min.replace(tzinfo=UTC)


@dataclass(slots=True)
class _Read:
    messages: list[AgentMessage] = field(default_factory=list)
    returned: dict[str, Any] | None = None
    has_ended: bool = False
    logs: list[TurnLog] = field(default_factory=list)


def answer_of(activities: Iterable[Json], kept: Kept) -> AgentAnswer:
    """Return what the bot wants; `kept` learns what its buttons mean."""
    read = _Read()
    for activity in activities:
        _read(activity, read, kept)
    return AgentAnswer(
        messages=read.messages,
        returned=read.returned,
        has_hung_up=read.has_ended,
        session=kept.as_dict(),
        logs=read.logs,
    )


def in_order(activities: Sequence[Json]) -> list[Json]:
    """Return activities by their time: the protocol promises no order; without one they stay."""
    return sorted(activities, key=lambda one: as_moment(one.get("timestamp")) or _EARLIEST)


def replies_to(activity: Json) -> str:
    """Return the id of what an activity answers."""
    return as_text(activity.get("replyToId"))


def closes(activity: Json) -> bool:
    """Say whether a bot says with this one that it waits for the end user."""
    return (
        activity.get("inputHint") == "expectingInput"
        or activity.get("type") == END
        or activity.get("name") == INITIATE_EVENT
    )


def _read(activity: Json, read: _Read, kept: Kept) -> None:
    kind = activity.get("type")
    if kind == MESSAGE:
        _message(activity, read, kept)
    elif kind == END:
        read.has_ended = True
    elif kind == EVENT:
        _event(activity, read)
    elif kind not in _SILENT:
        read.logs.append(_log(f"An activity of type {as_text(kind)[:40]} was not shown."))
    if kind in (MESSAGE, EVENT):
        for place in (activity.get("value"), activity.get("channelData")):
            if as_object(place).get("handoff") not in (None, False):
                _hand_off(place, read)


def _message(activity: Json, read: _Read, kept: Kept) -> None:
    drawing = Drawing()
    drawing.say(_text(activity))
    for attachment in as_objects(activity.get("attachments")):
        attachment_draw(attachment, drawing, kept)
    for action in as_objects(as_object(activity.get("suggestedActions")).get("actions")):
        action_draw(action, drawing, kept)
    text = shortened("\n\n".join(drawing.texts), MAX_SAID_CHARS)
    extra = drawing.extra()
    if text or extra:
        read.messages.append(AgentMessage(text=text, extra=extra))
    read.logs += [_log(f"The bot sent {what}, which cannot be drawn.") for what in drawing.missing]


def _text(activity: Json) -> str:
    text, kind = as_text(activity.get("text")), activity.get("textFormat")
    if kind == "xml":
        return readable(*markdown_of(text))
    return text if kind == "plain" else readable(text, Markup.MARKDOWN)


def _event(activity: Json, read: _Read) -> None:
    if activity.get("name") == INITIATE_EVENT:
        _hand_off(activity.get("value"), read)
    elif as_object(activity.get("value")).get("handoff") in (None, False):
        read.logs.append(_log(f"The bot's event {as_text(activity.get('name'))[:60]} has no use."))


def _hand_off(value: object, read: _Read) -> None:
    """Take the first handoff of a turn; the same one comes twice where two shapes are mixed."""
    if read.returned is None:
        read.returned = handoff_of(value)


def _log(content: str) -> TurnLog:
    return TurnLog(level="info", content=content, source=SOURCE, code="bot_activity")
