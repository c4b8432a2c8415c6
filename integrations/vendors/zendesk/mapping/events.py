"""What a webhook event of Zendesk's means in our events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from integrations.contract.events import (
    ConversationEnded,
    LiveAgentAttachment,
    LiveAgentMessage,
    LiveAgentTyping,
    MessageEchoed,
    NoLiveAgents,
    SystemNotice,
    UnknownEvent,
    VendorEvent,
)
from integrations.kit.json_values import Json, as_id, as_moment, as_object, as_text
from integrations.vendors.zendesk.mapping.content import content_media, content_text
from integrations.vendors.zendesk.mapping.control import (
    AGENT_WORKSPACE_TYPE,
    CONTROL_KEY,
    TAKING,
    Switchboard,
    active_of,
)
from integrations.vendors.zendesk.mapping.messages import HANDOFF_KEY, mark_of

MALFORMED = "malformed"
_TRIGGER_AGENT = "__trigger"
_AGENT_ID_KEY = "__zendesk_msg.agent.id"
_AUTOMATIC_NAME = "Automated Response"
_INVALID_TARGET = "switchboard_invalid_target"

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
        *(f"conversation:message:delivery:{kind}" for kind in ("channel", "failure", "user")),
        *("switchboard:acceptControl", "switchboard:acceptControl:failure"),
        *("switchboard:offerControl", "switchboard:offerControl:failure"),
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
    if ended_by := _ENDING_ACTIVITIES.get(_activity_type(message)):
        return [ended(event.conversation_id, base["occurred_at"], ended_by)]
    if _activity_type(message) or as_object(message.get("author")).get("type") != "business":
        return []
    return _read_business(event, message, base)


def _activity_type(message: Json) -> str:
    return as_text(as_object(message.get("activity")).get("type"))


def _read_business(event: ConversationEvent, message: Json, base: EventBase) -> list[VendorEvent]:
    agent_id, name = _agent(message)
    source = as_text(as_object(message.get("source")).get("type"))
    shown = as_text(as_object(message.get("author")).get("displayName"))
    authors = {agent_id, shown, source, as_id(_metadata(message).get(_AGENT_ID_KEY))}
    if event.ignored_authors & {author.lower() for author in authors if author}:
        return []
    content = as_object(message.get("content"))
    text, media = content_text(content), content_media(content)
    if not agent_id:
        said = text or (media.file_name if media else "")
        return [SystemNotice(**base, text=said)] if said else []
    events: list[VendorEvent] = []
    if text:
        events.append(LiveAgentMessage(**base, agent_id=agent_id, agent_name=name, text=text))
    if media is not None:
        if events:
            base = {**base, "vendor_event_id": f"{base['vendor_event_id']}:file"}
        events.append(
            LiveAgentAttachment(
                **base,
                agent_id=agent_id,
                agent_name=name,
                file_name=media.file_name,
                mime_type=media.mime_type,
                url=media.url,
            )
        )
    return events


def _agent(message: Json) -> tuple[str, str]:
    """Return id and name of the live agent who wrote it; empty for triggers and bots."""
    source = as_object(message.get("source"))
    name = as_text(as_object(message.get("author")).get("displayName"))
    agent_id = as_id(_metadata(message).get(_AGENT_ID_KEY))
    if source.get("type") != AGENT_WORKSPACE_TYPE or agent_id == _TRIGGER_AGENT:
        return "", ""
    if agent_id:
        return agent_id, name
    return (f"name:{name}", name) if name and name != _AUTOMATIC_NAME else ("", "")


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


def _read_failure(event: ConversationEvent) -> list[VendorEvent]:
    code = as_text(as_object(event.payload.get("error")).get("code"))
    is_ours = HANDOFF_KEY in as_object(event.payload.get("metadata"))
    if code != _INVALID_TARGET or not is_ours:
        return []
    return [NoLiveAgents(**_base(event), detail=f"Control could not be passed: {code}")]


def _is_own_doing(event: ConversationEvent) -> bool:
    """Say whether we moved control ourselves, to have it before the live agents."""
    is_marked = as_object(event.payload.get("metadata")).get(CONTROL_KEY) == TAKING
    return is_marked and not event.payload.get("reason")


_READERS: Mapping[str, Callable[[ConversationEvent], list[VendorEvent]]] = {
    "conversation:message": _read_message,
    "conversation:typing": _read_typing,
    "conversation:remove": _read_removed,
    "switchboard:passControl": _read_passed,
    "switchboard:passControl:failure": _read_failure,
    "switchboard:releaseControl": _read_released,
}
