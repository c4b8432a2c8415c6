"""Desk actions and faults that only this vendor has, beside those all simulators share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from integrations.simulators.desk import DEFAULT_AGENT_NAME, Action, DeskError, Fault, Fields
from integrations.vendors.genesys.simulator import agents, flow, outbound
from integrations.vendors.genesys.simulator.channels import closing_frame
from integrations.vendors.genesys.simulator.events import DETAIL_PREFIX

if TYPE_CHECKING:
    from integrations.simulators.simulator import Simulator
    from integrations.vendors.genesys.simulator.simulator import GenesysSimulator


def _own(simulator: Simulator) -> GenesysSimulator:
    return cast("GenesysSimulator", simulator)


def _leave(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    own = _own(simulator)
    with own.change():
        agents.leave(
            own.org,
            own.conversation(conversation_id),
            fields.get("agent_name"),
            is_session_kept=bool(fields.get("is_session_kept", False)),
        )


def _end(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    own = _own(simulator)
    with own.change():
        conversation = own.conversation(conversation_id)
        agents.end(own.org, conversation, is_silent=bool(fields.get("is_silent", False)))


def _alert(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    own = _own(simulator)
    name = fields.get("agent_name") or DEFAULT_AGENT_NAME
    with own.change():
        agents.alert(own.org, own.conversation(conversation_id), name)


def _decline(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    own = _own(simulator)
    name = fields.get("agent_name") or DEFAULT_AGENT_NAME
    with own.change():
        agents.decline(own.org, own.conversation(conversation_id), name)


def _conference(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    own = _own(simulator)
    with own.change():
        conversation = own.conversation(conversation_id)
        agents.present(conversation)
        agents.accept(own.org, conversation, fields["agent_name"])


def _fail_routing(simulator: Simulator, conversation_id: str, _fields: Fields) -> None:
    own = _own(simulator)
    with own.change():
        conversation = own.conversation(conversation_id)
        if conversation.waiting is None:
            raise DeskError(409, "This conversation is not being routed.")
        flow.leave_queue(own.org, conversation, "FLOW_OUT")
        flow.end_customer(own.org, conversation, "system")


def _idle(simulator: Simulator, conversation_id: str, _fields: Fields) -> None:
    own = _own(simulator)
    with own.change():
        agents.grow_idle(own.org, own.conversation(conversation_id))


def _choices(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    if not isinstance(fields.get("options"), list):
        raise DeskError(400, "options must be a list of titles.")
    options = outbound.quick_replies([str(one) for one in fields["options"]])
    _say(simulator, conversation_id, fields, content=options, message_type="Structured")


def _any_message(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    message = fields.get("message")
    if not isinstance(message, Mapping):
        raise DeskError(400, "message must be an object with type, text and content.")
    _say(
        simulator,
        conversation_id,
        {**message, "agent_name": fields.get("agent_name")},
        content=list(message.get("content") or []),
        message_type=str(message.get("type", "Structured")),
    )


def _say(
    simulator: Simulator,
    conversation_id: str,
    fields: Fields,
    *,
    content: list[dict[str, Any]],
    message_type: str,
) -> None:
    own = _own(simulator)
    with own.change():
        conversation = own.conversation(conversation_id)
        speaker = agents.present(conversation, fields.get("agent_name"))
        outbound.say(
            own.org,
            conversation,
            speaker,
            text=fields.get("text"),
            content=content,
            message_type=message_type,
            originating_entity=str(fields.get("originatingEntity", "Bot")),
        )


# -- Faults ---------------------------------------------------------------------------------------


def _unknown_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Post a body of an unknown type, and publish an unknown detail event."""
    own = _own(simulator)
    with own.change():
        for conversation in own.org.talking():
            outbound.post_unknown(own.org, conversation)
        own.org.channels.broadcast(
            {"topicName": f"{DETAIL_PREFIX}.new.kind", "version": "9", "eventBody": {"new": True}}
        )


def _malformed_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Send every socket a frame that is JSON and makes no sense."""
    _own(simulator).org.channels.broadcast({"eventBody": None})


def _malformed_webhook(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Post a body that is signed and is not JSON."""
    own = _own(simulator)
    with own.change():
        for conversation in own.org.talking():
            outbound.post_bytes(own.org, conversation, b'{"type":"Text","chan', label="malformed")


def _replay_oldest(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Post the oldest messages of each conversation's live agents again, signed anew."""
    own, count = _own(simulator), int(fields.get("count", 5))
    with own.change():
        for conversation in own.org.talking():
            outbound.post_oldest(own.org, conversation, count)


def _socket_closing(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Warn every socket that it will be closed within a minute."""
    _own(simulator).org.channels.broadcast(closing_frame())


def _expire_channels(simulator: Simulator, _fields: dict[str, Any]) -> None:
    """Let all notification channels be gone: sockets are told 404."""
    _own(simulator).org.channels.end_all()


def _lose_notifications(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Send the next events to nobody."""
    _own(simulator).org.channels.lose_next(int(fields.get("count", 1)))


def _delay_webhooks(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Deliver webhooks late."""
    _own(simulator).org.sender.delay_seconds = float(fields["seconds"])


EXTRA_ACTIONS: dict[str, Action] = {
    "leave": _leave,
    "end": _end,
    "alert": _alert,
    "decline": _decline,
    "conference": _conference,
    "fail_routing": _fail_routing,
    "idle": _idle,
    "choices": _choices,
    "message": _any_message,
}
EXTRA_FAULTS: dict[str, Fault] = {
    "unknown_event": _unknown_event,
    "malformed_event": _malformed_event,
    "malformed_webhook": _malformed_webhook,
    "replay_oldest": _replay_oldest,
    "socket_closing": _socket_closing,
    "expire_channels": _expire_channels,
    "lose_notifications": _lose_notifications,
    "delay_webhooks": _delay_webhooks,
}
