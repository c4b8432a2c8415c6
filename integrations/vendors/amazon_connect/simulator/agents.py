"""What live agents do in a chat, and the actions and faults that only this vendor has."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

from integrations.simulators.desk import Action, DeskError, Fault, Fields
from integrations.simulators.live_agents import LiveAgents, refuse_twice
from integrations.simulators.records import StoredFile
from integrations.simulators.simulator import Simulator
from integrations.simulators.world_simulator import WorldSimulator, deed
from integrations.vendors.amazon_connect.simulator.files import set_scan_result, show_file
from integrations.vendors.amazon_connect.simulator.protocol import iso_time
from integrations.vendors.amazon_connect.simulator.rich import RICH_MESSAGES
from integrations.vendors.amazon_connect.simulator.state import (
    CREATED,
    EVENT,
    IN_FLOW,
    SYSTEM_NAME,
    WRAP,
    Attachment,
    Chat,
    Contact,
    Participant,
    chat_frame,
    forbidden,
    new_id,
)
from integrations.vendors.amazon_connect.simulator.world import (
    Instance,
    customer_leaves,
    depart,
    end_chat,
    end_overdue,
    enqueue,
    join_chat,
    say_automatically,
)


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


# -- Faults: odd items and frames, lost ones, clocks and credentials -----------------------------


def _on_instance(act: Callable[[Instance, Fields], None]) -> Fault:
    """Make a fault out of what happens to the instance."""

    def fault(simulator: Simulator, fields: Fields) -> None:
        with simulator.change():
            act(cast("WorldSimulator[Instance]", simulator).world, fields)

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
