"""What Live Agent's messages mean to us, and how a chat is asked for."""

from __future__ import annotations

import html
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import TypedDict

from integrations.contract.connector import HandoffRequest, VendorSession
from integrations.contract.events import (
    ConversationEnded,
    IdleWarning,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentTyping,
    NoLiveAgents,
    QueuePositionChanged,
    SystemNotice,
    UnknownEvent,
    VendorEvent,
)
from integrations.kit.cutting import characters, shortened
from integrations.kit.hints import hint_pairs, hint_text, identity_of
from integrations.kit.json_values import Json, as_count, as_object, as_objects, as_text
from integrations.kit.transcript import SUMMARY_TITLE, TRANSCRIPT_TITLE, newest_lines
from integrations.kit.transcript import transcript_is_wanted as wants_transcript

TRACE_LABEL = "PortalSessionId"
# Ours, not the vendor's: what a live agent can still find their way in.
MAX_TRANSCRIPT = 32_000
MAX_VALUE = 1024
FILE_WANTED = "The live agent asks you to send a file."
SUMMARY_LABEL, TRANSCRIPT_LABEL = "Summary", "Transcript"
_DETAIL_HINTS = (
    *("queue", "skills", "department", "priority", "language", "subject", "reason", "note"),
)
_MAPPING_HINTS = ("attributes", "pre_chat", "routing_attributes")  # later ones win
_NAME_LENGTH = 60
# Known, and of no interest to the end user.
_IGNORED = frozenset({"NewVisitorBreadcrumb", "CustomEvent", "SwitchServer"})
_AGENT_LINE = "Agent"
_END = "ChatEnded"
_HELD = frozenset({"ChatMessage", _END})


def init_body(
    request: HandoffRequest,
    credentials: Mapping[str, str],
    *,
    org_id: str,
    session_id: str,
) -> dict[str, object]:
    """Return what asks for a chat, with everything that the live agent should see before it."""
    identity = identity_of(request)
    fields = read_pairs(credentials.get("transcript_fields", ""))
    language = request.routing.get("language") or request.locale
    return {
        "organizationId": org_id,
        "deploymentId": credentials.get("deployment_id", "")[:15],
        "buttonId": credentials.get("button_id", "")[:15],
        "sessionId": session_id,
        "userAgent": "Baton",
        "language": hint_text(language).replace("-", "_") or "en_US",
        "screenResolution": "unknown",
        "visitorName": identity.name or "Visitor",
        "prechatDetails": [
            _detail(label, value, fields.get(label)) for label, value in details(request).items()
        ],
        "prechatEntities": [],
        "receiveQueueUpdates": True,
        "isPost": True,
    }


def details(request: HandoffRequest) -> dict[str, str]:
    """Return what goes with a chat, by label: hints, identity, trace, summary, transcript."""
    routing, identity = request.routing, identity_of(request)
    found: dict[str, object] = {name: routing.get(name) for name in _DETAIL_HINTS}
    found |= {"First name": identity.first_name, "Last name": identity.last_name}
    found |= {"Email": identity.email, "Phone": identity.phone}
    found["External ID"] = identity.external_id
    for name in _MAPPING_HINTS:
        found |= hint_pairs(routing.get(name))
    found[TRACE_LABEL] = request.conversation_id
    texts = {
        label: shortened(hint_text(value), MAX_VALUE)
        for label, value in found.items()
        if hint_text(value)
    }
    return texts | _spoken(request)


def _spoken(request: HandoffRequest) -> dict[str, str]:
    """Return summary and transcript, as the hint `transcript` asks."""
    routing, texts = request.routing, {}
    summary = hint_text(routing.get("summary")).strip()
    if summary and routing.get("transcript") != "none":
        texts[SUMMARY_LABEL] = f"{SUMMARY_TITLE}\n{shortened(summary, MAX_TRANSCRIPT)}"
    if request.transcript and wants_transcript(request):
        link = request.transcript_url
        lines = newest_lines(request.transcript, MAX_TRANSCRIPT, characters, link)
        texts[TRANSCRIPT_LABEL] = f"{TRANSCRIPT_TITLE}\n{lines}"
    return texts


def _detail(label: str, value: str, transcript_field: str | None) -> dict[str, object]:
    return {
        "label": label,
        "value": value,
        "displayToAgent": True,
        "transcriptFields": [transcript_field] if transcript_field else [],
        "entityMaps": [],
    }


def read_pairs(text: str) -> dict[str, str]:
    """Read a key-value field, a JSON object; raises ValueError for anything else."""
    pairs = json.loads(text) if text.strip() else {}
    if not isinstance(pairs, dict):
        raise ValueError("not an object")
    return {name: hint_text(value) for name, value in hint_pairs(pairs).items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Chat:
    """How far a chat has come: who is there, how often somebody came, how much was said."""

    agent_id: str = ""
    agent_name: str = field(default="", repr=False)
    joins: int = 0
    # What live agents have said: the history counts alike, so that no line comes twice.
    lines: int = 0
    # Where the file goes that a live agent has asked for.
    file_url: str = field(default="", repr=False)
    file_token: str = field(default="", repr=False)
    has_ended: bool = False
    # Polls are missing, and the history is asked for: until it comes, lines cannot be counted,
    # and nothing may end.
    is_catching_up: bool = False
    held: tuple[Json, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, session: VendorSession) -> Chat:
        """Read it from a stored session."""
        kept = as_object(session.state.get("chat"))
        known = {name: kept[name] for name in cls.__dataclass_fields__ if name in kept}
        return cls(**known)  # type: ignore[arg-type]  # it is what `stored_in` has written

    def stored_in(self, session: VendorSession) -> VendorSession:
        """Return the session with it."""
        return replace(session, state={**session.state, "chat": asdict(self)})


class _Base(TypedDict):
    vendor_event_id: str
    vendor_conversation_id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a poll; `name` is the same whenever it comes again."""

    name: str
    kind: str
    body: Json = field(repr=False)
    conversation_id: str
    at: datetime

    def base(self, event_id: str = "") -> _Base:
        """Return what every event has."""
        return {
            "vendor_event_id": event_id or self.name,
            "vendor_conversation_id": self.conversation_id,
            "occurred_at": self.at,
        }


Outcome = tuple[Chat, list[VendorEvent]]


def outcome_of(message: Message, chat: Chat) -> Outcome:
    """Return what a message changes, and what it tells; what nobody knows is named."""
    if message.kind in _IGNORED:
        return chat, []
    if chat.is_catching_up and message.kind in _HELD:
        kept = {"type": message.kind, "message": message.body}
        return replace(chat, held=(*chat.held, kept)), []
    if message.kind not in _READERS:
        name = message.kind[:_NAME_LENGTH] or "malformed"
        return chat, [UnknownEvent(**message.base(), name=name)]
    return _READERS[message.kind](message, chat)


def _requested(message: Message, chat: Chat) -> Outcome:
    """A place of 0 stands for routing by queue, which counts none."""
    position = as_count(message.body.get("queuePosition")) or None
    return _waiting(message, chat, position)


def _queue_update(message: Message, chat: Chat) -> Outcome:
    return _waiting(message, chat, as_count(message.body.get("position")))


def _waiting(message: Message, chat: Chat, position: int | None) -> Outcome:
    """Tell place and time; Live Agent counts from 0."""
    seconds = as_count(message.body.get("estimatedWaitTime"))
    if position is None and seconds is None:
        return chat, []
    place = None if position is None else position + 1
    return chat, [
        QueuePositionChanged(**message.base(), position=place, estimated_wait_seconds=seconds)
    ]


def _refused(message: Message, chat: Chat) -> Outcome:
    reason = as_text(message.body.get("reason"))[:300]
    return replace(chat, has_ended=True), [
        NoLiveAgents(**message.base(), detail=reason),
        ConversationEnded(**message.base("ended")),
    ]


def _established(message: Message, chat: Chat) -> Outcome:
    """Somebody took the chat: the one before them, if any, is gone with that."""
    name = as_text(message.body.get("name"))
    agent_id = as_text(message.body.get("userId")) or name
    if chat.agent_name == name and chat.agent_id in (name, agent_id):
        return replace(chat, agent_id=agent_id), []  # known from the history, or said again
    chat, events = _left(message, chat)
    return _joined(message, chat, agent_id, name, events)


def _joined(
    message: Message, chat: Chat, agent_id: str, name: str, events: list[VendorEvent]
) -> Outcome:
    joins = chat.joins + 1
    base = message.base(f"joined:{joins}")
    joined = LiveAgentJoined(**base, agent_id=agent_id, agent_name=name)
    chat = replace(chat, agent_id=agent_id, agent_name=name, joins=joins)
    return chat, [*events, joined]


def _left(message: Message, chat: Chat) -> Outcome:
    if not chat.agent_id:
        return chat, []
    base = message.base(f"left:{chat.joins}")
    left = LiveAgentLeft(**base, agent_id=chat.agent_id, agent_name=chat.agent_name)
    return replace(chat, agent_id="", agent_name="", file_url="", file_token=""), [left]


def _typing(message: Message, chat: Chat) -> Outcome:
    is_typing = message.kind == "AgentTyping"
    base = message.base()
    return chat, [LiveAgentTyping(**base, agent_id=chat.agent_id, is_typing=is_typing)]


def released(message: Message, chat: Chat) -> Outcome:
    """Give up waiting for a history that does not come: what was held is counted as it came."""
    held = chat.held
    events: list[VendorEvent] = []
    chat = replace(chat, is_catching_up=False, held=())
    for one in held:
        kind, body = as_text(one.get("type")), as_object(one.get("message"))
        chat, more = outcome_of(replace(message, kind=kind, body=body), chat)
        events += more
    return chat, events


def _said(message: Message, chat: Chat) -> Outcome:
    body = message.body
    return _line(
        message,
        chat,
        agent_id=as_text(body.get("agentId")) or chat.agent_id,
        name=as_text(body.get("name")) or chat.agent_name,
        text=as_text(body.get("text")),
        at=message.at,
    )


def _line(
    message: Message, chat: Chat, *, agent_id: str, name: str, text: str, at: datetime
) -> Outcome:
    """Count a line of a live agent's; the count is its name, in the poll as in the history."""
    lines = chat.lines + 1
    said = LiveAgentMessage(
        vendor_event_id=f"line:{lines}",
        vendor_conversation_id=message.conversation_id,
        occurred_at=at,
        agent_id=agent_id or name,
        agent_name=name,
        text=html.unescape(text),
        vendor_message_id=f"line:{lines}",
    )
    return replace(chat, lines=lines), [said]


def _history(message: Message, chat: Chat) -> Outcome:
    """Tell the lines that no poll has brought; who wrote them has come meanwhile."""
    rows = as_objects(message.body.get("chatMessages"))
    said = [row for row in rows if row.get("type") == _AGENT_LINE]
    events: list[VendorEvent] = []
    # The history has the lines that were held; an end is still to be told.
    ends = tuple(one for one in chat.held if one.get("type") == _END)
    chat = replace(chat, is_catching_up=False, held=ends)
    for row in said[chat.lines :]:
        name = as_text(row.get("name"))
        if not chat.agent_id:
            chat, more = _joined(message, chat, name, name, [])
            events += more
        agent_id = chat.agent_id if name in ("", chat.agent_name) else name
        content, at = as_text(row.get("content")), _moment(row.get("timestamp"), message.at)
        chat, more = _line(message, chat, agent_id=agent_id, name=name, text=content, at=at)
        events += more
    chat, more = released(message, chat)
    return chat, events + more


def _idle(message: Message, chat: Chat) -> Outcome:
    is_warning = message.body.get("idleTimeoutWarningEvent") == "triggered"
    return chat, [IdleWarning(**message.base())] if is_warning else []


def _file(message: Message, chat: Chat) -> Outcome:
    """A live agent must ask for a file, and may take that back."""
    body = message.body
    if body.get("type") != "Requested":
        return replace(chat, file_url="", file_token=""), []
    chat = replace(
        chat,
        file_url=as_text(body.get("uploadServletUrl")),
        file_token=as_text(body.get("fileToken")),
    )
    return chat, [SystemNotice(**message.base(), text=FILE_WANTED)]


def _ended(message: Message, chat: Chat) -> Outcome:
    reason = as_text(message.body.get("reason"))[:_NAME_LENGTH]
    base = message.base("ended")
    return replace(chat, has_ended=True), [ConversationEnded(**base, ended_by=reason)]


def _moment(value: object, otherwise: datetime) -> datetime:
    """Read a time of the history, in milliseconds."""
    milliseconds = as_count(value)
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else otherwise


_READERS: Mapping[str, Callable[[Message, Chat], Outcome]] = {
    "ChatRequestSuccess": _requested,
    "QueueUpdate": _queue_update,
    "ChatRequestFail": _refused,
    "ChatEstablished": _established,
    "ChatTransferred": _established,
    "AgentTyping": _typing,
    "AgentNotTyping": _typing,
    "ChatMessage": _said,
    "ChasitorSessionData": _history,
    "AgentDisconnect": _left,
    "ChasitorIdleTimeoutWarningEvent": _idle,
    "FileTransfer": _file,
    _END: _ended,
}
