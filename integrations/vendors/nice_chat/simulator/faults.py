"""What may go wrong at the pretend gateway alone: odd, old, stored and lost pushes."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from integrations.simulators.desk import Fault, Fields
from integrations.vendors.nice_chat.simulator import events
from integrations.vendors.nice_chat.simulator.world import Thread

if TYPE_CHECKING:
    from integrations.simulators.simulator import Simulator
    from integrations.vendors.nice_chat.simulator.simulator import NiceChatSimulator


def _for_each_open(act: Callable[[NiceChatSimulator, Thread, Fields], None]) -> Fault:
    """Make a fault out of what happens to each thread with something open."""

    def fault(simulator: Simulator, fields: dict[str, Any]) -> None:
        own = cast("NiceChatSimulator", simulator)
        with own.change():
            for thread in own.world.open_threads():
                act(own, thread, fields)

    return fault


def _unknown_event(own: NiceChatSimulator, thread: Thread, _fields: Fields) -> None:
    told = {"case": events.case(thread), "thread": events.thread_view(thread)}
    events.push(own.world, thread, "CaseAuraChanged", told)


def _malformed_event(own: NiceChatSimulator, thread: Thread, _fields: Fields) -> None:
    """Push half a frame, fields of the wrong kind, a message without an id, and an empty frame."""
    named = {"thread": {"idOnExternalPlatform": thread.external_id}}
    sockets = own.world.sockets
    sockets.push_text(thread.customer_id, '{"eventId": "half", "data": {')
    sockets.push_text(thread.customer_id, '{"eventId": 7, "eventType": [], "data": "text"}')
    sockets.push_text(thread.customer_id, "{}")
    for message in ([1], {"direction": "outbound", "messageContent": "?"}):
        events.push(own.world, thread, "MessageCreated", {**named, "message": message})


def _stray_error(own: NiceChatSimulator, thread: Thread, _fields: Fields) -> None:
    """Send an error that belongs to no request."""
    error = '{"error": {"errorCode": "InternalError", "errorMessage": "?"}}'
    own.world.sockets.push_text(thread.customer_id, error)


def _outdated(own: NiceChatSimulator, thread: Thread, _fields: Fields) -> None:
    """Refuse the version of the client, for good."""
    error = '{"eventId": "v", "error": {"errorCode": "SdkVersionNotSupported"}}'
    own.world.sockets.push_text(thread.customer_id, error)


def _old_contact(own: NiceChatSimulator, thread: Thread, _fields: Fields) -> None:
    """Close a contact that this thread had long before."""
    old = {**events.case(thread), "id": "599001", "status": "closed"}
    told = {"case": old, "thread": events.thread_view(thread)}
    events.push(own.world, thread, "CaseStatusChanged", told)


def _replay_oldest(own: NiceChatSimulator, thread: Thread, fields: Fields) -> None:
    """Push the oldest messages of agents again, ids and times as they were."""
    said = [one for one in thread.messages if one["direction"] == "outbound"]
    for message in said[: int(fields.get("count", 5))]:
        events.push_message(own.world, thread, message)


def _store_next(own: NiceChatSimulator, thread: Thread, fields: Fields) -> None:
    """Say a text too large for the socket: the event is stored, and its address is pushed."""
    text = str(fields.get("text") or "A very large message.")
    content = {"type": "TEXT", "payload": {"text": text}, "text": text}
    author = events.user(thread.agents[-1]) if thread.agents else None
    made = events.message(thread, content, author=author)
    data = {"thread": events.thread_view(thread), "case": events.case(thread), "message": made}
    event_id = str(uuid.uuid4())
    own.stored_events[event_id] = events.push_frame(own.world, "MessageCreated", data)
    origin = {"eventObject": "Message", "eventType": "MessageCreated"}
    stored = {"url": f"{own.world.base_url}/stored/{event_id}"}
    frame = events.push_frame(own.world, "EventInS3", {"originEvent": origin, "s3Object": stored})
    own.world.sockets.push(thread.customer_id, {**frame, "eventObject": "S3Object"})


def _lose_next(simulator: Simulator, fields: dict[str, Any]) -> None:
    cast("NiceChatSimulator", simulator).world.sockets.faults.lose_next(int(fields.get("count", 1)))


EXTRA_FAULTS: dict[str, Fault] = {
    "unknown_event": _for_each_open(_unknown_event),
    "malformed_event": _for_each_open(_malformed_event),
    "stray_error": _for_each_open(_stray_error),
    "outdated": _for_each_open(_outdated),
    "old_contact": _for_each_open(_old_contact),
    "replay_oldest": _for_each_open(_replay_oldest),
    "store_next": _for_each_open(_store_next),
    "lose_next": _lose_next,
}
