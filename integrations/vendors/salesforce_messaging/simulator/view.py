"""How the desk sees the simulated org: conversations in the shape all simulators share."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

from integrations.vendors.salesforce_messaging.simulator.checks import VALUE_KEYS, Json, offered
from integrations.vendors.salesforce_messaging.simulator.messages import is_end_user_typing
from integrations.vendors.salesforce_messaging.simulator.state import Conversation, Entry, Session
from integrations.vendors.salesforce_messaging.simulator.world import Org

# Role of a sender -> who said it. The vendor cannot tell the portal's AI agent from the end user:
# whatever the portal sends is the end user's to it.
SPEAKERS = {
    "EndUser": "end_user",
    "Agent": "live_agent",
    "Supervisor": "live_agent",
    "Chatbot": "bot",
    "System": "system",
}
ROUTING_LINES = {
    "Initial": "Waiting for an agent",
    "Transfer": "Transfer asked for",
    "Conference": "A colleague was asked to join",
}
OTHER_LINES = {
    "CloseConversation": "The end user closed the conversation",
    "MessageUpdated": "A message was updated",
    "MessageDeliveryFailed": "A message could not be delivered",
}


def desk_view(org: Org, conversation: Conversation) -> dict[str, Any]:
    """Return one conversation for the desk."""
    latest = conversation.sessions[-1] if conversation.sessions else None
    end_user = org.end_users[conversation.subject]
    return {
        "id": conversation.conversation_id,
        "status": desk_status(conversation),
        "queue": latest.queue if latest else "",
        "attributes": latest.attributes if latest else conversation.routing_attributes,
        "language": conversation.language,
        "end_user": {
            "subject": end_user.subject,
            "is_authenticated": end_user.is_authenticated,
            "display_name": end_user.display_name,
        },
        "is_typing": is_end_user_typing(conversation),
        "is_closed": conversation.is_closed,
        "agents": [agent.name for agent in latest.agents] if latest else [],
        "routing_status": latest.routing_status if latest else None,
        "session_status": latest.status if latest else None,
        "session_ended_by": latest.ended_by_role if latest else None,
        "session_fields": latest.fields if latest else {},
        "sessions": [_session_view(session) for session in conversation.sessions],
        # A messaging session is all that comes into being: nothing here creates a Case.
        "cases": 0,
        "started_at": _time(conversation.started_at),
        "messages": [
            {**_message_view(conversation, entry), "order": order}
            for order, entry in enumerate(conversation.entries)
            if entry.entry_type == "Message"
        ],
        "timeline": [
            {**_line(entry), "order": order}
            for order, entry in enumerate(conversation.entries)
            if entry.entry_type not in ("Message", "RoutingWorkResult")
        ],
    }


def desk_status(conversation: Conversation) -> str:
    """Return queued, active or ended; work nobody owns and nobody looks for counts as ended."""
    session = conversation.session
    if session is None:
        return "ended"
    if session.agents:
        return "active"
    return "queued" if session.is_waiting else "ended"


def _session_view(session: Session) -> dict[str, Any]:
    return {
        "id": session.session_id,
        "status": session.status,
        "queue": session.queue,
        "ended_by": session.ended_by_role,
    }


def _message_view(conversation: Conversation, entry: Entry) -> dict[str, Any]:
    abstract = entry.payload["abstractMessage"]
    answer = _answer_view(conversation, abstract)
    content = _content(abstract)
    is_offer = not entry.is_from_end_user
    return {
        "id": entry.identifier,
        "from": SPEAKERS[entry.sender["role"]],
        "name": entry.sender_name,
        "text": answer["label"] if answer else _text(abstract, content),
        "attachments": [_attachment_view(one) for one in content.get("attachments") or []],
        "options": [title for _, title in offered(content)] if is_offer else [],
        "at": _time(entry.transcripted_timestamp),
        "delivered": entry.is_delivered,
        "read": entry.is_read,
        **({"answer": answer} if answer else {}),
    }


def _answer_view(conversation: Conversation, abstract: Json) -> dict[str, Any] | None:
    """Return what an answer says, for the desk; None for any other message."""
    entry = conversation.entry(abstract.get("inReplyToMessageId") or "")
    titles = dict(offered(entry.payload)) if entry else {}
    replied = {"inReplyToMessageId": abstract.get("inReplyToMessageId")}
    if abstract["messageType"] == "ChoicesResponseMessage":
        chosen = _identifiers(abstract["choicesResponse"])
        label = ", ".join(titles.get(one, one) for one in chosen)
        return {"label": label, "optionIdentifier": chosen[0], **replied}
    if abstract["messageType"] == "FormResponseMessage":
        values = dict(_values(abstract["formResponse"]))
        label = ", ".join(titles.get(value, value) for value in values.values())
        return {"label": label, "values": values, **replied}
    return None


def _identifiers(response: Json) -> list[str]:
    return [one["optionIdentifier"] for one in response["selectedOptions"]]


def _values(response: Json) -> Iterator[tuple[str, str]]:
    for section in response.get("sections", []):
        yield section["sectionId"], ", ".join(_identifiers(section))
    for value in response.get("inputValues", []):
        if "selectedOptions" in value:
            yield value["inputId"], ", ".join(_identifiers(value))
        else:
            single = value["value"]
            yield value["inputId"], single[VALUE_KEYS[single["valueType"]]]


def _content(abstract: dict[str, Any]) -> dict[str, Any]:
    bodies = (abstract.get(key) for key in ("staticContent", "choices", "form"))
    return next((one for one in bodies if isinstance(one, dict)), {})


def _text(abstract: dict[str, Any], content: dict[str, Any]) -> str:
    """Return a text of the message, in whichever place its format has one; or its kind."""
    event = content.get("calendarEvent") or {}
    title = content.get("formTitle") or {}
    texts = (
        content.get("text"),
        content.get("textContent"),
        content.get("title"),
        event.get("title"),
        title.get("title"),
    )
    found = next((one for one in texts if isinstance(one, str) and one), "")
    has_more = bool(content.get("attachments")) or "text" in content
    return found if found or has_more else f"[{abstract['messageType']}]"


def _attachment_view(attachment: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": attachment.get("id"),
        "name": attachment.get("name") or "file",
        "mime_type": attachment.get("mimeType"),
        "url": f"/_desk/files/{attachment.get('id')}",
    }


def _line(entry: Entry) -> dict[str, str]:
    return {
        "id": entry.identifier,
        "at": _time(entry.transcripted_timestamp),
        "text": _told(entry.entry_type, entry.payload),
    }


def _told(entry_type: str, payload: dict[str, Any]) -> str:
    if entry_type == "ParticipantChanged":
        verbs = {"add": "joined", "remove": "left"}
        changed = payload["entries"][0]
        return f"{changed['displayName']} {verbs[changed['operation']]}"
    if entry_type == "RoutingResult":
        asked = ROUTING_LINES[payload["routingType"]]
        return f"{asked}: {payload['failureReason']}" if payload["failureReason"] else asked
    if entry_type == "SessionStatusChanged":
        by = payload["sessionEndedByRole"]
        ended = f" by {by}" if by and payload["sessionStatus"] == "Ended" else ""
        return f"Session {payload['sessionStatus'].lower()}{ended}"
    return OTHER_LINES[entry_type]


def _time(milliseconds: int) -> str:
    at = datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.UTC)
    return at.isoformat(timespec="milliseconds")
