"""The pushes of the pretend gateway: their bodies, and what happens to thread and contact first."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from integrations.vendors.nice_chat.simulator.world import NiceChatWorld, Thread, moment

OBJECTS = {"Case": "Case", "Mess": "Message", "Send": "SenderAction", "SetP": "ConsumerContact"}
BOT = "Help bot"


def push(world: NiceChatWorld, thread: Thread, event_type: str, data: Mapping[str, Any]) -> None:
    """Send a push of a thread to its customer."""
    world.sockets.push(thread.customer_id, push_frame(world, event_type, data))


def push_frame(world: NiceChatWorld, event_type: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a push; context may be an empty list."""
    now = moment()
    return {
        "eventId": str(uuid.uuid4()),
        "eventObject": OBJECTS.get(event_type[:4], "Case"),
        "eventType": event_type,
        "createdAt": now,
        "createdAtWithMilliseconds": now,
        "context": [],
        "data": {"brand": brand(world), "channel": channel(world), **data},
    }


def brand(world: NiceChatWorld) -> dict[str, Any]:
    """Return the tenant."""
    return {"id": world.switches.brand_id, "tenantId": "t-1", "businessUnitId": 9}


def channel(world: NiceChatWorld) -> dict[str, Any]:
    """Return the channel."""
    switches = world.switches
    return {
        "id": switches.channel_id,
        "idOnExternalPlatform": switches.channel_id.removeprefix("chat_"),
        "name": switches.channel_name,
        "isPrivate": True,
        "isLiveChat": switches.is_live_chat,
        "realExternalPlatformId": "chat",
        "externalPlatformIcon": "chat",
    }


def user(name: str, *, is_bot: bool = False) -> dict[str, Any]:
    """Return a live agent, or a bot's user, by name."""
    first, _, last = name.partition(" ")
    number = int(uuid.uuid5(uuid.NAMESPACE_URL, name).hex[:6], 16)
    return {
        "id": number,
        "incontactId": f"in-{number}",
        "firstName": first,
        "surname": last,
        "nickname": name,
        "imageUrl": "",
        "emailAddress": "",
        "loginUsername": first.lower(),
        "isBotUser": is_bot,
        "isSurveyUser": False,
    }


def case(thread: Thread) -> dict[str, Any]:
    """Return the newest contact under its other name."""
    contact = thread.contact
    assert contact is not None
    assignee = user(thread.agents[-1]) if thread.agents else None
    return {
        "id": contact.contact_id,
        "status": contact.status,
        "threadId": thread.server_id,
        "threadIdOnExternalPlatform": thread.external_id,
        "interactionId": f"in-{contact.contact_id}",
        "contactId": f"c-{contact.contact_id}",
        "direction": "inbound",
        "createdAt": contact.created_at,
        "customFields": pairs(contact.custom_fields),
        "inboxAssignee": assignee["id"] if assignee else None,
        "inboxAssigneeUser": assignee,
        "authorEndUserIdentity": customer(thread),
        "ownerAssigneeUser": None,
    }


def customer(thread: Thread) -> dict[str, Any]:
    """Return the end user, as whoever wrote first."""
    name = thread.customer_id
    return {"id": name, "idOnExternalPlatform": name, "fullName": "Customer"}


def thread_view(thread: Thread) -> dict[str, Any]:
    """Return a thread."""
    return {
        "id": thread.server_id,
        "idOnExternalPlatform": thread.external_id,
        "threadName": "",
        "canAddMoreMessages": not thread.is_archived,
    }


def pairs(fields: Mapping[str, str]) -> list[dict[str, str]]:
    """Return custom fields as they go over the wire."""
    return [{"ident": name, "value": value} for name, value in fields.items()]


def message(
    thread: Thread,
    content: Mapping[str, Any],
    *,
    author: Mapping[str, Any] | None = None,
    external_id: str = "",
    attachments: list[Any] | None = None,
) -> dict[str, Any]:
    """Put a message on record and return it; with an `external_id` it is the customer's."""
    message_id, now, contact = str(uuid.uuid4()), moment(), thread.contact
    is_own = bool(external_id)
    made = {
        "id": message_id,
        "idOnExternalPlatform": external_id or message_id,
        "threadId": thread.server_id,
        "postId": thread.server_id,
        "threadIdOnExternalPlatform": thread.external_id,
        "contactNumber": contact.contact_id if contact else "",
        "direction": "inbound" if is_own else "outbound",
        "messageContent": {"fallbackText": "", **content},
        "attachments": attachments or [],
        "authorUser": author,
        "authorEndUserIdentity": customer(thread) if is_own else None,
        "createdAt": now,
        "createdAtWithMilliseconds": now,
        "isMadeByUser": author is not None,
        "isRead": False,
        "hasAdditionalMessageContent": False,
        "isHiddenOnExternalPlatform": False,
        "isDeletedOnExternalPlatform": False,
        **{name: [] for name in ("delivered", "seen", "recipients", "tags")},
        **dict.fromkeys(("replyChannel", "replyToMessage")),
        "userStatistics": {"readAt": None, "seenAt": None},
        "customerStatistics": {"seenAt": None},
        "sentiment": "neutral",
    }
    thread.messages.append(made)
    return made


def push_message(
    world: NiceChatWorld, thread: Thread, made: Mapping[str, Any], event: str = "MessageCreated"
) -> None:
    """Push a message; a long one is cut where the switch says so."""
    data = {"case": case(thread), "thread": thread_view(thread), "message": cut(world, made)}
    push(world, thread, event, data)


def cut(world: NiceChatWorld, made: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message as a push or a page of history has it."""
    content, limit = made["messageContent"], world.switches.cut_at
    text = str(content.get("text") or "")
    if not limit or len(text) <= limit or made["direction"] == "inbound":
        return made
    short = {**content, "text": text[:limit], "payload": {"text": text[:limit]}}
    return {**made, "messageContent": short, "hasAdditionalMessageContent": True}


def push_status(world: NiceChatWorld, thread: Thread, status: str) -> None:
    """Give the newest contact a status, and tell of it."""
    contact = thread.contact
    assert contact is not None
    contact.status = status
    push(world, thread, "CaseStatusChanged", {"case": case(thread), "thread": thread_view(thread)})


def push_assignee(world: NiceChatWorld, thread: Thread, previous: str | None) -> None:
    """Tell who has the contact now."""
    current = case(thread)
    data = {
        "case": current,
        "thread": thread_view(thread),
        "inboxAssignee": current["inboxAssigneeUser"],
        "previousInboxAssignee": user(previous) if previous else None,
        "routingQueue": queue(thread.queue),
        "routingMode": "findmatch",
    }
    push(world, thread, "CaseInboxAssigneeChanged", data)


def queue(name: str) -> dict[str, Any]:
    """Return a routing queue."""
    return {"id": f"queue-{name.lower().replace(' ', '-')}", "name": name, "isSubqueue": False}


def push_positions(world: NiceChatWorld) -> None:
    """Tell everybody who waits for a live chat which place that is."""
    if not world.switches.is_live_chat:
        return
    for place, thread in enumerate(world.waiting(), start=1):
        push_position(world, thread, place)


def push_position(world: NiceChatWorld, thread: Thread, place: int) -> None:
    """Tell one place, in either of the two documented forms."""
    contact = thread.contact
    assert contact is not None
    told = {
        "consumerContact": {
            "id": contact.contact_id,
            "threadIdOnExternalPlatform": thread.external_id,
            "status": contact.status,
        },
        "positionInQueue": place,
        "routingQueue": {"id": queue(thread.queue)["id"]},
        "isAnyAgentOnlineForQueue": not world.switches.agents_offline,
    }
    if world.switches.queue_as_reply:
        body = {"eventType": "SetPositionInQueue", "data": told}
        world.sockets.push(thread.customer_id, {"eventId": str(uuid.uuid4()), "postback": body})
    else:
        push(world, thread, "SetPositionInQueue", told)
