"""Turns what the other side sends into our events, with what a message offers beside its text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypedDict

from integrations.contract.events import (
    ConversationEnded,
    IdleWarning,
    LiveAgentJoined,
    LiveAgentLeft,
    LiveAgentMessage,
    LiveAgentMessageDeleted,
    LiveAgentMessageEdited,
    LiveAgentTyping,
    MessageFailed,
    MessageRead,
    NoLiveAgents,
    QueuePositionChanged,
    SystemNotice,
    TransferStarted,
    UnknownEvent,
    VendorEvent,
)
from integrations.contract.rich_content import (
    Author,
    Card,
    Choice,
    ChoiceKind,
    FieldKind,
    Form,
    FormField,
    Markup,
    RichContent,
    Slot,
    VendorFile,
)
from integrations.kit.json_values import Json, as_id, as_moment, as_object, as_objects, as_text
from integrations.vendors.custom.mapping.calls import few

_CHOICE_KINDS = {"link": ChoiceKind.LINK, "phone": ChoiceKind.PHONE}
_FIELD_KINDS = {kind.value: kind for kind in FieldKind}
# Events by the capability an admin must have ticked for them.
NEEDED = {"typing": "typing", "read": "read", "queue": "queue_status"}
# Why a handoff was closed by no person.
_CAUSES = {"idle": "vendor_idle", "time_limit": "vendor_time_limit"}


def rich_of(data: Json) -> RichContent:
    """Return what the data of a message or an edit offers; what cannot be read is left out."""
    return RichContent(
        choices=_choices(data),
        cards=tuple(_card(card) for card in as_objects(data.get("cards"))),
        slots=tuple(slot for given in as_objects(data.get("slots")) if (slot := _slot(given))),
        place=as_text(data.get("place")),
        form=_form(as_object(data.get("form"))),
    )


def markup_of(data: Json) -> Markup:
    """Return how the text is written."""
    return Markup.MARKDOWN if data.get("markup") == "markdown" else Markup.PLAIN


def _choices(data: Json, name: str = "choices") -> tuple[Choice, ...]:
    return tuple(choice for given in as_objects(data.get(name)) if (choice := _choice(given)))


def _choice(given: Json) -> Choice | None:
    """Read a choice; without a label there is nothing to show, without a target nothing to take."""
    label, url = as_text(given.get("label")).strip(), as_text(given.get("url"))
    kind = _CHOICE_KINDS.get(as_text(given.get("kind")), ChoiceKind.REPLY)
    token = as_id(given.get("id"))
    if not label or not (token if kind is ChoiceKind.REPLY else url):
        return None
    return Choice(
        label=label,
        token=token,
        kind=kind,
        url=url,
        image_url=as_text(given.get("image_url")),
        description=as_text(given.get("description")),
    )


def _card(given: Json) -> Card:
    return Card(
        title=as_text(given.get("title")),
        text=as_text(given.get("text")),
        image_url=as_text(given.get("image_url")),
        choices=_choices(given),
    )


def _slot(given: Json) -> Slot | None:
    starts_at, token = as_moment(given.get("starts_at")), as_id(given.get("id"))
    if starts_at is None or not token:
        return None
    return Slot(
        starts_at=starts_at,
        token=token,
        duration_seconds=few(given.get("duration_seconds")),
        label=as_text(given.get("label")),
    )


def _form(given: Json) -> Form | None:
    fields = tuple(_field(one) for one in as_objects(given.get("fields")) if one.get("name"))
    if not fields:
        return None
    return Form(fields=fields, title=as_text(given.get("title")), token=as_id(given.get("id")))


def _field(given: Json) -> FormField:
    name, options = as_text(given.get("name")), _choices(given, "options")
    kind = FieldKind.SELECT if options else _FIELD_KINDS.get(as_text(given.get("kind")))
    return FormField(
        name=name,
        label=as_text(given.get("label")) or name,
        kind=kind or FieldKind.TEXT,
        options=options,
        is_required=given.get("is_required") is True,
        value=as_text(given.get("value")),
    )


class Named(TypedDict):
    """The fields that all events have."""

    vendor_event_id: str
    vendor_conversation_id: str
    occurred_at: datetime


class Received:
    """One event as it came, with what every event of ours needs."""

    def __init__(self, external_id: str, body: Json) -> None:
        """Take the stored body of an item."""
        self.kind = as_text(body.get("type"))
        self.data = as_object(body.get("data"))
        self.vendor_event_id = as_text(body.get("event_id"))
        self.vendor_conversation_id = external_id
        # The second is the moment of the signature, which every stored body has.
        moment = as_moment(body.get("occurred_at")) or as_moment(body.get("received_at"))
        self.occurred_at = moment or datetime.now(UTC)
        agent = as_object(self.data.get("agent"))
        self.agent_name = as_text(agent.get("name"))
        self.agent_id = as_text(agent.get("id")) or self.agent_name
        self.avatar_url = as_text(agent.get("avatar_url"))

    def named(self, suffix: str = "") -> Named:
        """Return the fields that all events have."""
        return {
            "vendor_event_id": f"{self.vendor_event_id}{suffix}",
            "vendor_conversation_id": self.vendor_conversation_id,
            "occurred_at": self.occurred_at,
        }


def events_of(external_id: str, body: Json, allowed: frozenset[str]) -> list[VendorEvent]:
    """Return what a body means; nothing for what the admin has not ticked."""
    received = Received(external_id, body)
    if NEEDED.get(received.kind, "") not in {"", *allowed}:
        return []
    read = _READERS.get(received.kind)
    if read is None:
        return [UnknownEvent(name=received.kind[:60], **received.named())]
    events = read(received)
    if "attachments" in allowed:
        return events
    return [_without_files(event) for event in events]


def _accepted(received: Received) -> list[VendorEvent]:
    queue = as_text(received.data.get("queue"))
    return [QueuePositionChanged(queue_name=queue, **received.named())] if queue else []


def _queue(received: Received) -> list[VendorEvent]:
    return [
        QueuePositionChanged(
            position=few(received.data.get("position")) or None,
            estimated_wait_seconds=few(received.data.get("estimated_wait_seconds")),
            queue_name=as_text(received.data.get("queue")),
            **received.named(),
        )
    ]


def _joined(received: Received) -> list[VendorEvent]:
    return [
        LiveAgentJoined(
            agent_id=received.agent_id,
            agent_name=received.agent_name,
            avatar_url=received.avatar_url,
            **received.named(),
        )
    ]


def _message(received: Received) -> list[VendorEvent]:
    """A message without agent is the system's; one that offers something needs an author."""
    text, rich = as_text(received.data.get("text")), rich_of(received.data)
    is_bot = received.data.get("by") == "bot" or (bool(rich) and not received.agent_id)
    if not received.agent_id and not is_bot:
        return [SystemNotice(text=text, **received.named())] if text else []
    return [
        LiveAgentMessage(
            agent_id=received.agent_id,
            agent_name=received.agent_name,
            text=text,
            markup=markup_of(received.data),
            rich=rich,
            files=_files(received),
            by=Author.VENDOR_BOT if is_bot else Author.LIVE_AGENT,
            vendor_message_id=as_text(received.data.get("message_id")),
            **received.named(),
        )
    ]


def _files(received: Received) -> tuple[VendorFile, ...]:
    return tuple(
        VendorFile(
            file_name=as_text(file.get("name")) or "file",
            mime_type=as_text(file.get("mime_type")) or "application/octet-stream",
            url=as_text(file.get("url")),
        )
        for file in as_objects(received.data.get("attachments"))
        if as_text(file.get("url"))
    )


def _without_files(event: VendorEvent) -> VendorEvent:
    return replace(event, files=()) if isinstance(event, LiveAgentMessage) else event


def _edited(received: Received) -> list[VendorEvent]:
    message_id = as_text(received.data.get("message_id"))
    if not message_id:
        return []
    return [
        LiveAgentMessageEdited(
            vendor_message_id=message_id,
            text=as_text(received.data.get("text")),
            markup=markup_of(received.data),
            rich=rich_of(received.data),
            **received.named(),
        )
    ]


def _deleted(received: Received) -> list[VendorEvent]:
    message_id = as_text(received.data.get("message_id"))
    if not message_id:
        return []
    return [LiveAgentMessageDeleted(vendor_message_id=message_id, **received.named())]


def _failed(received: Received) -> list[VendorEvent]:
    message_id = as_text(received.data.get("message_id"))
    reason = as_text(received.data.get("reason"))[:400]
    if not message_id:
        return []
    return [MessageFailed(vendor_message_id=message_id, reason=reason, **received.named())]


def _idle(received: Received) -> list[VendorEvent]:
    seconds = few(received.data.get("seconds_left"))
    return [IdleWarning(seconds_left=seconds, **received.named())]


def _typing(received: Received) -> list[VendorEvent]:
    is_typing = received.data.get("is_typing") is not False
    return [LiveAgentTyping(agent_id=received.agent_id, is_typing=is_typing, **received.named())]


def _read(received: Received) -> list[VendorEvent]:
    message_id = as_text(received.data.get("message_id"))
    return [MessageRead(vendor_message_id=message_id, **received.named())] if message_id else []


def _transferred(received: Received) -> list[VendorEvent]:
    return [TransferStarted(**received.named())]


def _left(received: Received) -> list[VendorEvent]:
    return [
        LiveAgentLeft(
            agent_id=received.agent_id, agent_name=received.agent_name, **received.named()
        )
    ]


def _closed(received: Received) -> list[VendorEvent]:
    cause = _CAUSES.get(as_text(received.data.get("cause")), "")
    by = as_text(received.data.get("by"))
    return [ConversationEnded(ended_by=by, cause=cause, **received.named())]


def _error(received: Received) -> list[VendorEvent]:
    """Nobody there fails a waiting handoff; any other error ends it."""
    code = as_text(received.data.get("code"))[:64]
    if code == "no_agents":
        return [NoLiveAgents(detail=code, **received.named())]
    return [ConversationEnded(ended_by="error", **received.named())]


# The types of the contract, in the order in which a conversation goes through them.
_READERS: Mapping[str, Callable[[Received], list[VendorEvent]]] = {
    "accepted": _accepted,
    "queue": _queue,
    "joined": _joined,
    "message": _message,
    "edited": _edited,
    "deleted": _deleted,
    "failed": _failed,
    "idle": _idle,
    "typing": _typing,
    "read": _read,
    "transferred": _transferred,
    "left": _left,
    "closed": _closed,
    "error": _error,
}
