"""A pretend AWS account with one Connect instance, and how the desk sees it.

Written from the vendor's contract alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, DeskWords, Fault
from integrations.simulators.traffic import PlannedFailure
from integrations.simulators.world_simulator import WorldSimulator
from integrations.vendors.amazon_connect.simulator import connect
from integrations.vendors.amazon_connect.simulator.agents import (
    EXTRA_ACTIONS,
    EXTRA_FAULTS,
    ConnectAgents,
)
from integrations.vendors.amazon_connect.simulator.app import aws_app
from integrations.vendors.amazon_connect.simulator.identity import SOCKET_PATH
from integrations.vendors.amazon_connect.simulator.protocol import (
    CONNECT_NAMES,
    PARTICIPANT_NAMES,
    STS_NAMES,
    iso_time,
    json_error,
    storage_error,
    sts_error,
)
from integrations.vendors.amazon_connect.simulator.rich import RICH_MESSAGES, answer_of
from integrations.vendors.amazon_connect.simulator.state import (
    AGENT,
    ENDED,
    EVENT,
    INTERACTIVE,
    WRAP,
    Chat,
    Contact,
    FileReference,
    Item,
    Switches,
    named_id,
)
from integrations.vendors.amazon_connect.simulator.world import (
    GOING_AWAY,
    INTERNAL_ERROR,
    Instance,
    end_overdue,
)

TOLD = "The simulator was told to fail."
# Role of a sender -> who said it. The vendor cannot tell the portal's AI agent from the end user:
# whatever the portal sends is the customer's to it.
SPEAKERS = {
    "CUSTOMER": "end_user",
    "AGENT": "live_agent",
    "SUPERVISOR": "live_agent",
    "SYSTEM": "system",
}
# A chat in its disconnect flow still takes messages.
STATUSES = {AGENT: "active", WRAP: "active", ENDED: "ended"}
LINES = {
    "participant.joined": "joined",
    "participant.left": "left",
    "transfer.succeeded": "Transferred",
    "transfer.failed": "The transfer failed",
    "chat.ended": "The chat ended",
    "chat.rehydrated": "Continues an earlier chat",
}


class AmazonConnectSimulator(WorldSimulator[Instance]):
    """One account with one instance, one published inbound flow and one assumable role.

    Keyword arguments are switches: see `Switches`.
    """

    key: ClassVar[str] = "amazon_connect"
    words: ClassVar[DeskWords] = DeskWords(
        title="Simulated Amazon Connect (demo)",
        inbox="Contact Control Panel",
        accept="Accept chat",
        end="End chat",
        attributes="Contact attributes",
        session="Contact",
    )
    cors_headers: ClassVar[tuple[str, ...]] = (
        *("authorization", "content-type", "x-amz-bearer", "x-amz-date", "x-amz-user-agent"),
        *("x-amz-security-token", "x-amz-content-sha256", "amz-sdk-invocation-id"),
        *("amz-sdk-request", "x-amzn-connect-authentication-mode"),
    )
    cors_methods: ClassVar[tuple[str, ...]] = ("GET", "POST", "PUT")
    vendor_actions: ClassVar[Mapping[str, Action]] = EXTRA_ACTIONS
    rich_messages: ClassVar[Mapping[str, Action]] = RICH_MESSAGES
    vendor_faults: ClassVar[Mapping[str, Fault]] = EXTRA_FAULTS

    def __init__(self, *, state_file: str | Path | None = None, **switches: Any) -> None:
        """Make the account and its instance."""
        world = Instance(Switches.of(**switches))
        super().__init__(world, ConnectAgents(world), state_file=state_file)

    # -- The vendor's side --------------------------------------------------------------------

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        return aws_app(self, self.world)

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure as the connect service shapes it."""
        return self.failure_response_at(failure, "/contact/chat")

    def failure_response_at(self, failure: PlannedFailure, path: str) -> Response:
        """Return a planned failure in the shape of the service that owns the path."""
        status = failure.status
        if path == "/":
            name = failure.error_code or STS_NAMES.get(status, "InternalFailure")
            answer = sts_error(name, TOLD, status)
        elif path.startswith("/attachment-storage/"):
            answer = storage_error(failure.error_code or "InternalError", TOLD, status)
        else:
            is_participant = path.startswith(("/participant/", SOCKET_PATH))
            names = PARTICIPANT_NAMES if is_participant else CONNECT_NAMES
            answer = json_error(failure.error_code or names.get(status, names[500]), TOLD, status)
        if failure.retry_after is not None:
            answer.headers["Retry-After"] = str(failure.retry_after)
        return answer

    # -- The desk -----------------------------------------------------------------------------

    def desk_conversations(self) -> list[dict[str, Any]]:
        """Return all chats, oldest first, once those that are overdue have ended."""
        with self.change():
            end_overdue(self.world)
            return super().desk_conversations()

    def desk_view(self, conversation: Chat) -> dict[str, Any]:
        """Return one chat for the desk."""
        return desk_view(self.world, conversation)

    def configuration(self) -> dict[str, Any]:
        """Return the switches, and the ids that follow from them."""
        switches = self.world.switches
        return {
            **super().configuration(),
            "instance_arn": switches.instance_arn,
            "queue_id": named_id("queue", switches.queue),
            "hours_id": connect.hours_id(),
        }

    # -- Faults -------------------------------------------------------------------------------

    def drop_streams(self, *, is_cut: bool = False) -> None:
        """Close every open socket; with `is_cut` as after an accident."""
        for socket in self.world.sockets.open_sockets():
            socket.close_with(INTERNAL_ERROR if is_cut else GOING_AWAY)

    def close_streams(self) -> None:
        """Close every open socket because the server stops."""
        self.drop_streams()

    def stall_streams(self, *, seconds: float) -> None:
        """Let the open sockets be silent, heartbeats included; their frames wait."""
        for socket in self.world.sockets.open_sockets():
            socket.stall(seconds)

    def expire_tokens(self) -> None:
        """Let every passing secret expire, those of assumed roles too; sockets close."""
        with self.change():
            self.world.tokens.expire("connection", "socket", "upload", "download")
            self.world.identities.expire_all()
            self.drop_streams()

    def duplicate_next(self) -> None:
        """Deliver the next frame twice."""
        self.world.sockets.faults.duplicate_next()

    def swap_next_two(self) -> None:
        """Deliver the next frame after the one that follows it."""
        self.world.sockets.faults.swap_next_two()


# -- Chats in the shape that all desks share -----------------------------------------------------


def desk_view(instance: Instance, chat: Chat) -> dict[str, Any]:
    """Return one chat for the desk."""
    return {
        "id": chat.initial_contact_id,
        "status": STATUSES.get(chat.state, "queued"),
        "queue": chat.contact.queue or instance.switches.queue,
        "attributes": chat.attributes,
        "language": None,
        "end_user": {
            "subject": chat.customer.participant_id,
            "is_authenticated": False,
            "display_name": chat.customer.name,
            "customer_id": chat.customer_id,
        },
        "is_typing": chat.typing_until > instance.now(),
        "is_closed": chat.has_ended,
        "agents": [agent.name for agent in chat.agents],
        "routing_status": chat.state,
        "session_status": chat.state,
        "session_ended_by": chat.contact.disconnect_reason or None,
        "session_fields": _fields(chat),
        "sessions": [_contact_view(contact) for contact in chat.contacts],
        "contact_id": chat.contact.contact_id,
        "is_connected": bool(instance.sockets.open_sockets(chat.initial_contact_id)),
        "started_at": iso_time(chat.created_at * 1000),
        "messages": [
            {**_message_view(chat, item), "order": order}
            for order, item in enumerate(chat.items)
            if item.is_said
        ],
        "timeline": [
            {"id": item.item_id, "at": iso_time(item.at_ms), "text": _told(item), "order": order}
            for order, item in enumerate(chat.items)
            if not item.is_said
        ],
    }


def _fields(chat: Chat) -> dict[str, str]:
    return {
        "Contact": chat.contact.contact_id,
        "Contact flow": chat.contact_flow_id,
        "Content types": ", ".join(chat.supported_types),
        "Duration (min)": str(chat.duration_minutes),
    }


def _contact_view(contact: Contact) -> dict[str, Any]:
    return {
        "id": contact.contact_id,
        "status": "Ended" if contact.disconnected_at else "Open",
        "queue": contact.queue,
        "ended_by": contact.disconnect_reason or None,
    }


def _message_view(chat: Chat, item: Item) -> dict[str, Any]:
    shown, answer = _interactive(item), answer_of(chat, item)
    role = item.sender.role if item.sender else "SYSTEM"
    return {
        "id": item.item_id,
        "from": SPEAKERS[role],
        "name": item.sender.name if item.sender else "",
        "text": answer["label"] if answer else shown.get("title", item.content or ""),
        "content_type": item.content_type,
        "attachments": [_attachment_view(one) for one in item.attachments],
        "options": shown.get("options", []),
        **({"answer": answer} if answer else {}),
        "at": iso_time(item.at_ms),
        "delivered": any(receipt.delivered_at for receipt in item.receipts),
        "read": any(receipt.read_at for receipt in item.receipts),
        "contact_id": item.contact_id,
    }


def _interactive(item: Item) -> dict[str, Any]:
    """Return the title of an offer and the titles in it, whatever its template."""
    if item.content_type != INTERACTIVE:
        return {}
    try:
        content = json.loads(item.content or "")["data"]["content"]
        shown = content.get("elements") or content.get("timeslots", [])
        titles = [one.get("title") or one.get("date") or _inner_title(one) for one in shown]
        return {"title": content.get("title", ""), "options": titles}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {"title": item.content or "", "options": []}


def _inner_title(picker: dict[str, Any]) -> str:
    return str(picker["data"]["content"]["title"])


def _attachment_view(reference: FileReference) -> dict[str, Any]:
    return {
        "id": reference.attachment_id,
        "name": reference.name,
        "mime_type": reference.content_type,
        "status": reference.status,
        "url": f"/_desk/files/{reference.attachment_id}",
    }


def _told(item: Item) -> str:
    name = item.content_type.removeprefix(EVENT)
    said = LINES.get(name, name)
    return f"{item.sender.name} {said}" if item.sender else said
