"""What the portal's side says: messages of the end user and of the business, and receipts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from integrations.vendors.zendesk.simulator import tickets, workspace
from integrations.vendors.zendesk.simulator.checks import VendorError
from integrations.vendors.zendesk.simulator.state import Conversation, Message, User, time_text
from integrations.vendors.zendesk.simulator.world import World

SOURCE = {"type": "api:conversations"}
PAGE_SIZE = 100


def find_author(world: World, conversation: Conversation, author: Mapping[str, Any]) -> User | None:
    """Return the end user an author names, None for the business."""
    if author["type"] != "user":
        return None
    user = find_user(world, author)
    if user not in [world.account.users.get(one.user_id) for one in conversation.participants]:
        raise VendorError(400, "The author is not a participant of the conversation")
    return user


def find_user(world: World, reference: Mapping[str, Any]) -> User:
    """Return the user an object names by one of its ids."""
    if reference.get("userId") is not None:
        user = world.account.users.get(reference["userId"])
    else:
        wanted = reference.get("userExternalId")
        found = (one for one in world.account.users.values() if one.external_id == wanted)
        user = next(found, None)
    if user is None:
        raise VendorError(404, "User not found", code="user_not_found")
    return user


def post_message(world: World, conversation: Conversation, body: Mapping[str, Any]) -> Message:
    """Add a message that came by API; a user's wakes whoever is to answer."""
    account = world.account
    user = find_author(world, conversation, body["author"])
    if len(conversation.messages) >= account.switches.message_limit:
        raise VendorError(423, "The conversation holds too many messages")
    _check_media(world, conversation, body["content"])
    if user is not None and conversation.active is None:
        # Nobody is in control after a release: the next message goes to the default integration.
        conversation.active = account.default_id
        conversation.ended_by = None
    message = Message(
        received_ms=account.now_ms(),
        order=conversation.next_order(),
        author=_author(body["author"], user),
        content=dict(body["content"]),
        source=dict(SOURCE),
        metadata=body.get("metadata"),
    )
    world.add_message(conversation, message)
    if user is not None and account.is_with_workspace(conversation):
        _reach_workspace(world, conversation, message, user)
    return message


def _reach_workspace(
    world: World, conversation: Conversation, message: Message, user: User
) -> None:
    tickets.wake(world, conversation)
    ticket = tickets.open_ticket_of(world, conversation)
    if ticket is None:
        return
    conversation.ended_by = None
    actor = {"id": str(ticket.requester_id), "name": user.display_name, "type": "end_user"}
    body = str(message.content.get("text") or message.content.get("altText") or "")
    said = {"id": message.message_id, "body": body}
    world.ticket_events.message_added(ticket, actor, said)


def greet(world: World, conversation: Conversation) -> None:
    """Let the account's trigger answer a conversation that has just reached Agent Workspace."""
    text = world.account.switches.auto_response
    if text and tickets.open_ticket_of(world, conversation):
        workspace.respond_automatically(world, conversation, text)


def _author(given: Mapping[str, Any], user: User | None) -> dict[str, Any]:
    shown = {
        name: given[name]
        for name in ("type", "displayName", "avatarUrl", "subtypes")
        if given.get(name) is not None
    }
    return shown if user is None else {**shown, "userId": user.user_id}


def _check_media(world: World, conversation: Conversation, content: Mapping[str, Any]) -> None:
    """Refuse a file of another conversation, as Zendesk does."""
    url = content.get("mediaUrl")
    for stored in world.account.files.values():
        if url == world.account.file_url(stored) and stored.conversation_id not in (
            None,
            conversation.conversation_id,
        ):
            raise VendorError(400, "mediaUrl belongs to another conversation")


def post_activity(world: World, conversation: Conversation, body: Mapping[str, Any]) -> None:
    """Tell of typing or reading that came by API."""
    user = find_author(world, conversation, body["author"])
    kind = str(body["type"])
    if kind == "conversation:read":
        _mark_read(world, conversation, user)
    author = {"type": "business"} if user is None else {"type": "user", "userId": user.user_id}
    world.tell_activity(conversation, kind, author, dict(SOURCE))


def _mark_read(world: World, conversation: Conversation, user: User | None) -> None:
    at = time_text(world.account.now_ms())
    if user is None:
        conversation.business_last_read = at
    for participant in conversation.participants:
        if user is not None and participant.user_id == user.user_id:
            participant.last_read = at
    for message in conversation.messages:
        message.is_read = message.is_read or message.is_from_user == (user is None)


def message_page(
    conversation: Conversation, query: Mapping[str, str]
) -> tuple[list[Message], bool]:
    """Return 100 messages, the newest without a cursor, and whether there are more."""
    before, after = query.get("page[before]"), query.get("page[after]")
    if before and after:
        raise VendorError(400, "page[before] and page[after] exclude each other")
    ids = [one.message_id for one in conversation.messages]
    if (before or after) and (before or after) not in ids:
        raise VendorError(400, "The cursor is not known")
    if after:
        start = ids.index(after) + 1
        page = conversation.messages[start : start + PAGE_SIZE]
        return page, start + PAGE_SIZE < len(ids)
    end = ids.index(before) if before else len(ids)
    start = max(0, end - PAGE_SIZE)
    return conversation.messages[start:end], start > 0
