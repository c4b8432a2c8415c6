"""What a webhook event of Zendesk's means in our events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from integrations.contract.events import (
    ConversationEnded,
    LiveAgentMessage,
    LiveAgentMessageDeleted,
    LiveAgentTyping,
    MessageEchoed,
    MessageFailed,
    NoLiveAgents,
    SystemNotice,
    UnknownEvent,
    VendorEvent,
)
from integrations.contract.rich_content import Author
from integrations.kit.json_values import Json, as_id, as_moment, as_object, as_text
from integrations.vendors.zendesk.mapping.content import content_of
from integrations.vendors.zendesk.mapping.outgoing import (
    AGENT_WORKSPACE_TYPE,
    CONTROL_KEY,
    HANDOFF_KEY,
    TAKING,
    Switchboard,
    active_of,
    mark_of,
)

MALFORMED = "malformed"
DELIVERY_FAILED = "conversation:message:delivery:failure"
_HANDOVER_FAILED = "switchboard:passControl:failure"
_TRIGGER_AGENT = "__trigger"
_AGENT_ID_KEY = "__zendesk_msg.agent.id"
_AUTOMATIC_NAME = "Automated Response"
# Of a bot that Zendesk gives no name.
_BOT_NAME = "Zendesk"

# Activity messages that end the conversation, with whose doing it is.
_ENDING_ACTIVITIES = {
    "ticket:closed": "agent",
    "ticket:transfer:email": "agent",
    "conversation:endedByUser": "end_user",
}
# Known, and of no interest to the end user.
_IGNORED_TYPES = frozenset(
    {
        *("client:add", "client:remove", "client:update"),
        *("conversation:create", "conversation:join", "conversation:leave"),
        *("conversation:postback", "conversation:read", "conversation:referral"),
        *("conversation:message:delivery:channel", "conversation:message:delivery:user"),
        *("switchboard:acceptControl", "switchboard:offerControl"),
        *("user:delete", "user:remove", "user:update"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversationEvent:
    """One event of the Conversations webhook, with what is needed to judge it."""

    event_id: str
    kind: str
    created_at: datetime
    payload: Json
    conversation_id: str
    switchboard: Switchboard
    ignored_authors: frozenset[str]
    # Our marks by Zendesk's ids of the messages, where the event needs them.
    marks: Mapping[str, str]


class EventBase(TypedDict):
    """What every event of ours says."""

    vendor_event_id: str
    vendor_conversation_id: str
    occurred_at: datetime


def events_of(event: ConversationEvent) -> list[VendorEvent]:
    """Return what an event means to us: often nothing, seldom more than one."""
    if event.kind in _IGNORED_TYPES:
        return []
    reader = _READERS.get(event.kind)
    if reader is None:
        return [UnknownEvent(**_base(event), name=event.kind or MALFORMED)]
    return reader(event)


def ended(conversation_id: str, at: datetime, ended_by: str) -> ConversationEnded:
    """Return the end; whichever signal comes first, its id is the same."""
    return ConversationEnded(
        vendor_event_id=f"{conversation_id}:ended",
        vendor_conversation_id=conversation_id,
        occurred_at=at,
        ended_by=ended_by,
    )


def _base(event: ConversationEvent) -> EventBase:
    return {
        "vendor_event_id": event.event_id,
        "vendor_conversation_id": event.conversation_id,
        "occurred_at": event.created_at,
    }


def _read_message(event: ConversationEvent) -> list[VendorEvent]:
    message = as_object(event.payload.get("message"))
    message_id = as_text(message.get("id"))
    if not message_id:
        return [UnknownEvent(**_base(event), name=MALFORMED)]
    base = _base(event)
    base["vendor_event_id"] = message_id
    base["occurred_at"] = as_moment(message.get("received")) or event.created_at
    if (mark := mark_of(message)) is not None:
        return [MessageEchoed(**base, vendor_message_id=mark[0])]
    if message.get("deleted") is True:
        base["vendor_event_id"] = f"{message_id}:deleted"
        return [LiveAgentMessageDeleted(**base, vendor_message_id=message_id)]
    if ended_by := _ENDING_ACTIVITIES.get(_activity_type(message)):
        return [ended(event.conversation_id, base["occurred_at"], ended_by)]
    if as_object(message.get("author")).get("type") != "business":
        return []
    return _read_business(event, message, base)


def _activity_type(message: Json) -> str:
    return as_text(as_object(message.get("activity")).get("type"))


def _read_business(event: ConversationEvent, message: Json, base: EventBase) -> list[VendorEvent]:
    speaker = speaker_of(message)
    source = as_text(as_object(message.get("source")).get("type"))
    authors = {speaker.agent_id, speaker.name, source, as_id(_metadata(message).get(_AGENT_ID_KEY))}
    if event.ignored_authors & {author.lower() for author in authors if author}:
        return []
    content = content_of(as_object(message.get("content")))
    if _is_activity(message):
        return [SystemNotice(**base, text=content.text)] if content.text.strip() else []
    if not content:
        return []
    said = LiveAgentMessage(
        **base,
        agent_id=speaker.agent_id,
        agent_name=speaker.name,
        by=speaker.by,
        text=content.text,
        markup=content.markup,
        rich=content.rich,
        files=content.files,
        vendor_message_id=base["vendor_event_id"],
    )
    return [said]


def _is_activity(message: Json) -> bool:
    """Say whether Zendesk's own system wrote it; nobody is behind it, not even a bot."""
    subtypes = as_object(message.get("author")).get("subtypes")
    is_marked = isinstance(subtypes, list) and "activity" in subtypes
    return bool(_activity_type(message)) or is_marked


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who wrote a message; the name may be empty."""

    agent_id: str
    name: str
    by: Author


def speaker_of(message: Json) -> Speaker:
    """Return who wrote it: a live agent, or a bot, trigger or flow of the account's."""
    source = as_text(as_object(message.get("source")).get("type"))
    name = as_text(as_object(message.get("author")).get("displayName")).strip()
    agent_id = as_id(_metadata(message).get(_AGENT_ID_KEY))
    if agent_id == _TRIGGER_AGENT:
        return Speaker(agent_id, name or _AUTOMATIC_NAME, Author.VENDOR_BOT)
    if source != AGENT_WORKSPACE_TYPE:
        return Speaker(source, name or _BOT_NAME, Author.VENDOR_BOT)
    if agent_id:
        return Speaker(agent_id, name, Author.LIVE_AGENT)
    if name in ("", _AUTOMATIC_NAME):
        return Speaker(source, name or _BOT_NAME, Author.VENDOR_BOT)
    return Speaker(f"name:{name}", name, Author.LIVE_AGENT)


def _metadata(message: Json) -> Json:
    return as_object(message.get("metadata"))


def _read_typing(event: ConversationEvent) -> list[VendorEvent]:
    activity = as_object(event.payload.get("activity"))
    if as_object(activity.get("author")).get("type") != "business":
        return []
    is_typing = activity.get("type") == "typing:start"
    # Who it is stands nowhere; the session knows who wrote last.
    return [LiveAgentTyping(**_base(event), agent_id="", is_typing=is_typing)]


def _read_passed(event: ConversationEvent) -> list[VendorEvent]:
    active = active_of(as_object(event.payload.get("conversation")))
    if _is_own_doing(event) or event.switchboard.is_agents(active):
        return []
    return [ended(event.conversation_id, event.created_at, "agent")]


def _read_released(event: ConversationEvent) -> list[VendorEvent]:
    return [] if _is_own_doing(event) else _read_removed(event)


def _read_removed(event: ConversationEvent) -> list[VendorEvent]:
    return [ended(event.conversation_id, event.created_at, "agent")]


def _read_control_failure(event: ConversationEvent) -> list[VendorEvent]:
    """Name what the switchboard refused; only our own handover that went wrong is an end."""
    code = as_text(as_object(event.payload.get("error")).get("code")) or "no code"
    metadata = as_object(event.payload.get("metadata"))
    active = active_of(as_object(event.payload.get("conversation")))
    is_handover = event.kind == _HANDOVER_FAILED and HANDOFF_KEY in metadata
    if is_handover and not event.switchboard.is_agents(active):
        return [NoLiveAgents(**_base(event), detail=f"Control could not be passed: {code}")]
    if not is_handover and CONTROL_KEY not in metadata:
        return []  # somebody else's
    return [UnknownEvent(**_base(event), name=f"{event.kind}: {code}")]


def _read_delivery_failure(event: ConversationEvent) -> list[VendorEvent]:
    """Tell of a message of ours that reached nobody; Zendesk names it by its own id alone."""
    failed_id = as_text(as_object(event.payload.get("message")).get("id"))
    mark = event.marks.get(failed_id, "")
    if not mark or event.payload.get("isFinalEvent") is False:
        return []
    error = as_object(event.payload.get("error"))
    named = (as_text(error.get(name)) for name in ("code", "message"))
    reason = ": ".join(part for part in named if part)
    return [MessageFailed(**_base(event), vendor_message_id=mark, reason=reason)]


def _is_own_doing(event: ConversationEvent) -> bool:
    """Say whether we moved control ourselves, to have it before the live agents."""
    is_marked = as_object(event.payload.get("metadata")).get(CONTROL_KEY) == TAKING
    return is_marked and not event.payload.get("reason")


_READERS: Mapping[str, Callable[[ConversationEvent], list[VendorEvent]]] = {
    "conversation:message": _read_message,
    DELIVERY_FAILED: _read_delivery_failure,
    "conversation:typing": _read_typing,
    "conversation:remove": _read_removed,
    "switchboard:passControl": _read_passed,
    **dict.fromkeys(
        (f"switchboard:{action}Control:failure" for action in ("pass", "offer", "accept")),
        _read_control_failure,
    ),
    "switchboard:releaseControl": _read_released,
}
