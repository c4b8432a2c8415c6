"""The simulated org, the one way an entry comes into being, and the streams that tell of it.

Imitates developer.salesforce.com/docs/service/messaging-api/references/about/server-sent-events.
"""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from integrations.simulators.events.faults import EventFaults
from integrations.simulators.events.streams import EventStream, EventStreamResponse
from integrations.simulators.keysets import Keyset
from integrations.simulators.records import Records
from integrations.simulators.world import World
from integrations.vendors.salesforce_messaging.simulator.state import (
    AccessToken,
    Conversation,
    EndUser,
    Entry,
    OrgSwitches,
    Tokens,
    now_ms,
)

# Entry type -> event name on the stream.
EVENT_NAMES = {
    "Message": "CONVERSATION_MESSAGE",
    # The contract has no names for these two: they are made as the others are.
    "MessageUpdated": "CONVERSATION_MESSAGE_UPDATED",
    "MessageDeliveryFailed": "CONVERSATION_MESSAGE_DELIVERY_FAILED",
    "ParticipantChanged": "CONVERSATION_PARTICIPANT_CHANGED",
    "RoutingResult": "CONVERSATION_ROUTING_RESULT",
    "RoutingWorkResult": "CONVERSATION_ROUTING_WORK_RESULT",
    "TypingStartedIndicator": "CONVERSATION_TYPING_STARTED_INDICATOR",
    "TypingStoppedIndicator": "CONVERSATION_TYPING_STOPPED_INDICATOR",
    "DeliveryAcknowledgement": "CONVERSATION_DELIVERY_ACKNOWLEDGEMENT",
    "ReadAcknowledgement": "CONVERSATION_READ_ACKNOWLEDGEMENT",
    "SessionStatusChanged": "CONVERSATION_SESSION_STATUS_CHANGED",
    "CloseConversation": "CONVERSATION_CLOSE_CONVERSATION",
    "QueuePosition": "CONVERSATION_QUEUE_POSITION",
    "ProgressIndicator": "CONVERSATION_PROGRESS_INDICATOR",
}
# The contract does not say which entries the history holds; passing ones are left out.
PASSING_TYPES = {
    "TypingStartedIndicator",
    "TypingStoppedIndicator",
    "DeliveryAcknowledgement",
    "ReadAcknowledgement",
    "QueuePosition",
    "ProgressIndicator",
}
SYSTEM_NAME = "Automated Process"
FILE_PATH = "/sfc/file/{file_id}"
CONTENT_PATH = "/sfc/content/{file_id}"
FIRST_EVENT_ID = 9_100_000
LARGEST_GAP = 9
CUSTOMER_ALGORITHMS = ["RS256", "RS512"]
PING = b"event: ping\ndata: 0\n\n"
# What a stream says, which is no JSON, when the token under which it was opened has expired.
EXPIRED = b"data: Jwt is expired\n\n"
MUTE_SECONDS = 1.0
# Whose it is, name, data, and the client that does not get it.
Draft = tuple[str, str, str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamEvent:
    """One event as it goes over the wire."""

    event_id: int
    name: str
    data: str
    # The closing of a conversation goes to the end user's other clients only.
    hidden_from_client: str | None = None

    def frame(self) -> bytes:
        """Return the event as a server-sent-events frame."""
        return f"id: {self.event_id}\nevent: {self.name}\ndata: {self.data}\n\n".encode()


@dataclass(slots=True, kw_only=True, eq=False)
class Stream(EventStream):
    """One open event stream of one client of one end user."""

    token: AccessToken
    position: int
    # Says that the token has expired, and stays open without a word from then on.
    is_mute: bool = False
    has_told_expiry: bool = False


class EventLog:
    """Keeps every end user's events and feeds the open streams."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._events: dict[str, list[StreamEvent]] = {}
        self._streams: list[Stream] = []
        self._last_id = FIRST_EVENT_ID
        self.faults: EventFaults[Draft] = EventFaults()

    # -- Writing ------------------------------------------------------------------------------

    def publish(
        self, subject: str, name: str, data: str, *, hidden_from_client: str | None = None
    ) -> None:
        """Append an event to an end user's log, applying planned duplicates and swaps."""
        draft = (subject, name, data, hidden_from_client)
        with self._lock:
            event, last = None, None
            for one in self.faults.arriving(draft, label=name):
                # What comes twice has the same id.
                event = event if event and one is last else self._numbered(one)
                last = one
                self._events.setdefault(one[0], []).append(event)
                for stream in self.open_streams(one[0]):
                    stream.notify()

    def _numbered(self, draft: Draft) -> StreamEvent:
        # Ids increase but are not contiguous.
        self._last_id += random.randint(1, LARGEST_GAP)  # noqa: S311 - a gap, not a secret
        _subject, name, data, hidden = draft
        return StreamEvent(event_id=self._last_id, name=name, data=data, hidden_from_client=hidden)

    # -- Reading ------------------------------------------------------------------------------

    @property
    def last_event_id(self) -> str:
        """Return the id a client starts from."""
        return str(self._last_id)

    def position_after(self, subject: str, last_event_id: int | None) -> int:
        """Return where to start reading; without an id only what is still to come is read."""
        log = self._events.get(subject, [])
        if last_event_id is None:
            return len(log)
        newer = (index for index, event in enumerate(log) if event.event_id > last_event_id)
        return next(newer, len(log))

    async def frames(self, stream: Stream, *, ping_seconds: float) -> AsyncIterator[bytes]:
        """Yield frames and pings until the stream is closed or its token is good no longer."""
        next_ping = time.monotonic() + ping_seconds
        while not stream.is_closed and (stream.is_mute or not stream.token.problem):
            stream.wake.clear()
            if stream.is_mute:
                if not stream.has_told_expiry:
                    stream.has_told_expiry = True
                    yield EXPIRED
                await stream.rest(MUTE_SECONDS)
                continue
            silence = stream.stalled_until - time.monotonic()
            if silence > 0:
                await stream.rest(silence)
                continue
            for event in self._unread(stream):
                yield event.frame()
            if time.monotonic() >= next_ping:
                yield PING
                next_ping = time.monotonic() + ping_seconds
            until_expiry = stream.token.expires_at - time.time()
            await stream.rest(min(next_ping - time.monotonic(), until_expiry))

    def _unread(self, stream: Stream) -> list[StreamEvent]:
        with self._lock:
            unread = self._events.get(stream.token.subject, [])[stream.position :]
            stream.position += len(unread)
        return [
            event for event in unread if event.hidden_from_client != stream.token.client_identifier
        ]

    # -- Streams --------------------------------------------------------------------------

    def answer(self, stream: Stream, *, ping_seconds: float) -> EventStreamResponse:
        """Feed a stream from now on, until it is over."""
        with self._lock:
            self._streams.append(stream)
        frames = self.frames(stream, ping_seconds=ping_seconds)
        return EventStreamResponse(stream, frames, on_end=lambda: self._drop(stream))

    def _drop(self, stream: Stream) -> None:
        with self._lock:
            self._streams.remove(stream)

    def open_streams(self, subject: str | None = None) -> list[Stream]:
        """Return the open streams, of one end user or of all."""
        with self._lock:
            return [stream for stream in self._streams if subject in (None, stream.token.subject)]

    def say_again(self, subject: str, is_meant: Callable[[StreamEvent], bool]) -> None:
        """Deliver events of an end user once more, under their own ids."""
        with self._lock:
            log = self._events.get(subject, [])
            # What was said again before stands there twice; it goes out once all the same.
            again = {event.event_id: event for event in log if is_meant(event)}
            log.extend(again.values())
            for stream in self.open_streams(subject):
                stream.notify()

    # -- Keeping ------------------------------------------------------------------------------

    def forget(self) -> None:
        """Forget all events; ids go on increasing."""
        self._events.clear()
        self.faults.forget()

    def as_json(self) -> dict[str, Any]:
        """Return everything a restart must keep."""
        kept = {subject: [asdict(one) for one in log] for subject, log in self._events.items()}
        return {"last_id": self._last_id, "events": kept}

    def restore(self, kept: Mapping[str, Any]) -> None:
        """Take over what `as_json` returned."""
        self._last_id = kept["last_id"]
        self._events = {
            subject: [StreamEvent(**one) for one in log] for subject, log in kept["events"].items()
        }


class Org(World[OrgSwitches, Conversation]):
    """Everything one simulated org knows."""

    kept_values: ClassVar[tuple[str, ...]] = ("channel_address_identifier", "channel_platform_key")

    def __init__(
        self, org_id: str, es_developer_name: str, switches: OrgSwitches, *, path_prefix: str = ""
    ) -> None:
        super().__init__(switches, Records(Conversation, "conversation_id"))
        self.org_id = org_id
        self.es_developer_name = es_developer_name
        self.path_prefix = path_prefix
        self.channel_address_identifier = str(uuid.uuid4())
        self.channel_platform_key = str(uuid.uuid4())
        self.tokens = self.part("access_tokens", Tokens(org_id))
        self.keyset = self.part("keyset", Keyset(CUSTOMER_ALGORITHMS))
        self.events = self.part("events", EventLog(self.lock))
        self.end_users = self.part("end_users", Records(EndUser, "subject"))

    def configure(self, **switches: Any) -> None:
        """Change switches; `register_key` puts a customer's public key on the keyset."""
        key = switches.pop("register_key", None)
        super().configure(**switches)
        if key is not None:
            self.keyset.register(**key)

    def configuration(self) -> dict[str, Any]:
        """Return the switches, the org's names and the ids of the registered keys."""
        return {
            **super().configuration(),
            "org_id": self.org_id,
            "es_developer_name": self.es_developer_name,
            "registered_keys": sorted(self.keyset),
        }

    # -- Entries ------------------------------------------------------------------------------

    def emit(
        self,
        conversation: Conversation,
        entry_type: str,
        payload: Mapping[str, Any],
        *,
        sender: Mapping[str, str] | None = None,
        sender_name: str = SYSTEM_NAME,
        identifier: str | None = None,
        related: list[str] | None = None,
        hidden_from_client: str | None = None,
    ) -> Entry:
        """Add an entry to a conversation and publish it to its end user."""
        identifier, now = identifier or str(uuid.uuid4()), now_ms()
        entry = Entry(
            identifier=identifier,
            entry_type=entry_type,
            payload={"entryType": entry_type, "id": identifier, **payload},
            sender=dict(sender or self.system_participant()),
            sender_name=sender_name,
            client_timestamp=now,
            transcripted_timestamp=now,
        )
        if entry_type not in PASSING_TYPES:
            conversation.entries.append(entry)
        self.events.publish(
            conversation.subject,
            EVENT_NAMES[entry_type],
            json.dumps(self.envelope(conversation, entry, related)),
            hidden_from_client=hidden_from_client,
        )
        return entry

    def envelope(
        self, conversation: Conversation, entry: Entry, related: list[str] | None = None
    ) -> dict[str, Any]:
        """Return an entry as it travels on the stream: its payload is a JSON string there."""
        latest = [conversation.sessions[-1].session_id] if conversation.sessions else []
        return {
            "channelPlatformKey": self.channel_platform_key,
            "channelType": "embedded_messaging",
            "channelAddressIdentifier": self.channel_address_identifier,
            "conversationId": conversation.conversation_id,
            "conversationEntry": {
                "senderDisplayName": entry.sender_name,
                "identifier": entry.identifier,
                "entryType": entry.entry_type,
                "entryPayload": json.dumps(entry.payload),
                "sender": entry.sender,
                "contextParamMap": {},
                "visibilityStrategy": "Default",
                "relatedRecords": latest if related is None else related,
                "transcriptedTimestamp": entry.transcripted_timestamp,
                "clientTimestamp": entry.client_timestamp,
                "clientDuration": 0,
            },
        }

    def say_again(self, conversation: Conversation, entry: Entry) -> None:
        """Publish an entry once more, under the id its event had."""
        name, identifier = EVENT_NAMES[entry.entry_type], json.dumps(entry.identifier)
        self.events.say_again(
            conversation.subject,
            lambda event: event.name == name and f'"identifier": {identifier}' in event.data,
        )

    def system_participant(self) -> dict[str, str]:
        """Return the sender of what nobody said."""
        return {
            "role": "System",
            "appType": "conversation",
            "subject": self.org_id,
            "clientIdentifier": self.channel_address_identifier,
        }

    def file_url(self, file_id: str) -> str:
        """Return the address a file is fetched from, without a token."""
        return f"{self.base_url}{self.path_prefix}{FILE_PATH.format(file_id=file_id)}"

    def content_url(self, file_id: str) -> str:
        """Return where a file's address leads to, if it is redirected."""
        return f"{self.path_prefix}{CONTENT_PATH.format(file_id=file_id)}"

    def queue_of(self, name: str) -> list[Conversation]:
        """Return the conversations waiting in a queue, first come first."""
        waiting = [
            conversation
            for conversation in self.conversations.values()
            if (session := conversation.session) and session.is_waiting and session.queue == name
        ]
        return sorted(waiting, key=lambda conversation: conversation.sessions[-1].started_at)

    # -- End users ----------------------------------------------------------------------------

    def anonymous_end_user(self) -> EndUser:
        """Add an end user nobody knows; every anonymous token makes a new one."""
        subject = f"v2/iamessage/ANON/{uuid.uuid4()}"
        return self._end_user(subject, is_authenticated=False, display_name="Guest")

    def verified_end_user(self, customer_id: str) -> EndUser:
        """Return the end user of a verified `sub`, the same one every time."""
        subject = f"v2/iamessage/AUTH/Portal_Keyset/uid:{customer_id}"
        return self._end_user(subject, is_authenticated=True, display_name=customer_id)

    def _end_user(self, subject: str, *, is_authenticated: bool, display_name: str) -> EndUser:
        return self.end_users.setdefault(
            subject,
            EndUser(subject=subject, is_authenticated=is_authenticated, display_name=display_name),
        )
