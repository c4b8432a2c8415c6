"""Desk actions and faults that only this vendor has, beside those all simulators share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from integrations.simulators.desk import Action, DeskError, Fault, Fields
from integrations.simulators.world_simulator import deed
from integrations.vendors.zendesk.simulator.agents import WorkspaceAgents
from integrations.vendors.zendesk.simulator.checks import content_problems
from integrations.vendors.zendesk.simulator.messages import SOURCE
from integrations.vendors.zendesk.simulator.records import TICKET_STATUSES, Conversation, new_id
from integrations.vendors.zendesk.simulator.switchboard import set_status
from integrations.vendors.zendesk.simulator.world import ZendeskWorld

if TYPE_CHECKING:
    from integrations.simulators.simulator import Simulator
    from integrations.vendors.zendesk.simulator.simulator import ZendeskSimulator

# Way of ending -> the ticket's status, where it is one.
_STATUS_OF = {"solve": "SOLVED", "close": "CLOSED"}
ENDINGS = ("session", "email", *_STATUS_OF)
_TRIGGER_TEXT = "All our agents are busy. Thank you for waiting."


def end(own: ZendeskSimulator, conversation_id: str, how: str) -> None:
    """End a conversation in one of the ways Agent Workspace has; a ticket by API is solved."""
    if how not in ENDINGS:
        raise DeskError(400, f"how is one of {', '.join(ENDINGS)}.")
    if own.world.ticket_by_api(conversation_id) is not None:
        _set_status(own, conversation_id, "SOLVED")
    elif how in _STATUS_OF:
        _set_status(own, conversation_id, _STATUS_OF[how])
    else:
        with own.change():
            act = own.agents.end if how == "session" else own.agents.move_to_email
            act(own.conversation(conversation_id))


def _end(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    end(cast("ZendeskSimulator", simulator), conversation_id, str(fields.get("how", "session")))


def _status(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    status = str(fields.get("status", "")).upper()
    if status not in TICKET_STATUSES:
        raise DeskError(400, f"status is one of {', '.join(TICKET_STATUSES)}.")
    _set_status(cast("ZendeskSimulator", simulator), conversation_id, status)


def _set_status(own: ZendeskSimulator, identifier: str, status: str) -> None:
    """Set the status of a conversation's ticket, or of a ticket that came by API."""
    with own.change():
        ticket = own.world.ticket_by_api(identifier)
        if ticket is None:
            own.agents.change_status(own.conversation(identifier), status)
        else:
            actor_id = ticket.assignee_id or ticket.submitter_id
            set_status(own.world, ticket, status, actor_id=actor_id)


def _content(agents: WorkspaceAgents, conversation: Conversation, fields: Fields) -> None:
    content: Any = fields.get("content")
    if wrong := content_problems(content):
        raise DeskError(400, "; ".join(wrong))
    agent = agents.present(conversation, fields.get("agent_name"))
    agents.say_content(conversation, agent, content)


def _postback(agents: WorkspaceAgents, conversation: Conversation, fields: Fields) -> None:
    postback = {"payload": str(fields.get("payload", "")), "metadata": {}}
    user = agents.world.person(conversation)
    shown = {"postback": postback, "source": dict(SOURCE), "user": user}
    agents.world.tell(conversation, "conversation:postback", shown)


def _remove(agents: WorkspaceAgents, conversation: Conversation, _fields: Fields) -> None:
    agents.world.tell(conversation, "conversation:remove", {})
    del agents.world.conversations[conversation.conversation_id]


def _delivery_failure(agents: WorkspaceAgents, conversation: Conversation, fields: Fields) -> None:
    said = conversation.messages
    if not said:
        raise DeskError(409, "No message is there to fail.")
    failed_id = fields.get("message_id") or said[-1].message_id
    for one in said:
        one.is_failed = one.is_failed or one.message_id == failed_id
    shown: dict[str, Any] = {
        "user": agents.world.person(conversation),
        "message": {"id": failed_id},
        "destination": {"type": "web"},
        "externalMessages": [],
        "isFinalEvent": bool(fields.get("is_final", True)),
        "error": {"code": "uncategorized_error", "message": "The channel refused it"},
    }
    agents.world.tell(conversation, "conversation:message:delivery:failure", shown)


def _delete_last(_agents: WorkspaceAgents, conversation: Conversation, _fields: Fields) -> None:
    """Take the newest message of the business back: the history keeps it without its words."""
    said = [one for one in conversation.messages if not one.is_from_user]
    if not said:
        raise DeskError(409, "No message is there to delete.")
    said[-1].is_deleted = True


def _merge(agents: WorkspaceAgents, conversation: Conversation, fields: Fields) -> None:
    """Merge the end user into one who came from elsewhere.

    The conversation is merged too and gets another id, unless it is `users_only`: then no
    conversation is named. With `is_quiet` it is told by no webhook.
    """
    world, gone = agents.world, agents.world.person(conversation)
    if gone is None:
        return
    discarded = world.truncated(conversation)
    user = world.users.add(
        replace(gone, user_id=new_id(), external_id=f"merged:{gone.external_id}")
    )
    del world.users[gone.user_id]
    for one in conversation.participants:
        one.user_id = user.user_id
    for message in conversation.messages:
        if message.is_from_user:
            message.author["userId"] = user.user_id
    users = {"surviving": user, "discarded": gone}
    merged: dict[str, Any] = {"mergedUsers": users, "reason": "channelLinking"}
    if not fields.get("users_only"):
        _rename(world, conversation)
        surviving = world.truncated(conversation)
        merged["mergedConversations"] = {"surviving": surviving, "discarded": discarded}
    if not fields.get("is_quiet"):
        world.events.publish("user:merge", merged, conversation=conversation)


def _rename(world: ZendeskWorld, conversation: Conversation) -> None:
    del world.conversations[conversation.conversation_id]
    conversation.conversation_id = new_id()
    world.conversations.add(conversation)
    for number in conversation.ticket_ids:
        world.tickets[number].conversation_id = conversation.conversation_id


def _fault(act: Callable[[ZendeskWorld, Fields], object]) -> Fault:
    def fault(simulator: Simulator, fields: dict[str, Any]) -> None:
        own = cast("ZendeskSimulator", simulator)
        with own.change():
            act(own.world, fields)

    return fault


def _text(fields: Fields) -> str:
    return str(fields.get("text") or _TRIGGER_TEXT)


EXTRA_ACTIONS: Mapping[str, Action] = {
    "end": _end,
    "status": _status,
    "pass_back": deed(lambda agents, c, _fields: agents.pass_back(c)),
    "user_ends": deed(lambda agents, c, _fields: agents.end_by_user(c)),
    "trigger": deed(lambda agents, c, fields: agents.respond_automatically(c, _text(fields))),
    "content": deed(_content),
    "postback": deed(_postback),
    "remove": deed(_remove),
    "delivery_failure": deed(_delivery_failure),
    "merge": deed(_merge),
    "delete": deed(_delete_last),
}
_UNKNOWN = {"type": "conversation:somethingNew", "payload": {"a": 1}}
_MALFORMED = {"type": "conversation:message", "payload": {}}


def _spoil_secrets(world: ZendeskWorld, fields: Fields) -> None:
    world.events.wrong_secrets += int(fields.get("count", 1))


EXTRA_FAULTS: Mapping[str, Fault] = {
    "unknown_event": _fault(lambda world, _f: world.events.publish_raw(_UNKNOWN)),
    "malformed_event": _fault(lambda world, _f: world.events.publish_raw(_MALFORMED)),
    "replay_oldest": _fault(
        lambda world, fields: world.events.publish_oldest(int(fields.get("count", 5)))
    ),
    "wrong_secret": _fault(_spoil_secrets),
    "oversized_body": _fault(lambda world, _f: world.events.post_oversized()),
    "head_probe": _fault(lambda world, _f: world.events.probe()),
    "revoke_keys": _fault(
        lambda world, f: world.switches.change(are_keys_revoked=bool(f.get("is_revoked", True)))
    ),
}
