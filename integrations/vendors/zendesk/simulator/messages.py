"""Messages of the end user and of the business, activity and attachments: what each does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from integrations.simulators.records import file_of
from integrations.vendors.zendesk.simulator import agents, checks, tickets
from integrations.vendors.zendesk.simulator.answers import list_answer, message_answer
from integrations.vendors.zendesk.simulator.checks import Form, VendorError
from integrations.vendors.zendesk.simulator.records import (
    Conversation,
    Message,
    User,
    new_id,
    time_text,
)
from integrations.vendors.zendesk.simulator.requests import Answer, Endpoints, authenticate, created
from integrations.vendors.zendesk.simulator.world import ZendeskWorld

SOURCE = {"type": "api:conversations"}
PAGE_SIZE = 100


class MessageEndpoints(Endpoints):
    """Takes messages and files, and lists them."""

    def post_message(self, request: Request) -> Answer:
        """Add a message; there is no idempotency, a repeated call adds another."""
        body = self._body(request)
        conversation = self._conversation(request)
        checks.check_message(body)
        had_ticket = conversation.ticket_id
        message = add_message(self._world, conversation, body)
        if conversation.ticket_id != had_ticket:
            greet(self._world, conversation)
        return created({"messages": [message_answer(message)]})

    def list_messages(self, request: Request) -> Answer:
        """List 100 messages, the newest page first."""
        conversation = self._conversation(request)
        page, has_more = message_page(conversation, request.query_params)
        shown = [message_answer(one) for one in page]
        url = str(request.url.replace(query=""))
        return list_answer("messages", shown, url=url, has_more=has_more)

    def delete_messages(self, request: Request) -> Answer:
        """Remove all messages, which also unlocks a full conversation."""
        self._conversation(request).messages.clear()
        return {}

    def delete_message(self, request: Request) -> Answer:
        """Remove one message."""
        conversation = self._conversation(request)
        wanted = request.path_params["message_id"]
        found = [one for one in conversation.messages if one.message_id == wanted]
        if not found:
            raise VendorError(404, "Message not found")
        conversation.messages.remove(found[0])
        return {}

    def post_activity(self, request: Request) -> Answer:
        """Take typing or reading."""
        body = self._body(request)
        conversation = self._conversation(request)
        checks.check_activity(body)
        add_activity(self._world, conversation, body)
        return {}

    async def upload_attachment(self, request: Request) -> Response:
        """Keep a file; `for=message` ties it to the conversation."""
        name, mime_type, content = await self._source(request)
        with self._simulator.change():
            conversation_id = self._upload_target(request)
            if len(content) > self._world.switches.upload_limit:
                raise VendorError(413, "The file is too large")
            given = file_of(name=name, mime_type=mime_type, content=content, file_id=new_id())
            stored = self._world.keep_file(given, conversation_id)
            shown = {"mediaUrl": self._world.file_url(stored), "mediaType": mime_type}
            return created({"attachment": shown})

    async def _source(self, request: Request) -> tuple[str, str, bytes]:
        self._caller(request)
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise VendorError(415, "Content-Type must be multipart/form-data")
        try:
            form = await request.form()
        except HTTPException as error:
            raise VendorError(400, "The multipart body does not parse") from error
        source = form.get("source")
        if not isinstance(source, UploadFile):
            raise VendorError(400, "source is required")
        mime_type = source.content_type or "application/octet-stream"
        return source.filename or "file", mime_type, await source.read()

    def _upload_target(self, request: Request) -> str | None:
        query = request.query_params
        if query.get("access") != "public":
            raise VendorError(400, "access must be public")
        if query.get("for") is None:
            return None
        if query["for"] != "message":
            raise VendorError(400, "for must be message")
        conversation_id = query.get("conversationId")
        if not conversation_id:
            raise VendorError(400, "conversationId is required when for is message")
        if conversation_id not in self._world.conversations:
            raise VendorError(404, "Conversation not found", code="conversation_not_found")
        return conversation_id

    def remove_attachment(self, request: Request) -> Answer:
        """Remove a file by its address."""
        body = self._body(request)
        form = Form(body)
        form.text("mediaUrl", 2048, is_required=True)
        form.done()
        stored = self._world.file_at(body["mediaUrl"])
        if stored is None:
            raise VendorError(404, "Attachment not found")
        del self._world.files[stored.file_id]
        return {}

    def media(self, request: Request) -> Answer:
        """Return a file; where attachments are private, to a good key only."""
        if self._world.switches.private_attachments:
            authenticate(self._world, request.headers.get("authorization", ""))
        stored = self._world.files.get(request.path_params["file_id"])
        if stored is None:
            raise VendorError(404, "Attachment not found")
        if self._world.switches.redirected_attachments:
            stored_at = f"{self._world.root_url()}/sc/storage/{stored.file_id}%2Foriginal"
            return Response(status_code=302, headers={"Location": stored_at})
        return Response(stored.content, media_type=stored.mime_type)

    def stored_media(self, request: Request) -> Answer:
        """Return a file from the storage, where nobody's key belongs and a slash stays encoded."""
        file_id, slash, _ = request.scope["raw_path"].decode().rpartition("/")[2].partition("%2F")
        stored = self._world.files.get(file_id)
        if not slash or stored is None:
            raise VendorError(404, "Attachment not found")
        if request.headers.get("authorization"):
            raise VendorError(400, "The storage takes no key")
        return Response(stored.content, media_type=stored.mime_type)


def find_author(
    world: ZendeskWorld, conversation: Conversation, author: Mapping[str, Any]
) -> User | None:
    """Return the end user an author names, None for the business."""
    if author["type"] != "user":
        return None
    user = find_user(world, author)
    if user not in [world.users.get(one.user_id) for one in conversation.participants]:
        raise VendorError(400, "The author is not a participant of the conversation")
    return user


def find_user(world: ZendeskWorld, reference: Mapping[str, Any]) -> User:
    """Return the user an object names by one of its ids."""
    if reference.get("userId") is not None:
        user = world.users.get(reference["userId"])
    else:
        wanted = reference.get("userExternalId")
        found = (one for one in world.users.values() if one.external_id == wanted)
        user = next(found, None)
    if user is None:
        raise VendorError(404, "User not found", code="user_not_found")
    return user


def add_message(
    world: ZendeskWorld, conversation: Conversation, body: Mapping[str, Any]
) -> Message:
    """Add a message that came by API; a user's wakes whoever is to answer."""
    user = find_author(world, conversation, body["author"])
    if len(conversation.messages) >= world.switches.message_limit:
        raise VendorError(423, "The conversation holds too many messages")
    _check_media(world, conversation, body["content"])
    if user is not None and conversation.active is None:
        # Nobody is in control after a release: the next message goes to the default integration.
        conversation.active = world.default_id
        conversation.ended_by = None
    message = Message(
        received_ms=world.now_ms(),
        order=conversation.next_order(),
        author=_author(body["author"], user),
        content=dict(body["content"]),
        source=dict(SOURCE),
        metadata=body.get("metadata"),
    )
    world.add_message(conversation, message)
    if user is not None and world.is_with_workspace(conversation):
        _reach_workspace(world, conversation, message, user)
    return message


def _reach_workspace(
    world: ZendeskWorld, conversation: Conversation, message: Message, user: User
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


def greet(world: ZendeskWorld, conversation: Conversation) -> None:
    """Let the account's trigger answer a conversation that has just reached Agent Workspace."""
    text = world.switches.auto_response
    if text and tickets.open_ticket_of(world, conversation):
        agents.respond_automatically(world, conversation, text)


def _author(given: Mapping[str, Any], user: User | None) -> dict[str, Any]:
    shown = {
        name: given[name]
        for name in ("type", "displayName", "avatarUrl", "subtypes")
        if given.get(name) is not None
    }
    return shown if user is None else {**shown, "userId": user.user_id}


def _check_media(
    world: ZendeskWorld, conversation: Conversation, content: Mapping[str, Any]
) -> None:
    """Refuse a file of another conversation, as Zendesk does."""
    stored = world.file_at(content.get("mediaUrl"))
    if stored and stored.conversation_id not in (None, conversation.conversation_id):
        raise VendorError(400, "mediaUrl belongs to another conversation")


def add_activity(world: ZendeskWorld, conversation: Conversation, body: Mapping[str, Any]) -> None:
    """Tell of typing or reading that came by API."""
    user = find_author(world, conversation, body["author"])
    kind = str(body["type"])
    if kind == "conversation:read":
        _mark_read(world, conversation, user)
    author = {"type": "business"} if user is None else {"type": "user", "userId": user.user_id}
    world.tell_activity(conversation, kind, author, dict(SOURCE))


def _mark_read(world: ZendeskWorld, conversation: Conversation, user: User | None) -> None:
    at = time_text(world.now_ms())
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
