"""Faults that only this vendor has: odd items and frames, lost ones, clocks and credentials."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from integrations.simulators.desk import Fault, Fields
from integrations.vendors.amazon_connect.simulator.protocol import iso_time
from integrations.vendors.amazon_connect.simulator.socket import forbidden
from integrations.vendors.amazon_connect.simulator.state import (
    EVENT,
    SYSTEM_NAME,
    chat_frame,
    new_id,
)
from integrations.vendors.amazon_connect.simulator.world import Instance, end_overdue

if TYPE_CHECKING:
    from collections.abc import Callable

    from integrations.simulators.simulator import Simulator
    from integrations.vendors.amazon_connect.simulator.simulator import AmazonConnectSimulator


def _on_instance(act: Callable[[Instance, Fields], None]) -> Fault:
    """Make a fault out of what happens to the instance."""

    def fault(simulator: Simulator, fields: Fields) -> None:
        with simulator.change():
            act(cast("AmazonConnectSimulator", simulator).world, fields)

    return fault


def _publish(instance: Instance, body: Mapping[str, Any]) -> None:
    for chat in instance.open_chats():
        ids = {"InitialContactId": chat.initial_contact_id, "ContactId": chat.contact.contact_id}
        instance.sockets.publish(chat.initial_contact_id, chat_frame({**body, **ids}))


def _unknown_event(instance: Instance, _fields: Fields) -> None:
    for chat in instance.open_chats():
        instance.happen(chat, "something.new", None, "What no client knows")


def _unknown_message(instance: Instance, _fields: Fields) -> None:
    body = {"Type": "HOLOGRAM", "ContentType": "model/gltf", "Id": "h-1", "Content": "{}"}
    _publish(instance, {**body, "AbsoluteTime": "2026-03-01T09:31:07.412Z"})


def _malformed_item(instance: Instance, _fields: Fields) -> None:
    """Send a message without time, sender and content."""
    _publish(instance, {"Type": "MESSAGE", "ContentType": "text/plain", "Id": "m-1"})


def _partial_message(instance: Instance, fields: Fields) -> None:
    """Send a bot's message in chunks that share an id, each with all that came before.

    `order` says which chunks come, from 1 on and as often as they are named: late, twice, never.
    """
    chunks = fields.get("chunks") or ["Let me ", "Let me see", "Let me see."]
    for number in fields.get("order") or range(1, len(chunks) + 1):
        metadata = {"ChunkNumber": number, "MessageCompleted": number == len(chunks)}
        _publish(
            instance,
            {
                "AbsoluteTime": "2026-03-01T09:31:07.412Z",
                "Type": "MESSAGE",
                "ContentType": "text/plain",
                "Id": fields.get("id", "partial-1"),
                "Content": chunks[number - 1],
                "ParticipantId": "partial-bot",
                "ParticipantRole": "SYSTEM",
                "DisplayName": SYSTEM_NAME,
                "MessageMetadata": metadata,
            },
        )


def _keep_back(instance: Instance, fields: Fields) -> None:
    """Let message processing reject the customer's last message of each chat after all."""
    for chat in instance.open_chats():
        for item in chat.said_by_customer()[-1:]:
            metadata = {"MessageId": item.item_id, "Receipts": []}
            metadata["MessageProcessingStatus"] = fields.get("status", "REJECTED")
            event = {"Type": "MESSAGEMETADATA", "ContentType": EVENT + "message.metadata"}
            told = {**event, "Id": new_id(), "AbsoluteTime": iso_time(instance.now() * 1000)}
            instance.sockets.publish(
                chat.initial_contact_id, chat_frame({**told, "MessageMetadata": metadata})
            )


def _raw_frame(instance: Instance, frame: str) -> None:
    for chat in instance.open_chats():
        instance.sockets.publish(chat.initial_contact_id, frame)


def _malformed_event(instance: Instance, _fields: Fields) -> None:
    """Send a frame whose content is cut off in the middle."""
    content = json.dumps({"Type": "EVENT", "ContentType": EVENT + "typing"})[:-8]
    frame = {"topic": "aws/chat", "contentType": "application/json", "content": content}
    _raw_frame(instance, json.dumps(frame))


def _malformed_frame(instance: Instance, _fields: Fields) -> None:
    _raw_frame(instance, '{"topic": "aws/ch')


def _gateway_error(instance: Instance, _fields: Fields) -> None:
    _raw_frame(instance, json.dumps(forbidden()))


def _replay_oldest(instance: Instance, fields: Fields) -> None:
    """Send the oldest messages of each chat's live agents again, ids and times as they were."""
    for chat in instance.open_chats():
        said = [one for one in chat.items if one.is_said and one.is_of_agent]
        for item in said[: int(fields.get("count", 5))]:
            instance.publish(chat, item)


def _lose_next(instance: Instance, fields: Fields) -> None:
    instance.sockets.faults.lose_next(int(fields.get("count", 1)))


def _skip_clock(instance: Instance, fields: Fields) -> None:
    instance.clock_skew += float(fields["seconds"])
    end_overdue(instance)


def _expire_connection_tokens(instance: Instance, _fields: Fields) -> None:
    instance.tokens.expire("connection", "socket")


def _expire_credentials(instance: Instance, _fields: Fields) -> None:
    instance.identities.expire_all()


EXTRA_FAULTS: dict[str, Fault] = {
    "unknown_event": _on_instance(_unknown_event),
    "unknown_message": _on_instance(_unknown_message),
    "malformed_item": _on_instance(_malformed_item),
    "malformed_event": _on_instance(_malformed_event),
    "malformed_frame": _on_instance(_malformed_frame),
    "partial_message": _on_instance(_partial_message),
    "keep_back": _on_instance(_keep_back),
    "replay_oldest": _on_instance(_replay_oldest),
    "gateway_error": _on_instance(_gateway_error),
    "lose_next": _on_instance(_lose_next),
    "skip_clock": _on_instance(_skip_clock),
    "expire_connection_tokens": _on_instance(_expire_connection_tokens),
    "expire_credentials": _on_instance(_expire_credentials),
}
