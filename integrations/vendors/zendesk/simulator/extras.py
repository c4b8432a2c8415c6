"""Desk actions and faults that only this vendor has, beside those all simulators share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from integrations.simulators.desk import Action, DeskError, Fault, Fields
from integrations.vendors.zendesk.simulator import tickets, workspace
from integrations.vendors.zendesk.simulator.contents import check_content
from integrations.vendors.zendesk.simulator.merge import merge_user
from integrations.vendors.zendesk.simulator.messages import SOURCE
from integrations.vendors.zendesk.simulator.state import TICKET_STATUSES

if TYPE_CHECKING:
    from integrations.simulators.simulator import Simulator
    from integrations.vendors.zendesk.simulator.simulator import ZendeskSimulator

ENDINGS = ("session", "solve", "close", "email")


def _own(simulator: Simulator) -> ZendeskSimulator:
    return cast("ZendeskSimulator", simulator)


def end(simulator: Simulator, conversation_id: str, how: str) -> None:
    """End a conversation in one of the ways Agent Workspace has."""
    own = _own(simulator)
    if own.ticket_by_api(conversation_id) is not None:
        _set_status(own, conversation_id, "SOLVED")
        return
    with own.change():
        conversation = own.conversation(conversation_id)
        if how == "session":
            workspace.end_session(own.world, conversation)
        elif how == "email":
            workspace.move_to_email(own.world, conversation)
        elif how in ENDINGS:
            status = "SOLVED" if how == "solve" else "CLOSED"
            workspace.change_status(own.world, conversation, status)
        else:
            raise DeskError(400, f"how is one of {', '.join(ENDINGS)}.")


def _end(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    end(simulator, conversation_id, str(fields.get("how", "session")))


def _status(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    own, status = _own(simulator), str(fields.get("status", "")).upper()
    if status not in TICKET_STATUSES:
        raise DeskError(400, f"status is one of {', '.join(TICKET_STATUSES)}.")
    _set_status(own, conversation_id, status)


def _set_status(own: ZendeskSimulator, identifier: str, status: str) -> None:
    """Set the status of a conversation's ticket, or of a ticket that came by API."""
    with own.change():
        ticket = own.ticket_by_api(identifier)
        if ticket is None:
            workspace.change_status(own.world, own.conversation(identifier), status)
        else:
            actor_id = ticket.assignee_id or ticket.submitter_id
            tickets.set_status(own.world, ticket, status, actor_id=actor_id)


def _pass_back(simulator: Simulator, conversation_id: str, _fields: Fields) -> None:
    own = _own(simulator)
    with own.change():
        workspace.pass_back(own.world, own.conversation(conversation_id))


def _user_ends(simulator: Simulator, conversation_id: str, _fields: Fields) -> None:
    own = _own(simulator)
    with own.change():
        workspace.end_by_user(own.world, own.conversation(conversation_id))


def _trigger(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    own = _own(simulator)
    text = str(fields.get("text") or "All our agents are busy. Thank you for waiting.")
    with own.change():
        workspace.respond_automatically(own.world, own.conversation(conversation_id), text)


def _content(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    content = fields.get("content")
    wrong = check_content(content).titles
    if wrong or not isinstance(content, Mapping):
        raise DeskError(400, "; ".join(wrong))
    own = _own(simulator)
    with own.change():
        conversation = own.conversation(conversation_id)
        workspace.say(own.world, conversation, fields.get("agent_name"), content)


def _postback(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    own = _own(simulator)
    with own.change():
        conversation = own.conversation(conversation_id)
        user = own.account.person(conversation)
        shown = {
            "postback": {"payload": str(fields.get("payload", "")), "metadata": {}},
            "source": dict(SOURCE),
        }
        if user is not None:
            shown["user"] = {"id": user.user_id, "authenticated": False}
        own.world.tell(conversation, "conversation:postback", shown)


def _remove(simulator: Simulator, conversation_id: str, _fields: Fields) -> None:
    own = _own(simulator)
    with own.change():
        conversation = own.conversation(conversation_id)
        own.world.tell(conversation, "conversation:remove", {})
        del own.account.conversations[conversation_id]


def _delivery_failure(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    own = _own(simulator)
    with own.change():
        conversation = own.conversation(conversation_id)
        said = conversation.messages
        if not said:
            raise DeskError(409, "No message is there to fail.")
        user = own.account.person(conversation)
        shown: dict[str, Any] = {
            "user": {"id": user.user_id if user else "", "authenticated": False},
            "message": {"id": fields.get("message_id") or said[-1].message_id},
            "destination": {"type": "web"},
            "externalMessages": [],
            "isFinalEvent": True,
            "error": {"code": "uncategorized_error", "message": "The channel refused it"},
        }
        own.world.tell(conversation, "conversation:message:delivery:failure", shown)


def _merge(simulator: Simulator, conversation_id: str, _fields: Fields) -> None:
    own = _own(simulator)
    with own.change():
        merge_user(own.world, own.conversation(conversation_id))


def _unknown_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    own = _own(simulator)
    with own.change():
        own.world.events.publish_raw({"type": "conversation:somethingNew", "payload": {"a": 1}})


def _malformed_event(simulator: Simulator, _fields: dict[str, Any]) -> None:
    own = _own(simulator)
    with own.change():
        own.world.events.publish_raw({"type": "conversation:message", "payload": {}})


def _replay_oldest(simulator: Simulator, fields: dict[str, Any]) -> None:
    """Post the oldest messages of each conversation's live agents again, ids and times too."""
    own = _own(simulator)
    with own.change():
        own.world.events.publish_oldest(int(fields.get("count", 5)))


def _wrong_secret(simulator: Simulator, fields: dict[str, Any]) -> None:
    _own(simulator).world.events.spoil_secrets(int(fields.get("count", 1)))


def _oversized_body(simulator: Simulator, _fields: dict[str, Any]) -> None:
    _own(simulator).world.events.post_oversized()


def _head_probe(simulator: Simulator, _fields: dict[str, Any]) -> None:
    _own(simulator).world.events.probe()


def _revoke_keys(simulator: Simulator, fields: dict[str, Any]) -> None:
    own = _own(simulator)
    with own.change():
        own.account.are_keys_revoked = bool(fields.get("is_revoked", True))


EXTRA_ACTIONS: dict[str, Action] = {
    "end": _end,
    "status": _status,
    "pass_back": _pass_back,
    "user_ends": _user_ends,
    "trigger": _trigger,
    "content": _content,
    "postback": _postback,
    "remove": _remove,
    "delivery_failure": _delivery_failure,
    "merge": _merge,
}
EXTRA_FAULTS: dict[str, Fault] = {
    "unknown_event": _unknown_event,
    "malformed_event": _malformed_event,
    "replay_oldest": _replay_oldest,
    "wrong_secret": _wrong_secret,
    "oversized_body": _oversized_body,
    "head_probe": _head_probe,
    "revoke_keys": _revoke_keys,
}
