"""What live agents see on the desk and do in a chat, and the actions that only this vendor has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from integrations.simulators.desk import Action, DeskError, Fields
from integrations.simulators.live_agents import LiveAgents, refuse_twice
from integrations.simulators.records import StoredFile
from integrations.simulators.world_simulator import deed
from integrations.vendors.amazon_connect.simulator.files import set_scan_result, show_file
from integrations.vendors.amazon_connect.simulator.protocol import iso_time
from integrations.vendors.amazon_connect.simulator.rich import RICH_MESSAGES, answer_of
from integrations.vendors.amazon_connect.simulator.state import (
    AGENT,
    CREATED,
    ENDED,
    EVENT,
    IN_FLOW,
    INTERACTIVE,
    WRAP,
    Attachment,
    Chat,
    Contact,
    FileReference,
    Item,
    Participant,
    new_id,
)
from integrations.vendors.amazon_connect.simulator.world import (
    Instance,
    customer_leaves,
    depart,
    end_chat,
    enqueue,
    join_chat,
    say_automatically,
)

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


class ConnectAgents(LiveAgents[Chat, Participant]):
    """The agents of the instance, at their Contact Control Panels."""

    def __init__(self, instance: Instance) -> None:
        """Take the instance they work for."""
        self.instance = instance

    def those_in(self, conversation: Chat) -> Mapping[str, Participant]:
        """Return who is in; a chat that is over has nobody."""
        if conversation.has_ended:
            raise DeskError(409, "The chat is over.")
        return {agent.name: agent for agent in conversation.agents}

    def join(self, conversation: Chat, agent_name: str) -> None:
        """Take a waiting chat, or join the colleagues who have it.

        Before the flow has queued the chat nothing can be accepted; the agent then waits for it.
        """
        present = self.those_in(conversation)
        if conversation.state == WRAP:
            raise DeskError(409, "Only the disconnect flow is left in this chat.")
        refuse_twice(agent_name, present)
        if not present and self.instance.switches.agents_offline:
            raise DeskError(409, "All agents are offline.")
        if conversation.state in (CREATED, IN_FLOW):
            conversation.waiting_agent = agent_name
        else:
            join_chat(self.instance, conversation, agent_name)

    def say(self, conversation: Chat, agent: Participant, text: str) -> None:
        """Send a text."""
        self.instance.say(conversation, agent, text)

    def show_typing(self, conversation: Chat, agent: Participant, *, is_typing: bool) -> None:
        """Show that an agent types; there is no event for having stopped."""
        if is_typing:
            self.instance.happen(conversation, "typing", agent)

    def send_file(self, conversation: Chat, agent: Participant, stored: StoredFile) -> None:
        """Send a file, which the scanner judges like any other."""
        attachment = Attachment(
            attachment_id=stored.file_id,
            initial_contact_id=conversation.initial_contact_id,
            name=stored.name,
            content_type=stored.mime_type,
            size=stored.size,
            owner_id=agent.participant_id,
            is_complete=True,
        )
        self.instance.attachments.add(attachment)
        show_file(self.instance, conversation, agent, attachment)

    def read(self, conversation: Chat, agent: Participant) -> None:
        """Mark what the customer wrote as read; not with more than two people."""
        if len(conversation.participants()) > 2:
            raise DeskError(409, "There are no receipts with more than two people.")
        for item in conversation.said_by_customer():
            receipt = item.receipt_of(agent.participant_id)
            if receipt.read_at is None:
                receipt.read_at = self.instance.now() * 1000
                receipt.delivered_at = receipt.delivered_at or receipt.read_at
                self.instance.publish_receipt(conversation, item, receipt)

    def transfer_to_queue(self, conversation: Chat, queue: str) -> None:
        """Hand the chat to a queue."""
        self._transfer(conversation, queue, "QUEUE_TRANSFER", "CONTACT_FLOW_DISCONNECT")

    def transfer_to_agent(self, conversation: Chat, agent_name: str) -> None:
        """Hand the chat to a colleague, who accepts it at once."""
        queue = conversation.contact.queue
        self._transfer(conversation, queue, "TRANSFER", "AGENT_DISCONNECT")
        self.join(conversation, agent_name)

    def leave(self, conversation: Chat, agent: Participant) -> None:
        """Let one agent go; after the last one the disconnect flow runs, or the chat ends."""
        switches = self.instance.switches
        depart(self.instance, conversation, agent)
        if conversation.agents:
            return
        if switches.disconnect_flow:
            conversation.state = WRAP
            say_automatically(self.instance, conversation, switches.survey)
            return
        end_chat(self.instance, conversation, "AGENT_DISCONNECT")

    def end(self, conversation: Chat) -> None:
        """Let all agents go; a chat in its disconnect flow ends altogether."""
        if conversation.state == WRAP:
            end_chat(self.instance, conversation, "AGENT_DISCONNECT")
            return
        self.present(conversation)
        for agent in [*conversation.agents]:
            self.leave(conversation, agent)

    def _transfer(self, chat: Chat, queue: str, method: str, reason: str) -> None:
        """Let the chat go on under another contact id."""
        self.present(chat)
        for agent in [*chat.agents]:
            depart(self.instance, chat, agent)
        chat.contact.disconnected_at = self.instance.now()
        chat.contact.disconnect_reason = reason
        chat.contacts.append(
            Contact(
                contact_id=new_id(), initiated_at=self.instance.now(), method=method, queue=queue
            )
        )
        self.instance.happen(chat, "transfer.succeeded")
        enqueue(self.instance, chat, queue)


def _decline(agents: ConnectAgents, chat: Chat, _fields: Fields) -> None:
    """Let a chat go back to its queue; the customer is told nothing."""
    if chat.agents or chat.has_ended:
        raise DeskError(409, "Nothing waits here to be declined.")
    chat.waiting_agent = ""


def _conference(agents: ConnectAgents, chat: Chat, fields: Fields) -> None:
    if not chat.agents:
        raise DeskError(409, "No agent is in this chat.")
    agents.join(chat, str(fields["agent_name"]))


def _supervise(agents: ConnectAgents, chat: Chat, fields: Fields) -> None:
    """Let a supervisor barge in."""
    agents.present(chat)
    supervisor = Participant(name=str(fields.get("agent_name") or "Ruth Abara"), role="SUPERVISOR")
    chat.agents.append(supervisor)
    agents.instance.happen(chat, "participant.joined", supervisor)


def _fail_transfer(agents: ConnectAgents, chat: Chat, _fields: Fields) -> None:
    """Let a transfer come to nothing; everybody stays."""
    agents.present(chat)
    agents.instance.happen(chat, "transfer.failed")


def _idle(agents: ConnectAgents, chat: Chat, _fields: Fields) -> None:
    """Let the customer's idle timer run out."""
    agents.present(chat)
    agents.instance.happen(chat, "participant.idle", chat.customer)


def _auto_disconnect(agents: ConnectAgents, chat: Chat, _fields: Fields) -> None:
    """Let the customer's disconnect timer run out."""
    agents.present(chat)
    agents.instance.happen(chat, "participant.autodisconnection", chat.customer)
    customer_leaves(agents.instance, chat)


def _rename(agents: ConnectAgents, chat: Chat, fields: Fields) -> None:
    agent = agents.present(chat, fields.get("agent_name"))
    agent.name = str(fields["new_name"])
    agents.instance.happen(chat, "participant.displayname.updated", agent)


def _system(agents: ConnectAgents, chat: Chat, fields: Fields) -> None:
    """Say something in the flow's name."""
    if chat.has_ended:
        raise DeskError(409, "The chat is over.")
    say_automatically(agents.instance, chat, str(fields["text"]))


def _scan(agents: ConnectAgents, chat: Chat, fields: Fields) -> None:
    """Let the scanner come to a result about the files that wait for one."""
    result = fields.get("result", "APPROVED")
    waiting = [
        agents.instance.attachments[reference.attachment_id]
        for item in chat.items
        for reference in item.attachments
        if reference.status == "IN_PROGRESS"
    ]
    if result not in ("APPROVED", "REJECTED") or not waiting:
        raise DeskError(409, "No file waits for its scan, or the result is no result.")
    for attachment in waiting:
        set_scan_result(agents.instance, chat, attachment, result)


def _any_message(agents: ConnectAgents, chat: Chat, fields: Fields) -> None:
    """Send content of any type that the customer's client takes."""
    content, content_type = fields.get("content"), fields.get("content_type", "text/plain")
    if not isinstance(content, str) or not isinstance(content_type, str):
        raise DeskError(400, "content and content_type must be texts.")
    _send(agents, chat, fields, content, content_type)


def _send(
    agents: ConnectAgents, chat: Chat, fields: Mapping[str, Any], content: str, content_type: str
) -> None:
    agent = agents.present(chat, fields.get("agent_name"))
    if content_type not in chat.supported_types:
        raise DeskError(409, "The customer's client does not take messages of this type.")
    agents.instance.say(chat, agent, content, content_type)


EXTRA_ACTIONS: dict[str, Action] = {
    "decline": deed(_decline),
    "conference": deed(_conference),
    "supervise": deed(_supervise),
    "fail_transfer": deed(_fail_transfer),
    "idle": deed(_idle),
    "auto_disconnect": deed(_auto_disconnect),
    "rename": deed(_rename),
    "system": deed(_system),
    "scan": deed(_scan),
    "choices": RICH_MESSAGES["choices"],
    "message": deed(_any_message),
}
