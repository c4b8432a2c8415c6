"""The simulated instance: its records, its clock, and the one way an item comes into being."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from integrations.simulators.events.faults import EventFaults
from integrations.simulators.events.streams import EventStream
from integrations.simulators.records import Records
from integrations.simulators.world import World
from integrations.vendors.amazon_connect.simulator.identity import (
    SOCKET_PATH,
    Identities,
    Tokens,
)
from integrations.vendors.amazon_connect.simulator.protocol import AwsError, iso_time
from integrations.vendors.amazon_connect.simulator.state import (
    AGENT,
    CREATED,
    ENDED,
    EVENT,
    IN_FLOW,
    PASSING,
    QUEUED,
    SYSTEM_NAME,
    Attachment,
    Chat,
    FileReference,
    Item,
    Participant,
    RateLimits,
    Receipt,
    Switches,
    chat_frame,
    item_body,
    named_id,
    new_id,
    receipt_body,
)

Body = dict[str, Any]


UNSTAFFED = "Nobody is available at the moment. Please try again later."
SOCKETS_PER_PARTICIPANT = 5
GOING_AWAY = 1001
INTERNAL_ERROR = 1011


@dataclass(slots=True, kw_only=True, eq=False)
class Socket(EventStream):
    """One open socket of one participant; its methods may be called from any thread."""

    chat_id: str
    participant_id: str
    topics: set[str] = field(default_factory=set)
    close_code: int | None = None
    outbox: list[str] = field(default_factory=list)

    def send(self, frame: str) -> None:
        """Put a frame into the outbox."""
        self.outbox.append(frame)
        self.notify()

    def close_with(self, code: int = GOING_AWAY) -> None:
        """Close the socket; frames that wait are lost, as they are at the vendor."""
        self.close_code = code
        self.notify()


class Hub:
    """Feeds every subscribed socket of a chat."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._sockets: list[Socket] = []
        self.faults: EventFaults[str] = EventFaults()

    def add(self, socket: Socket) -> bool:
        """Feed a socket from now on; false when the participant has too many."""
        with self._lock:
            own = [s for s in self._sockets if s.participant_id == socket.participant_id]
            if len(own) >= SOCKETS_PER_PARTICIPANT:
                return False
            self._sockets.append(socket)
            return True

    def remove(self, socket: Socket) -> None:
        """Feed a socket no longer."""
        with self._lock:
            if socket in self._sockets:
                self._sockets.remove(socket)

    def open_sockets(self, chat_id: str | None = None) -> list[Socket]:
        """Return the open sockets, of one chat or of all."""
        with self._lock:
            return [s for s in self._sockets if chat_id in (None, s.chat_id)]

    def publish(self, chat_id: str, frame: str) -> None:
        """Send a frame to a chat's subscribers, unless a fault is planned for it."""
        with self._lock:
            for one in self.faults.arriving(frame, lane=chat_id):
                for socket in self.open_sockets(chat_id):
                    if "aws/chat" in socket.topics:
                        socket.send(one)

    def forget(self) -> None:
        """Plan nothing any more."""
        self.faults.forget()


class Instance(World[Switches, Chat]):
    """Everything one simulated instance and its account know."""

    kept_values: ClassVar[tuple[str, ...]] = ("clock_skew", "answered")

    def __init__(self, switches: Switches) -> None:
        """Begin without any chat."""
        super().__init__(switches, Records(Chat, "initial_contact_id"))
        self.clock_skew = 0.0
        # What was answered to a client token, and to which request.
        self.answered: dict[str, list[Any]] = {}
        self.attachments = self.part("attachments", Records(Attachment, "attachment_id"))
        self.tokens = self.part("grants", Tokens(self.now))
        self.identities = self.part("role_sessions", Identities(self.switches, self.now))
        self.limits = RateLimits(self.now)
        self.sockets = Hub(self.lock)

    def now(self) -> float:
        """Return the instance's clock in seconds; the desk can put it forward."""
        return time.time() + self.clock_skew

    def conversation(self, conversation_id: str) -> Chat:
        """Return a chat by the id of any of its contacts; raises DeskError for an unknown one."""
        found = self.find_chat(conversation_id)
        return found or super().conversation(conversation_id)

    def find_chat(self, contact_id: str) -> Chat | None:
        """Return the chat that a contact belongs to."""
        if contact_id in self.conversations:
            return self.conversations[contact_id]
        for chat in self.conversations.values():
            if contact_id in [contact.contact_id for contact in chat.contacts]:
                return chat
        return None

    def open_chats(self) -> list[Chat]:
        """Return the chats that are not over."""
        return [chat for chat in self.conversations.values() if not chat.has_ended]

    # -- Items --------------------------------------------------------------------------------

    def say(
        self,
        chat: Chat,
        sender: Participant | None,
        content: str,
        content_type: str = "text/plain",
    ) -> Item:
        """Add a message."""
        return self._add(chat, "MESSAGE", content_type, sender=sender, content=content)

    def happen(
        self, chat: Chat, name: str, sender: Participant | None = None, content: str | None = None
    ) -> Item:
        """Add an event, by the last part of its content type."""
        return self._add(chat, "EVENT", EVENT + name, sender=sender, content=content)

    def attach(self, chat: Chat, sender: Participant, stored: Attachment) -> Item:
        """Add a file."""
        reference = FileReference(
            attachment_id=stored.attachment_id,
            name=stored.name,
            content_type=stored.content_type,
            status=stored.status,
        )
        return self._add(
            chat, "ATTACHMENT", stored.content_type, sender=sender, attachments=[reference]
        )

    def _add(
        self,
        chat: Chat,
        item_type: str,
        content_type: str,
        *,
        sender: Participant | None,
        content: str | None = None,
        attachments: Sequence[FileReference] = (),
    ) -> Item:
        now = self.now() * 1000 // 1
        # No two items of a chat at the same time: it is what their order is told by.
        latest = chat.items[-1].at_ms if chat.items else 0
        item = Item(
            item_type=item_type,
            content_type=content_type,
            at_ms=max(now, latest + 1),
            contact_id=chat.contact.contact_id,
            content=content,
            sender=sender,
            attachments=list(attachments),
        )
        if content_type not in PASSING:
            chat.items.append(item)
        self.publish(chat, item)
        return item

    def publish(self, chat: Chat, item: Item) -> None:
        """Send an item to every socket of the chat."""
        body = {**item_body(item), "InitialContactId": chat.initial_contact_id}
        self.sockets.publish(chat.initial_contact_id, chat_frame(body))

    def publish_receipt(self, chat: Chat, item: Item, receipt: Receipt) -> None:
        """Tell the chat what a recipient did with a message."""
        body = {
            "AbsoluteTime": iso_time(self.now() * 1000),
            "ContentType": EVENT + "message.metadata",
            "Id": new_id(),
            "Type": "MESSAGEMETADATA",
            "MessageMetadata": {"MessageId": item.item_id, "Receipts": [receipt_body(receipt)]},
            "InitialContactId": chat.initial_contact_id,
            "ContactId": chat.contact.contact_id,
        }
        self.sockets.publish(chat.initial_contact_id, chat_frame(body))

    # -- What connects a participant ----------------------------------------------------------

    def connection_parts(self, chat: Chat, kinds: list[str]) -> Body:
        """Return the parts of a connection that were asked for: socket address, token."""
        parts: Body = {}
        if "WEBSOCKET" in kinds:
            token, expiry = self._issue(chat, "socket", self.switches.url_ttl_seconds)
            address = "ws" + self.base_url.removeprefix("http") + SOCKET_PATH
            parts["Websocket"] = {
                "Url": f"{address}?X-Amz-Expires=100&X-Amz-Signature={token}",
                "ConnectionExpiry": expiry,
            }
        if "CONNECTION_CREDENTIALS" in kinds:
            token, expiry = self._issue(chat, "connection", self.switches.token_ttl_seconds)
            parts["ConnectionCredentials"] = {"ConnectionToken": token, "Expiry": expiry}
        return parts

    def _issue(self, chat: Chat, kind: str, seconds: float) -> tuple[str, str]:
        expires_at = self.now() + seconds
        return self.tokens.issue(kind, chat, expires_at=expires_at), iso_time(expires_at * 1000)

    # -- Requests that are made twice ---------------------------------------------------------

    def once(self, scope: str, request: Mapping[str, Any], answer: Callable[[], Body]) -> Body:
        """Answer a client token's request once, and the same thing again when it is repeated.

        What AWS does with a token that comes with another body is not documented; we refuse it.
        """
        token = request.get("ClientToken")
        if not token:
            return answer()
        key = f"{scope}/{token}"
        digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).hexdigest()
        known = self.answered.get(key)
        if known is None:
            self.answered[key] = known = [digest, answer()]
        elif known[0] != digest:
            raise AwsError("", "The ClientToken was used for another request.", status=400)
        body: Body = known[1]
        return body

    def forget(self) -> None:
        """Forget all records, what was planned for the sockets, and the way of the clock."""
        super().forget()
        self.answered.clear()
        self.limits.forget()
        self.sockets.forget()
        self.clock_skew = 0.0


# -- The life of a chat: connected, in its flow, queued, with agents, over ----------------------
# The sequences of items are those of the contract's lifecycle table.


def connect_customer(instance: Instance, chat: Chat) -> None:
    """Let the flow begin because the customer is there; later connections change nothing."""
    if chat.state != CREATED:
        return
    chat.state = IN_FLOW
    for item in chat.items:
        instance.publish(chat, item)
    instance.happen(chat, "participant.joined", chat.customer)
    switches = instance.switches
    if switches.agents_offline and switches.ends_unstaffed_chats:
        say_automatically(instance, chat, UNSTAFFED)
        end_chat(instance, chat, "CONTACT_FLOW_DISCONNECT")
        return
    if switches.greeting:
        say_automatically(instance, chat, switches.greeting)
    enqueue(instance, chat, switches.queue)


def enqueue(instance: Instance, chat: Chat, queue: str) -> None:
    """Put a chat into a queue; an agent who waited for it takes it at once."""
    chat.state = QUEUED
    chat.contact.queue = queue
    chat.contact.enqueued_at = instance.now()
    waiting, chat.waiting_agent = chat.waiting_agent, ""
    if waiting and not instance.switches.agents_offline:
        join_chat(instance, chat, waiting)


def say_automatically(instance: Instance, chat: Chat, text: str) -> None:
    """Say something in the flow's name."""
    system = Participant(
        name=SYSTEM_NAME,
        role="SYSTEM",
        participant_id=named_id("system", chat.initial_contact_id),
    )
    instance.say(chat, system, text)


def join_chat(instance: Instance, chat: Chat, agent_name: str) -> None:
    """Let an agent come in."""
    agent = Participant(name=agent_name, role="AGENT")
    chat.state = AGENT
    chat.agents.append(agent)
    if len(chat.agents) == 1:
        chat.contact.agent_name = agent_name
        chat.contact.connected_at = instance.now()
    instance.happen(chat, "participant.joined", agent)
    if instance.switches.auto_delivered and len(chat.agents) == 1:
        deliver_pending(instance, chat, agent)


def deliver_pending(instance: Instance, chat: Chat, agent: Participant) -> None:
    """Have the agent's client confirm what the customer wrote; not with more than two people."""
    if len(chat.participants()) > 2:
        return
    for item in chat.said_by_customer():
        receipt = item.receipt_of(agent.participant_id)
        if receipt.delivered_at is None:
            receipt.delivered_at = instance.now() * 1000
            instance.publish_receipt(chat, item, receipt)


def depart(instance: Instance, chat: Chat, agent: Participant) -> None:
    """Let an agent go."""
    chat.agents.remove(agent)
    instance.happen(chat, "participant.left", agent)


def customer_leaves(instance: Instance, chat: Chat) -> None:
    """End the customer's part; without them the chat is over."""
    instance.happen(chat, "participant.left", chat.customer)
    if chat.ends_agent_on_exit:
        for agent in [*chat.agents]:
            depart(instance, chat, agent)
    end_chat(instance, chat, "CUSTOMER_DISCONNECT")


def end_chat(instance: Instance, chat: Chat, reason: str) -> None:
    """End a chat for everybody; the only end there is."""
    chat.agents.clear()
    chat.state = ENDED
    chat.waiting_agent = ""
    chat.contact.disconnected_at = instance.now()
    chat.contact.disconnect_reason = reason
    instance.happen(chat, "chat.ended")


def end_overdue(instance: Instance) -> None:
    """End the chats whose customer never connected, and those that have lasted long enough."""
    now = instance.now()
    for chat in instance.open_chats():
        is_late = now >= chat.created_at + instance.switches.connect_within_seconds
        is_over = now >= chat.created_at + chat.duration_minutes * 60
        if is_over or (is_late and chat.state == CREATED):
            end_chat(instance, chat, "OTHER")
