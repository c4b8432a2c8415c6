"""Messages of the end user and of the business, activity and attachments: what each does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from integrations.simulators.answers import endpoint
from integrations.simulators.records import file_of
from integrations.vendors.zendesk.simulator import checks, tickets
from integrations.vendors.zendesk.simulator.app import (
    APP,
    Answer,
    Endpoints,
    authenticate,
    created,
)
from integrations.vendors.zendesk.simulator.checks import VendorError
from integrations.vendors.zendesk.simulator.records import (
    Conversation,
    Message,
    User,
    new_id,
    time_text,
)
from integrations.vendors.zendesk.simulator.world import FILE_PATH, ZendeskWorld

SOURCE = {"type": "api:conversations"}
PAGE_SIZE = 100
CONVERSATION = APP + "/conversations/{conversation_id}"
MESSAGES = CONVERSATION + "/messages"


class MessageEndpoints(Endpoints):
    """Takes messages and files, and lists them."""

    @endpoint("POST", MESSAGES)
    def post_message(self, request: Request) -> Answer:
        """Add a message; there is no idempotency, a repeated call adds another."""
        body = self._body(request, checks.MESSAGE)
        message = self._added(self._conversation(request), body)
        return created({"messages": [message.shown()]})

    def _added(self, conversation: Conversation, body: Mapping[str, Any]) -> Message:
        """Add a message that came by API; a user's wakes whoever is to answer."""
        world = self._world
        user = _author(world, conversation, body["author"])
        if len(conversation.messages) >= world.switches.message_limit:
            raise VendorError(423, "The conversation holds too many messages")
        stored = world.file_at(body["content"].get("mediaUrl"))
        if stored and stored.conversation_id not in (None, conversation.conversation_id):
            raise VendorError(400, "mediaUrl belongs to another conversation")
        if user is not None and conversation.active is None:
            # Nobody is in control after a release: the next message goes to the default one.
            conversation.active = world.default_id
            conversation.ended_by = None
        kept = ("type", "displayName", "avatarUrl", "subtypes")
        given = {name: body["author"][name] for name in kept if body["author"].get(name)}
        author = given if user is None else {**given, "userId": user.user_id}
        more = {"source": dict(SOURCE), "metadata": body.get("metadata")}
        message = world.add_message(conversation, author, body["content"], **more)
        if user is not None and world.is_with_workspace(conversation):
            self._reach_workspace(conversation, message, user)
        return message

    def _reach_workspace(self, conversation: Conversation, message: Message, user: User) -> None:
        tickets.wake(self._world, conversation)
        ticket = tickets.open_ticket_of(self._world, conversation)
        if ticket is not None:
            conversation.ended_by = None
            actor_id = str(ticket.requester_id)
            actor = {"id": actor_id, "name": user.display_name, "type": "end_user"}
            self._world.ticket_events.message_added(ticket, actor, message)

    @endpoint("GET", MESSAGES)
    def list_messages(self, request: Request) -> Answer:
        """List 100 messages, the newest page first."""
        shown = [one.shown() for one in self._conversation(request).messages]
        return self._list(request, "messages", shown, size=PAGE_SIZE)

    @endpoint("DELETE", MESSAGES)
    def delete_messages(self, request: Request) -> Answer:
        """Remove all messages, which also unlocks a full conversation."""
        self._conversation(request).messages.clear()
        return {}

    @endpoint("DELETE", MESSAGES + "/{message_id}")
    def delete_message(self, request: Request) -> Answer:
        """Remove one message."""
        conversation = self._conversation(request)
        wanted = request.path_params["message_id"]
        found = [one for one in conversation.messages if one.message_id == wanted]
        if not found:
            raise VendorError(404, "Message not found")
        conversation.messages.remove(found[0])
        return {}

    @endpoint("POST", CONVERSATION + "/activity")
    def post_activity(self, request: Request) -> Answer:
        """Tell of typing or reading."""
        body = self._body(request, checks.ACTIVITY)
        conversation = self._conversation(request)
        user = _author(self._world, conversation, body["author"])
        if body["type"] == "conversation:read":
            self._mark_read(conversation, user)
        author = {"type": "business"} if user is None else {"type": "user", "userId": user.user_id}
        self._world.tell_activity(conversation, body["type"], author, dict(SOURCE))
        return {}

    def _mark_read(self, conversation: Conversation, user: User | None) -> None:
        at = time_text(self._world.now_ms())
        if user is None:
            conversation.business_last_read = at
        for participant in conversation.participants:
            if user is not None and participant.user_id == user.user_id:
                participant.last_read = at
        for message in conversation.messages:
            message.is_read = message.is_read or message.is_from_user == (user is None)

    # -- Files --------------------------------------------------------------------------------

    @endpoint("POST", APP + "/attachments")
    async def upload_attachment(self, request: Request) -> Answer:
        """Keep a file; `for=message` ties it to the conversation."""
        source = await self._source(request)
        content, mime_type = await source.read(), source.content_type or "application/octet-stream"
        with self._simulator.change():
            conversation_id = self._upload_target(request)
            if len(content) > self._world.switches.upload_limit:
                raise VendorError(413, "The file is too large")
            name = source.filename or "file"
            given = file_of(name=name, mime_type=mime_type, content=content, file_id=new_id())
            stored = self._world.keep_file(given, conversation_id)
            shown = {"mediaUrl": self._world.file_url(stored), "mediaType": mime_type}
            return created({"attachment": shown})

    async def _source(self, request: Request) -> UploadFile:
        self._caller(request)
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise VendorError(415, "Content-Type must be multipart/form-data")
        try:
            source = (await request.form()).get("source")
        except HTTPException as error:
            raise VendorError(400, "The multipart body does not parse") from error
        if not isinstance(source, UploadFile):
            raise VendorError(400, "source is required")
        return source

    def _upload_target(self, request: Request) -> str | None:
        query = request.query_params
        conversation_id = query.get("conversationId")
        if query.get("access") != "public":
            raise VendorError(400, "access must be public")
        if query.get("for") is None:
            return None
        if query["for"] != "message" or not conversation_id:
            raise VendorError(400, "for must be message, which needs a conversationId")
        if conversation_id not in self._world.conversations:
            raise VendorError(404, "Conversation not found", code="conversation_not_found")
        return conversation_id

    @endpoint("POST", APP + "/attachments/remove")
    def remove_attachment(self, request: Request) -> Answer:
        """Remove a file by its address."""
        stored = self._world.file_at(self._body(request, checks.REMOVED_FILE)["mediaUrl"])
        if stored is None:
            raise VendorError(404, "Attachment not found")
        del self._world.files[stored.file_id]
        return {}

    @endpoint("GET", FILE_PATH)
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

    @endpoint("GET", "/sc/storage/{path:path}")
    def stored_media(self, request: Request) -> Answer:
        """Return a file from the storage, where nobody's key belongs and a slash stays encoded."""
        file_id, slash, _ = request.scope["raw_path"].decode().rpartition("/")[2].partition("%2F")
        stored = self._world.files.get(file_id)
        if not slash or stored is None:
            raise VendorError(404, "Attachment not found")
        if request.headers.get("authorization"):
            raise VendorError(400, "The storage takes no key")
        return Response(stored.content, media_type=stored.mime_type)


def find_user(world: ZendeskWorld, reference: Mapping[str, Any]) -> User:
    """Return the user an object names by one of its ids."""
    by_id, external_id = reference.get("userId"), reference.get("userExternalId")
    for user in world.users.values():
        if user.user_id == by_id or (by_id is None and user.external_id == external_id):
            return user
    raise VendorError(404, "User not found", code="user_not_found")


def _author(
    world: ZendeskWorld, conversation: Conversation, author: Mapping[str, Any]
) -> User | None:
    """Return the end user an author names, None for the business."""
    if author["type"] != "user":
        return None
    user = find_user(world, author)
    if user.user_id not in [one.user_id for one in conversation.participants]:
        raise VendorError(400, "The author is not a participant of the conversation")
    return user
