"""Desk actions and faults that only this vendor has, beside those all simulators share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from integrations.simulators.desk import Action, DeskError, Fault, Fields
from integrations.vendors.amazon_connect.simulator import chats
from integrations.vendors.amazon_connect.simulator.files import set_scan_result
from integrations.vendors.amazon_connect.simulator.instance import chat_frame
from integrations.vendors.amazon_connect.simulator.socket import forbidden
from integrations.vendors.amazon_connect.simulator.state import EVENT, INTERACTIVE, SYSTEM_NAME

if TYPE_CHECKING:
    from integrations.simulators.simulator import Simulator
    from integrations.vendors.amazon_connect.simulator.simulator import AmazonConnectSimulator
    from integrations.vendors.amazon_connect.simulator.state import Chat, Item


def _own(simulator: Simulator) -> AmazonConnectSimulator:
    return cast("AmazonConnectSimulator", simulator)


def _on_chat(act: Any) -> Action:
    """Make an action of a function of instance, chat and fields."""

    def action(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
        own = _own(simulator)
        with own.change():
            act(own, own.chat(conversation_id), fields)

    return action


def _decline(own: AmazonConnectSimulator, chat: Chat, fields: Fields) -> None:
    # The chat goes back to its queue; the customer is told nothing.
    if chat.agents or chat.has_ended:
        raise DeskError(409, "Nothing waits here to be declined.")
    chat.waiting_agent = ""


def _conference(own: AmazonConnectSimulator, chat: Chat, fields: Fields) -> None:
    if not chat.agents:
        raise DeskError(409, "No agent is in this chat.")
    chats.accept(own.instance, chat, str(fields["agent_name"]))


def _supervise(own: AmazonConnectSimulator, chat: Chat, fields: Fields) -> None:
    chats.join_as_supervisor(own.instance, chat, str(fields.get("agent_name") or "Ruth Abara"))


def _fail_transfer(own: AmazonConnectSimulator, chat: Chat, _fields: Fields) -> None:
    chats.fail_transfer(own.instance, chat)


def _idle(own: AmazonConnectSimulator, chat: Chat, _fields: Fields) -> None:
    chats.grow_idle(own.instance, chat)


def _auto_disconnect(own: AmazonConnectSimulator, chat: Chat, _fields: Fields) -> None:
    chats.disconnect_idle(own.instance, chat)


def _rename(own: AmazonConnectSimulator, chat: Chat, fields: Fields) -> None:
    agent = chats.find_agent(chat, fields.get("agent_name"))
    agent.name = str(fields["new_name"])
    own.instance.happen(chat, "participant.displayname.updated", agent)


def _system(own: AmazonConnectSimulator, chat: Chat, fields: Fields) -> None:
    if chat.has_ended:
        raise DeskError(409, "The chat is over.")
    chats.say_automatically(own.instance, chat, str(fields["text"]))


def _scan(own: AmazonConnectSimulator, chat: Chat, fields: Fields) -> None:
    result = fields.get("result", "APPROVED")
    waiting = [
        own.instance.files[reference.attachment_id]
        for item in chat.items
        for reference in item.attachments
        if reference.status == "IN_PROGRESS"
    ]
    if result not in ("APPROVED", "REJECTED") or not waiting:
        raise DeskError(409, "No file waits for its scan, or the result is no result.")
    for stored in waiting:
        set_scan_result(own.instance, chat, stored, result)


def _choices(own: AmazonConnectSimulator, chat: Chat, fields: Fields) -> None:
    if not isinstance(fields.get("options"), list):
        raise DeskError(400, "options must be a list of titles.")
    template = str(fields.get("template", "ListPicker"))
    places = "timeslots" if template == "TimePicker" else "elements"
    elements = [{"title": str(title)} for title in fields["options"]]
    content = {"title": str(fields.get("text") or "Please choose"), places: elements}
    message = {"templateType": template, "version": "1.0", "data": {"content": content}}
    _send(own, chat, fields, json.dumps(message), INTERACTIVE)


def _any_message(own: AmazonConnectSimulator, chat: Chat, fields: Fields) -> None:
    content, content_type = fields.get("content"), fields.get("content_type", "text/plain")
    if not isinstance(content, str) or not isinstance(content_type, str):
        raise DeskError(400, "content and content_type must be texts.")
    _send(own, chat, fields, content, content_type)


def _send(
    own: AmazonConnectSimulator, chat: Chat, fields: Fields, content: str, content_type: str
) -> None:
    agent = chats.find_agent(chat, fields.get("agent_name"))
    if content_type not in chat.supported_types:
        raise DeskError(409, "The customer's client does not take messages of this type.")
    own.instance.say(chat, agent, content, content_type)


def _conversations(simulator: Simulator) -> list[Chat]:
    return _own(simulator).instance.open_chats()


def _publish(simulator: Simulator, body: Mapping[str, Any]) -> None:
    own = _own(simulator)
    with own.change():
        for chat in _conversations(simulator):
            ids = {
                "InitialContactId": chat.initial_contact_id,
                "ContactId": chat.contact.contact_id,
            }
            own.instance.sockets.publish(chat.initial_contact_id, chat_frame({**body, **ids}))


def _unknown_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    own = _own(simulator)
    with own.change():
        for chat in _conversations(simulator):
            own.instance.happen(chat, "something.new", None, "What no client knows")


def _unknown_message(simulator: Simulator, _fields: dict[str, Any]) -> None:
    body = {"Type": "HOLOGRAM", "ContentType": "model/gltf", "Id": "h-1", "Content": "{}"}
    _publish(simulator, {**body, "AbsoluteTime": "2026-03-01T09:31:07.412Z"})


def _malformed_item(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Send a message without time, sender and content."""
    _publish(simulator, {"Type": "MESSAGE", "ContentType": "text/plain", "Id": "m-1"})


def _partial_message(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Send a bot's message in chunks that share an id."""
    own = _own(simulator)
    chunks = fields.get("chunks") or ["Let me ", "see."]
    with own.change():
        for number, chunk in enumerate(chunks):
            metadata = {"ChunkNumber": number, "MessageCompleted": number == len(chunks) - 1}
            _publish(
                simulator,
                {
                    "AbsoluteTime": "2026-03-01T09:31:07.412Z",
                    "Type": "MESSAGE",
                    "ContentType": "text/plain",
                    "Id": fields.get("id", "partial-1"),
                    "Content": chunk,
                    "ParticipantRole": "SYSTEM",
                    "DisplayName": SYSTEM_NAME,
                    "MessageMetadata": metadata,
                },
            )


def _raw_frame(simulator: Simulator, frame: str) -> None:
    own = _own(simulator)
    for chat in _conversations(simulator):
        own.instance.sockets.publish(chat.initial_contact_id, frame)


def _malformed_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Send a frame whose content is cut off in the middle."""
    content = json.dumps({"Type": "EVENT", "ContentType": EVENT + "typing"})[:-8]
    frame = {"topic": "aws/chat", "contentType": "application/json", "content": content}
    _raw_frame(simulator, json.dumps(frame))


def _malformed_frame(simulator: Simulator, _fields: dict[str, Any]) -> None:
    _raw_frame(simulator, '{"topic": "aws/ch')


def _replay_oldest(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Send the oldest messages of each chat's live agents again, ids and times as they were."""
    own, count = _own(simulator), int(fields.get("count", 5))
    with own.change():
        for chat in _conversations(simulator):
            said = [one for one in chat.items if one.is_said and _is_of_agent(one)]
            for item in said[:count]:
                own.instance.publish(chat, item)


def _is_of_agent(item: Item) -> bool:
    return item.sender is not None and item.sender.role == "AGENT"


def _gateway_error(simulator: Simulator, _fields: dict[str, Any]) -> None:
    _raw_frame(simulator, json.dumps(forbidden()))


def _lose_next(simulator: Simulator, fields: dict[str, Any]) -> None:
    _own(simulator).instance.sockets.lose_next(int(fields.get("count", 1)))


def _skip_clock(simulator: Simulator, fields: dict[str, Any]) -> None:
    own = _own(simulator)
    with own.change():
        own.instance.clock_skew += float(fields["seconds"])
        chats.end_overdue(own.instance)


def _expire_connection_tokens(simulator: Simulator, _fields: dict[str, Any]) -> None:
    _own(simulator).instance.tokens.expire("connection", "socket")


def _expire_credentials(simulator: Simulator, _fields: dict[str, Any]) -> None:
    _own(simulator).instance.identities.expire_all()


EXTRA_ACTIONS: dict[str, Action] = {
    "decline": _on_chat(_decline),
    "conference": _on_chat(_conference),
    "supervise": _on_chat(_supervise),
    "fail_transfer": _on_chat(_fail_transfer),
    "idle": _on_chat(_idle),
    "auto_disconnect": _on_chat(_auto_disconnect),
    "rename": _on_chat(_rename),
    "system": _on_chat(_system),
    "scan": _on_chat(_scan),
    "choices": _on_chat(_choices),
    "message": _on_chat(_any_message),
}
EXTRA_FAULTS: dict[str, Fault] = {
    "unknown_event": _unknown_event,
    "unknown_message": _unknown_message,
    "malformed_item": _malformed_item,
    "malformed_event": _malformed_event,
    "malformed_frame": _malformed_frame,
    "partial_message": _partial_message,
    "replay_oldest": _replay_oldest,
    "gateway_error": _gateway_error,
    "lose_next": _lose_next,
    "skip_clock": _skip_clock,
    "expire_connection_tokens": _expire_connection_tokens,
    "expire_credentials": _expire_credentials,
}
