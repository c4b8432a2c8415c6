"""A pretend Zendesk account, and how its desk shows conversations and tickets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from starlette.responses import Response
from starlette.types import ASGIApp

from integrations.simulators.desk import Action, DeskWords, Fault
from integrations.simulators.traffic import PlannedFailure
from integrations.simulators.world_simulator import WorldSimulator
from integrations.vendors.zendesk.simulator.agents import WorkspaceAgents
from integrations.vendors.zendesk.simulator.app import zendesk_app
from integrations.vendors.zendesk.simulator.checks import CODES, VendorError
from integrations.vendors.zendesk.simulator.conversations import (
    ConversationEndpoints,
    UserEndpoints,
)
from integrations.vendors.zendesk.simulator.faults import EXTRA_ACTIONS, EXTRA_FAULTS, end
from integrations.vendors.zendesk.simulator.messages import MessageEndpoints
from integrations.vendors.zendesk.simulator.records import (
    AGENT_WORKSPACE,
    DONE_STATUSES,
    Conversation,
    Message,
    Ticket,
    time_text,
)
from integrations.vendors.zendesk.simulator.rich import RICH_MESSAGES
from integrations.vendors.zendesk.simulator.settings import SettingEndpoints
from integrations.vendors.zendesk.simulator.switchboard import ControlEndpoints
from integrations.vendors.zendesk.simulator.ticketing import TicketEndpoints, TicketRefusedError
from integrations.vendors.zendesk.simulator.tickets import TRIGGER_AGENT_ID
from integrations.vendors.zendesk.simulator.world import AccountSwitches, ZendeskWorld

FAILURE_TEXT = "The simulator was told to fail."


class ZendeskSimulator(WorldSimulator[ZendeskWorld]):
    """One account with messaging on, one custom integration and one ticket webhook.

    Keyword arguments beyond the named ones are switches: see `AccountSwitches`.
    """

    agents: WorkspaceAgents
    key: ClassVar[str] = "zendesk"
    words: ClassVar[DeskWords] = DeskWords(
        title="Simulated Zendesk (demo)",
        inbox="Agent Workspace",
        accept="Accept",
        end="End session",
        attributes="Metadata of the handover",
        session="Ticket",
    )
    vendor_actions: ClassVar[Mapping[str, Action]] = EXTRA_ACTIONS
    vendor_faults: ClassVar[Mapping[str, Fault]] = EXTRA_FAULTS
    rich_messages: ClassVar[Mapping[str, Action]] = RICH_MESSAGES

    def __init__(
        self, *, path_prefix: str = "", state_file: str | Path | None = None, **switches: Any
    ) -> None:
        world = ZendeskWorld(AccountSwitches.of(**switches), path_prefix=path_prefix)
        super().__init__(world, WorkspaceAgents(world), state_file=state_file)

    def vendor_app(self) -> ASGIApp:
        """Build the application that speaks the contract."""
        conversations = (UserEndpoints, ConversationEndpoints, MessageEndpoints, ControlEndpoints)
        return zendesk_app(self, self.world, (*conversations, SettingEndpoints, TicketEndpoints))

    def failure_response(self, failure: PlannedFailure) -> Response:
        """Return a planned failure in the shape of the API it is meant for."""
        code = CODES.get(failure.status, "internal_error")
        error = VendorError(failure.status, FAILURE_TEXT, code=code)
        if failure.path_prefix.startswith(f"{self.world.path_prefix}/api/v2"):
            code = CODES.get(failure.status, "error")
            error = TicketRefusedError(failure.status, code, FAILURE_TEXT)
        error.retry_after = failure.retry_after
        return error.response()

    def desk_view(self, conversation: Conversation) -> dict[str, Any]:
        """Return a conversation that has a ticket."""
        return _conversation_view(self.world, conversation)

    def desk_conversations(self) -> list[dict[str, Any]]:
        """Return all conversations Agent Workspace has seen, oldest first, and API tickets.

        One that never had a ticket is nothing an agent could see.
        """
        with self.lock:
            seen = [one for one in self.world.conversations.values() if one.ticket_ids]
            made = [one for one in self.world.tickets.values() if one.conversation_id is None]
            shown = [self.desk_view(one) for one in seen]
            return shown + [_ticket_view(self.world, one) for one in made]

    def live_agent_ends(self, conversation_id: str, *, how: str = "session") -> None:
        """End the session, solve or close the ticket, or move to e-mail."""
        end(self, conversation_id, how)

    def sent_webhooks(self) -> list[dict[str, Any]]:
        """Return what both webhook systems sent, in order."""
        senders = (self.world.events.sender, self.world.ticket_events.sender)
        sent = [one for sender in senders for one in sender.deliveries()]
        sent += self.world.events.probes
        return sorted(sent, key=lambda one: float(one["posted_at"]))

    # -- Faults -------------------------------------------------------------------------------

    def drop_streams(self) -> None:
        """Do nothing: Zendesk keeps no stream open to the portal."""

    def close_streams(self) -> None:
        """Stop sending webhooks because the server stops."""
        self.world.events.close()
        self.world.ticket_events.sender.close()

    def stall_streams(self, *, seconds: float) -> None:
        """Deliver webhooks this much later from now on; 0 ends it."""
        self.world.events.sender.delay_seconds = seconds
        self.world.ticket_events.sender.delay_seconds = seconds

    def expire_tokens(self) -> None:
        """Do nothing: Zendesk issues no tokens, its keys do not expire; see `revoke_keys`."""

    def duplicate_next(self, *, event: str | None = None) -> None:
        """Deliver the next event (of this type) twice."""
        self.world.events.faults.duplicate_next(event)

    def swap_next_two(self, *, event: str | None = None) -> None:
        """Deliver the next event (of this type) after the one that follows it."""
        self.world.events.faults.swap_next_two(event)


def _ticket_view(world: ZendeskWorld, ticket: Ticket) -> dict[str, Any]:
    """Return a ticket nobody chats in: its comments are its messages."""
    requester = world.people[ticket.requester_id]
    assignee = world.people.get(ticket.assignee_id)
    return {
        **_of_ticket(world, ticket),
        "id": str(ticket.ticket_id),
        "status": "ended" if ticket.status in DONE_STATUSES else "queued",
        "attributes": {"external_id": ticket.external_id} if ticket.external_id else {},
        "language": None,
        "end_user": _end_user(str(ticket.requester_id), requester.name, requester.email),
        "agents": [assignee.name] if assignee else [],
        "routing_status": "by API",
        "session_ended_by": None,
        "sessions": [{"id": str(ticket.ticket_id), "status": ticket.status}],
        "messages": [_comment_view(ticket, one) for one in ticket.comments],
        "timeline": [],
    }


def _conversation_view(world: ZendeskWorld, conversation: Conversation) -> dict[str, Any]:
    """Return a conversation with its latest ticket, of an ended session too."""
    tickets = [world.tickets[number] for number in conversation.ticket_ids]
    status = _desk_status(world, conversation, tickets[-1])
    user, said = world.person(conversation), conversation.messages
    profile = user.profile if user else {}
    names = (user.external_id, user.display_name) if user else ("", "")
    return {
        **_of_ticket(world, tickets[-1]),
        "id": conversation.conversation_id,
        "status": status,
        "attributes": {**conversation.metadata, **tickets[-1].capture},
        "language": profile.get("locale"),
        "end_user": _end_user(*names, profile.get("email")),
        "agents": list(conversation.agents),
        "routing_status": _controller(world, conversation),
        "session_ended_by": conversation.ended_by if status == "ended" else None,
        "sessions": [{"id": str(one.ticket_id), "status": one.status} for one in tickets],
        "messages": [
            *(
                _message_view(world, conversation, one)
                for one in said[conversation.first_message_shown :]
            ),
            *(_comment_view(one, comment) for one in tickets for comment in one.comments),
        ],
        "timeline": conversation.timeline,
    }


def _of_ticket(world: ZendeskWorld, ticket: Ticket) -> dict[str, Any]:
    group = world.group(ticket.group_id)
    fields = {
        "Ticket": str(ticket.ticket_id),
        "Subject": ticket.subject,
        "Tags": ", ".join(ticket.tags),
        "Priority": ticket.priority or "",
        "Requester": world.people[ticket.requester_id].name,
        **{f"Field {name}": str(value) for name, value in ticket.custom_fields.items()},
    }
    return {
        "queue": group.name if group else str(ticket.group_id or ""),
        # The end user's typing cannot be sent to Zendesk.
        "is_typing": False,
        "is_closed": ticket.status == "CLOSED",
        "session_status": ticket.status,
        "session_fields": {name: value for name, value in fields.items() if value},
        "started_at": time_text(ticket.created_ms),
    }


def _end_user(subject: str, name: str, email: str | None) -> dict[str, Any]:
    shown = {"subject": subject, "display_name": name, "email": email}
    return {**shown, "is_authenticated": False}


def _desk_status(world: ZendeskWorld, conversation: Conversation, ticket: Ticket) -> str:
    """Return queued, active or ended as the agents see it."""
    is_over = ticket.status in DONE_STATUSES or conversation.ticket_id is None
    if is_over or not world.is_with_workspace(conversation):
        return "ended"
    return "active" if conversation.agents else "queued"


def _controller(world: ZendeskWorld, conversation: Conversation) -> str:
    active = world.switchboard_integration(conversation.active)
    pending = world.switchboard_integration(conversation.pending)
    shown = active.name if active else "nobody"
    return f"{shown}, offered to {pending.name}" if pending else shown


def _comment_view(ticket: Ticket, comment: dict[str, Any]) -> dict[str, Any]:
    is_own = comment["author_id"] == ticket.requester_id
    return {
        "id": str(comment["id"]),
        "order": comment["id"],
        "from": "end_user" if is_own else "system",
        "name": "Comment" if comment["public"] else "Internal note",
        "text": comment["body"],
        "attachments": [],
        "options": [],
        "at": time_text(comment["id"]),
        "delivered": True,
        "read": True,
    }


def _message_view(
    world: ZendeskWorld, conversation: Conversation, message: Message
) -> dict[str, Any]:
    content = message.content
    user = world.users.get(message.author.get("userId", ""))
    named = user.display_name if user else message.author.get("displayName")
    shown = {
        "id": message.message_id,
        "order": message.order,
        "from": _speaker(message),
        "name": str(named or "Business"),
        "text": _text(content),
        "attachments": _attachments(world, content),
        "options": [str(action.get("text")) for action in content.get("actions") or []],
        "at": time_text(message.received_ms),
        "delivered": not message.is_failed,
        "read": message.is_read,
        "metadata": message.metadata or {},
    }
    answer = _answer(conversation, message) if message.is_from_user else None
    return {**shown, "answer": answer} if answer else shown


def _text(content: Mapping[str, Any]) -> str:
    """Return a content as the agents read it: the title of each item, the label of each field."""
    said = content.get("text") or content.get("markdownText") or content.get("htmlText")
    parts = [str(one.get("title")) for one in content.get("items") or []]
    parts += [str(one.get("label")) for one in content.get("fields") or []]
    parts.append(str((content.get("location") or {}).get("name") or ""))
    return str(said or "") or "\n".join(part for part in parts if part)


def _answer(conversation: Conversation, message: Message) -> dict[str, Any] | None:
    """Return what an end user's message takes of an offer: a payload, or a form line by line.

    Forms cannot be answered as such by the API: their answer is a text of labels and values.
    """
    said = str(message.content.get("text") or "")
    if payload := message.content.get("payload"):
        return {"label": said, "payload": payload}
    for earlier in reversed(conversation.messages):
        fields = earlier.content.get("fields") or []
        if earlier.order < message.order and (filled := _filled(fields, said)):
            return {"label": said, "form": earlier.message_id, "fields": filled}
    return None


def _filled(fields: list[dict[str, Any]], said: str) -> dict[str, str]:
    """Return a form's values by the names of its fields, if every line is one of them."""
    names = {str(one["label"]): str(one["name"]) for one in fields}
    split = [line.partition(": ") for line in said.split("\n")]
    if not names or not all(label in names for label, _, _ in split):
        return {}
    return {names[label]: value for label, _, value in split}


def _speaker(message: Message) -> str:
    """Return who said a message, in the desk's words."""
    if message.is_from_user:
        return "end_user"
    if message.activity is not None:
        return "system"
    if message.source["type"] != AGENT_WORKSPACE:
        return "ai_agent"
    agent_id = (message.metadata or {}).get("__zendesk_msg.agent.id")
    return "system" if agent_id == TRIGGER_AGENT_ID else "live_agent"


def _attachments(world: ZendeskWorld, content: dict[str, Any]) -> list[dict[str, Any]]:
    url = content.get("mediaUrl")
    if not url:
        return []
    if stored := world.file_at(url):
        shown = {"name": stored.name, "mime_type": stored.mime_type}
        return [{"id": stored.file_id, **shown, "url": f"/_desk/files/{stored.file_id}"}]
    name = str(content.get("altText") or url)
    return [{"id": url, "name": name, "mime_type": content.get("mediaType"), "url": url}]
