"""The simulated instance: its records, its clock, and the one way an item comes into being."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from integrations.simulators.records import Records
from integrations.simulators.world import World
from integrations.vendors.amazon_connect.simulator.answers import AwsError, iso_time
from integrations.vendors.amazon_connect.simulator.identity import Identities
from integrations.vendors.amazon_connect.simulator.sockets import Hub
from integrations.vendors.amazon_connect.simulator.state import (
    EVENT,
    PASSING,
    Attachment,
    Chat,
    FileReference,
    Item,
    Participant,
    Receipt,
    new_id,
)
from integrations.vendors.amazon_connect.simulator.switches import RateLimits, Switches
from integrations.vendors.amazon_connect.simulator.tokens import SOCKET_PATH, Grant, Tokens

Body = dict[str, Any]


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
        self.tokens = self.part("tokens", Tokens(self.now))
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
        grant = Grant(
            chat_id=chat.initial_contact_id,
            participant_id=chat.customer.participant_id,
            expires_at=expires_at,
        )
        return self.tokens.issue(kind, grant), iso_time(expires_at * 1000)

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


def chat_frame(body: Mapping[str, Any]) -> str:
    """Return an item as it goes over the socket: its content is a JSON text there."""
    return json.dumps(
        {"topic": "aws/chat", "contentType": "application/json", "content": json.dumps(body)}
    )


def item_body(item: Item) -> Body:
    """Return an item as the services write it; what is absent is left out."""
    body: Body = {
        "AbsoluteTime": iso_time(item.at_ms),
        "Content": item.content,
        "ContentType": item.content_type,
        "Id": item.item_id,
        "Type": item.item_type,
        "ContactId": item.contact_id,
    }
    if item.sender is not None:
        body["ParticipantId"] = item.sender.participant_id
        body["DisplayName"] = item.sender.name
        body["ParticipantRole"] = item.sender.role
    if item.attachments:
        body["Attachments"] = [
            {
                "ContentType": one.content_type,
                "AttachmentId": one.attachment_id,
                "AttachmentName": one.name,
                "Status": one.status,
            }
            for one in item.attachments
        ]
    return {name: value for name, value in body.items() if value is not None}


def receipt_body(receipt: Receipt) -> Body:
    """Return a receipt as the services write it."""
    body = {"RecipientParticipantId": receipt.participant_id}
    if receipt.delivered_at is not None:
        body["DeliveredTimestamp"] = iso_time(receipt.delivered_at)
    if receipt.read_at is not None:
        body["ReadTimestamp"] = iso_time(receipt.read_at)
    return body
