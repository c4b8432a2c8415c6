"""Desk actions and faults that only this vendor has, beside those all simulators share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from integrations.simulators.desk import Action, DeskError, Fault, Fields
from integrations.simulators.world_simulator import deed
from integrations.vendors.zendesk.simulator import agents as workspace
from integrations.vendors.zendesk.simulator import tickets
from integrations.vendors.zendesk.simulator.agents import WorkspaceAgents
from integrations.vendors.zendesk.simulator.answers import truncated_conversation, truncated_user
from integrations.vendors.zendesk.simulator.checks import check_content
from integrations.vendors.zendesk.simulator.messages import SOURCE
from integrations.vendors.zendesk.simulator.records import (
    TICKET_STATUSES,
    Conversation,
    User,
    new_id,
)
from integrations.vendors.zendesk.simulator.world import ZendeskWorld

if TYPE_CHECKING:
    from integrations.simulators.simulator import Simulator
    from integrations.vendors.zendesk.simulator.simulator import ZendeskSimulator

# Way of ending -> what it does, beside the end of the session.
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
            conversation = own.conversation(conversation_id)
            if how == "session":
                own.agents.end(conversation)
            else:
                workspace.move_to_email(own.world, conversation)


def _end(simulator: Simulator, conversation_id: str, fields: Fields) -> None:
    own = cast("ZendeskSimulator", simulator)
    own.live_agent_ends(conversation_id, how=str(fields.get("how", "session")))


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
            workspace.change_status(own.world, own.conversation(identifier), status)
        else:
            actor_id = ticket.assignee_id or ticket.submitter_id
            tickets.set_status(own.world, ticket, status, actor_id=actor_id)


def _content(agents: WorkspaceAgents, conversation: Conversation, fields: Fields) -> None:
    content = fields.get("content")
    wrong = check_content(content).titles
    if wrong or not isinstance(content, Mapping):
        raise DeskError(400, "; ".join(wrong))
    agent = agents.present(conversation, fields.get("agent_name"))
    agents.say_content(conversation, agent, content)


def _postback(agents: WorkspaceAgents, conversation: Conversation, fields: Fields) -> None:
    user = agents.world.person(conversation)
    shown = {
        "postback": {"payload": str(fields.get("payload", "")), "metadata": {}},
        "source": dict(SOURCE),
    }
    if user is not None:
        shown["user"] = {"id": user.user_id, "authenticated": False}
    agents.world.tell(conversation, "conversation:postback", shown)


def _remove(agents: WorkspaceAgents, conversation: Conversation, _fields: Fields) -> None:
    agents.world.tell(conversation, "conversation:remove", {})
    del agents.world.conversations[conversation.conversation_id]


def _delivery_failure(agents: WorkspaceAgents, conversation: Conversation, fields: Fields) -> None:
    said, user = conversation.messages, agents.world.person(conversation)
    if not said:
        raise DeskError(409, "No message is there to fail.")
    failed_id = fields.get("message_id") or said[-1].message_id
    for one in said:
        one.is_failed = one.is_failed or one.message_id == failed_id
    shown: dict[str, Any] = {
        "user": {"id": user.user_id if user else "", "authenticated": False},
        "message": {"id": failed_id},
        "destination": {"type": "web"},
        "externalMessages": [],
        "isFinalEvent": bool(fields.get("is_final", True)),
        "error": {"code": "uncategorized_error", "message": "The channel refused it"},
    }
    agents.world.tell(conversation, "conversation:message:delivery:failure", shown)


def _delete_last(agents: WorkspaceAgents, conversation: Conversation, _fields: Fields) -> None:
    """Take the newest message of the business back: the history keeps it without its words."""
    said = [one for one in conversation.messages if not one.is_from_user]
    if not said:
        raise DeskError(409, "No message is there to delete.")
    said[-1].is_deleted = True


def _merge_user(world: ZendeskWorld, conversation: Conversation, fields: Fields) -> None:
    """Merge the end user into one who came from elsewhere.

    The conversation is merged too and gets another id, unless it is `users_only`: then no
    conversation is named. With `is_quiet` it is told by no webhook.
    """
    is_users_only = bool(fields.get("users_only"))
    discarded_user = world.person(conversation)
    if discarded_user is None:
        return
    discarded = truncated_conversation(world, conversation)
    user = User(
        external_id=f"merged:{discarded_user.external_id}",
        profile=discarded_user.profile,
        metadata=discarded_user.metadata,
        signed_up_at=discarded_user.signed_up_at,
        zendesk_id=discarded_user.zendesk_id,
    )
    world.users[user.user_id] = user
    for one in conversation.participants:
        one.user_id = user.user_id
    for message in conversation.messages:
        if message.is_from_user:
            message.author["userId"] = user.user_id
    del world.users[discarded_user.user_id]
    if not is_users_only:
        del world.conversations[conversation.conversation_id]
        conversation.conversation_id = new_id()
        world.conversations[conversation.conversation_id] = conversation
    for number in conversation.ticket_ids:
        world.tickets[number].conversation_id = conversation.conversation_id
    surviving = truncated_conversation(world, conversation)

    users = {"surviving": truncated_user(user), "discarded": truncated_user(discarded_user)}
    merged: dict[str, object] = {"mergedUsers": users, "reason": "channelLinking"}
    if not is_users_only:
        merged["mergedConversations"] = {"surviving": surviving, "discarded": discarded}
    if not fields.get("is_quiet"):
        world.events.publish("user:merge", lambda _webhook: merged, conversation=conversation)


def _fault(act: Callable[[ZendeskWorld, Fields], object]) -> Fault:
    def fault(simulator: Simulator, fields: dict[str, Any]) -> None:
        own = cast("ZendeskSimulator", simulator)
        with own.change():
            act(own.world, fields)

    return fault


def _text(fields: Fields) -> str:
    return str(fields.get("text") or _TRIGGER_TEXT)


EXTRA_ACTIONS: dict[str, Action] = {
    "end": _end,
    "status": _status,
    "pass_back": deed(lambda agents, c, _fields: agents.pass_back(c)),
    "user_ends": deed(lambda agents, c, _fields: workspace.end_by_user(agents.world, c)),
    "trigger": deed(
        lambda agents, c, fields: workspace.respond_automatically(agents.world, c, _text(fields))
    ),
    "content": deed(_content),
    "postback": deed(_postback),
    "remove": deed(_remove),
    "delivery_failure": deed(_delivery_failure),
    "merge": deed(lambda agents, c, fields: _merge_user(agents.world, c, fields)),
    "delete": deed(_delete_last),
}
_UNKNOWN = {"type": "conversation:somethingNew", "payload": {"a": 1}}
_MALFORMED = {"type": "conversation:message", "payload": {}}
EXTRA_FAULTS: dict[str, Fault] = {
    "unknown_event": _fault(lambda world, _f: world.events.publish_raw(_UNKNOWN)),
    "malformed_event": _fault(lambda world, _f: world.events.publish_raw(_MALFORMED)),
    "replay_oldest": _fault(
        lambda world, fields: world.events.publish_oldest(int(fields.get("count", 5)))
    ),
    "wrong_secret": _fault(
        lambda world, fields: world.events.spoil_secrets(int(fields.get("count", 1)))
    ),
    "oversized_body": _fault(lambda world, _f: world.events.post_oversized()),
    "head_probe": _fault(lambda world, _f: world.events.probe()),
    "revoke_keys": _fault(
        lambda world, f: world.switches.change(are_keys_revoked=bool(f.get("is_revoked", True)))
    ),
}
