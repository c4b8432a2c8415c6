"""Desk actions and faults that only this vendor has, beside those all simulators share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from integrations.simulators.desk import DEFAULT_AGENT_NAME, Action, DeskError, Fault, Fields
from integrations.vendors.salesforce_messaging.simulator import messages, routing

if TYPE_CHECKING:
    from integrations.simulators.simulator import Simulator
    from integrations.vendors.salesforce_messaging.simulator.simulator import (
        SalesforceMessagingSimulator,
    )


def _own(simulator: Simulator) -> SalesforceMessagingSimulator:
    return cast("SalesforceMessagingSimulator", simulator)


def _conference(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    simulator.live_agent_joins(conversation_id, agent_name=fields["agent_name"])


def _leave(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    _own(simulator).live_agent_leaves(
        conversation_id,
        agent_name=fields.get("agent_name"),
        is_session_kept=bool(fields.get("is_session_kept", False)),
    )


def _decline(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    own = _own(simulator)
    name = fields.get("agent_name") or DEFAULT_AGENT_NAME
    with own.change():
        routing.decline(own.org, own.conversation(conversation_id), name)


def _fail_routing(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    own = _own(simulator)
    message = fields.get("message") or "No skilled agent"
    with own.change():
        routing.fail_routing(own.org, own.conversation(conversation_id), message)


def _supervise(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    own = _own(simulator)
    name = fields.get("agent_name") or "Ruth Abara"
    with own.change():
        routing.join_as_supervisor(own.org, own.conversation(conversation_id), name)


def _idle(simulator: Simulator, conversation_id: str, _fields: Fields) -> None:
    own = _own(simulator)
    with own.change():
        routing.grow_idle(own.org, own.conversation(conversation_id))


def _position(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    own = _own(simulator)
    with own.change():
        conversation = own.conversation(conversation_id)
        routing.announce_position(own.org, conversation, int(fields["position"]))


def _choices(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    if not isinstance(fields.get("options"), list):
        raise DeskError(400, "options must be a list of titles.")
    message = messages.choices(str(fields.get("text", "")), [str(one) for one in fields["options"]])
    _own(simulator).live_agent_sends(
        conversation_id, message=message, agent_name=fields.get("agent_name")
    )


def _any_message(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    if not isinstance(fields.get("message"), Mapping):
        raise DeskError(400, "message must be an abstract message without id.")
    _own(simulator).live_agent_sends(
        conversation_id, message=fields["message"], agent_name=fields.get("agent_name")
    )


def _unknown_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    _own(simulator).send_unknown_event()


def _malformed_event(simulator: Simulator, fields: dict[str, Any]) -> None:
    _own(simulator).send_malformed_event(**fields)


def _malformed_payload(simulator: Simulator, fields: dict[str, Any]) -> None:
    _own(simulator).send_malformed_payload(**fields)


def _replay_oldest(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Stream the oldest messages of each conversation's live agents again, ids and times too."""
    own, count = _own(simulator), int(fields.get("count", 5))
    with own.change():
        for conversation in own.org.conversations.values():
            said = [one for one in conversation.messages() if one.sender["role"] == "Agent"]
            for entry in said[:count]:
                own.org.say_again(conversation, entry)


EXTRA_ACTIONS: dict[str, Action] = {
    "leave": _leave,
    "conference": _conference,
    "decline": _decline,
    "fail_routing": _fail_routing,
    "supervise": _supervise,
    "idle": _idle,
    "position": _position,
    "choices": _choices,
    "message": _any_message,
}
EXTRA_FAULTS: dict[str, Fault] = {
    "unknown_event": _unknown_event,
    "malformed_event": _malformed_event,
    "malformed_payload": _malformed_payload,
    "replay_oldest": _replay_oldest,
}
