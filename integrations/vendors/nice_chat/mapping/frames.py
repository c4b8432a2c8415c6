"""The gateway's frames: what a guest sends, and the three shapes of what comes back."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import urlencode

from integrations.kit.json_values import (
    Json,
    as_id,
    as_moment,
    as_object,
    as_text,
    json_digest,
    json_text,
)
from integrations.kit.plain_json import vendor_json

HEARTBEAT = json_text({"action": "heartbeat"})
PLATFORM, VERSION = "web", "3.3.0"
_THREADS = ("thread.idOnExternalPlatform", "case.threadIdOnExternalPlatform")
_MORE_THREADS = (
    *("message.threadIdOnExternalPlatform", "messagePreview.threadIdOnExternalPlatform"),
    "consumerContact.threadIdOnExternalPlatform",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """Who speaks on a socket, on which channel, and about which thread."""

    brand_id: int
    channel_id: str
    thread_id: str
    customer_id: str = field(repr=False)
    first_name: str = field(default="", repr=False)
    last_name: str = field(default="", repr=False)

    @property
    def visitor_id(self) -> str:
        """An id of the guest's browser, which is always the same one."""
        return str(uuid.uuid5(uuid.NAMESPACE_URL, self.customer_id))

    @property
    def thread(self) -> dict[str, object]:
        """Name the thread as every call about it does."""
        return {"thread": {"idOnExternalPlatform": self.thread_id}}

    def frame(self, event: str, data: Json, event_id: str) -> str:
        """Write a request."""
        identity = {
            "idOnExternalPlatform": self.customer_id,
            "firstName": self.first_name,
            "lastName": self.last_name,
        }
        payload = {
            "eventType": event,
            "brand": {"id": self.brand_id},
            "channel": {"id": self.channel_id},
            "consumerIdentity": identity,
            "data": data,
            "destination": {},
            "visitor": {"id": self.visitor_id},
            "visit": {},
        }
        action = "register" if event == "AuthorizeCustomer" else "chatWindowEvent"
        return json_text({"action": action, "eventId": event_id, "payload": payload})

    def query(self, transaction_token: str = "") -> str:
        """Write the query of the socket's address; a token says who the guest is."""
        who = (
            {"transactionToken": transaction_token}
            if transaction_token
            else {"customerId": self.customer_id}
        )
        named = {"brandId": str(self.brand_id), "channelId": self.channel_id}
        client = {"v": "0", "sdkPlatform": PLATFORM, "sdkVersion": VERSION}
        return urlencode({**client, **named, **who, "visitorId": self.visitor_id})


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """Something that happened, of which nobody had asked."""

    id: str
    event: str
    data: Json = field(repr=False)
    at: datetime

    @property
    def thread_id(self) -> str:
        """The thread it is about, by the first place that names one."""
        for path in (*_THREADS, *_MORE_THREADS):
            part, _, name = path.partition(".")
            if found := as_text(as_object(self.data.get(part)).get(name)):
                return found
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A frame: a reply or an error to a request of ours by `event_id`, or a push."""

    event_id: str = ""
    reply: Json = field(default_factory=dict, repr=False)
    error_code: str = ""
    push: Push | None = None
    is_authorized: bool = False


def frame_of(text: str) -> Frame:
    """Read a frame in the order of the vendor's own client; what is none is empty."""
    try:
        value = vendor_json(text)
    except ValueError:
        return Frame()
    raw = as_object(value)
    frame = Frame(
        event_id=as_id(raw.get("eventId")),
        is_authorized=raw.get("authorizationStatus") == "authorized",
    )
    if not frame.event_id:
        return frame
    if "error" in raw:
        code = as_text(as_object(raw["error"]).get("errorCode"))
        return replace(frame, error_code=code or "unknown")
    if "data" in raw:
        return replace(frame, push=push_of(raw))
    postback = as_object(raw.get("postback"))
    if postback.get("eventType") == "SetPositionInQueue":  # the web client files it so
        return replace(frame, push=push_of({**postback, "eventId": frame.event_id}))
    return replace(frame, reply=as_object(postback.get("data")))


def push_of(raw: Json) -> Push:
    """Read a push, from a frame or from where a large one is stored."""
    at = as_moment(raw.get("createdAtWithMilliseconds")) or as_moment(raw.get("createdAt"))
    return Push(
        id=as_id(raw.get("eventId")) or json_digest(raw),
        event=as_text(raw.get("eventType")),
        data=as_object(raw.get("data")),
        at=at or datetime.now(UTC),
    )
