"""The Interaction Service: what the operator of a channel may call, each as strict as its page."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from integrations.simulators.answers import AsciiJSONResponse
from integrations.simulators.records import file_of
from integrations.vendors.salesforce_byoc.simulator.world import (
    CHANNEL,
    DEFINITION,
    ORG_ID,
    ByocWorld,
    Conversation,
)

_MAX_FILE = 25 * 1024 * 1024
_END_USER_TYPES = ("StaticContentMessage", "ChoicesResponseMessage", "FormResponseMessage")
_TYPING = ("TypingStartedIndicator", "TypingStoppedIndicator")
_MAX_ATTRIBUTE = 1024
Call = Callable[[dict[str, Any]], dict[str, Any]]


class RefusedError(Exception):
    """A call is refused; carries what to answer."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.answer = refusal(status, code, message)


def refusal(status: int, code: int, message: str) -> Response:
    """Return a refusal of the Interaction Service."""
    return AsciiJSONResponse({"message": message, "code": code}, status_code=status)


class InteractionService:
    """What the operator of a channel may call; codes are those of ERRORCODES.md."""

    def __init__(self, world: ByocWorld) -> None:
        self._world = world

    def json_call(self, call: Call) -> Callable[[Request], Awaitable[Response]]:
        """Make an endpoint of a call with a JSON body, a GET's too."""

        async def endpoint(request: Request) -> Response:
            self._admit(request)
            body = _object(await request.body())
            with self._world.lock:
                answer = call(body)
            status = 202 if request.url.path.endswith(("/conversation", "/route")) else 200
            return AsciiJSONResponse(answer, status_code=status)

        return endpoint

    def _admit(self, request: Request) -> None:
        """Judge the headers that every call has."""
        switches, headers = self._world.switches, request.headers
        token = headers.get("Authorization", "").removeprefix("Bearer ")
        if token not in self._world.tokens:
            raise RefusedError(401, 10004, "The token is not valid.")
        if not switches.has_interaction_scope:
            raise RefusedError(403, 10003, "The token lacks the scope interaction_api.")
        if not switches.is_product_enabled:
            raise RefusedError(403, 10099, "The product is not enabled.")
        if headers.get("OrgId") != ORG_ID or not _is_uuid(headers.get("RequestId", "")):
            raise RefusedError(400, 10016, "A header is missing or wrong.")
        if headers.get("AuthorizationContext") != DEFINITION:
            raise RefusedError(400, 10001, "The AuthorizationContext is not known.")

    # -- Conversations ------------------------------------------------------------------------

    def establish(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the open conversation of an end user, or open one."""
        _known(body, {"channelAddressIdentifier", "participants"}, {"routingAttributes"})
        self._require_channel(body["channelAddressIdentifier"])
        people = body["participants"]
        if not isinstance(people, list) or len(people) != 1:
            raise RefusedError(400, 10036, "There is one participant.")
        person = people[0]
        if person.get("role") != "EndUser" or person.get("appType") != "custom":
            raise RefusedError(400, 10037, "The participant is an EndUser of appType custom.")
        attributes = self._attributes(body.get("routingAttributes", {}))
        one = self._world.establish(self._subject(person.get("subject")), attributes)
        return {
            "conversationIdentifier": one.conversation_id,
            "messagingSessionId": one.session_id,
            "success": True,
        }

    def route(self, body: dict[str, Any]) -> dict[str, Any]:
        """Route to a queue or a flow, where the partner owns routing."""
        _known(body, {"conversationIdentifier", "routingType", "routingInfo"})
        one = self._conversation(body["conversationIdentifier"])
        info = body["routingInfo"]
        flow = info.get("flow") or {}
        queue = info.get("queueId") or flow.get("queueId") or ""
        if self._world.switches.routing_owner != "Partner":
            raise RefusedError(400, 10024, "Salesforce owns the routing of this channel.")
        if bool(info.get("queueId")) == bool(flow):
            raise RefusedError(400, 10030, "routingInfo has a queue or a flow.")
        if body["routingType"] not in ("Initial", "Transfer", "Conference"):
            raise RefusedError(400, 10032, "routingType is not known.")
        if not re.fullmatch(r"(00G|300)\w{12,15}", queue or str(flow.get("flowId", ""))):
            raise RefusedError(400, 10030, "There is no such queue or flow.")
        self._world.route(one, queue, body["routingType"])
        return {"success": True, "psrId": "0JR8Y0000001QqQ", "workItemId": one.session_id}

    def agent_work(self, body: dict[str, Any]) -> dict[str, Any]:
        """Give a work item to a live agent, who accepts at once."""
        _known(body, {"userId", "workItemId"}, {"capacityWeight", "routingContext"})
        context = body.get("routingContext", {})
        one = self._conversation(context.get("conversationIdentifier"))
        if body["workItemId"] != one.session_id:
            raise RefusedError(400, 15110, "The work item is not known.")
        name = f"Agent {body['userId']}"
        one.agents[name] = body["userId"]
        one.status = "active"
        self._world.tell_participant(one, "add", name, body["userId"])
        return {"id": "0Bz8Y0000000001", "agentWorkId": "0Bz8Y0000000001", "success": True}

    def messaging_session(self, body: dict[str, Any]) -> dict[str, Any]:
        """End the session of an end user."""
        needed = {"channelAddressIdentifier", "endUserClientId", "conversationIdentifier"}
        _known(body, {*needed, "operation"}, {"operationBy", "sessionId"})
        if body["channelAddressIdentifier"] != CHANNEL:
            return {"success": False, "errorReason": "CHANNEL_ADDRESS_NOT_FOUND"}
        one = self._world.of_subject(body["endUserClientId"])
        if one is None:
            return {"success": False, "errorReason": "END_USER_NOT_FOUND"}
        if one.conversation_id != body["conversationIdentifier"] or one.status == "ended":
            return {"success": False, "errorReason": "ACTIVE_CONVERSATION_NOT_FOUND"}
        if body["operation"] != "End":
            raise RefusedError(400, 10071, "The operation is not known.")
        self._world.finish(one, body.get("operationBy", "EndUser"))
        return {"success": True}

    def acknowledge(self, body: dict[str, Any]) -> dict[str, Any]:
        """Take acknowledgements of the end user's."""
        _known(body, {"conversationIdentifier", "sender", "acknowledgements"})
        one = self._conversation(body["conversationIdentifier"])
        rows = body["acknowledgements"]
        if not isinstance(rows, list) or not 1 <= len(rows) <= 25:
            raise RefusedError(400, 10036, "There are 1 to 25 acknowledgements.")
        for row in rows:
            wanted = {"acknowledgementTimestamp", "acknowledgementType"}
            named = "acknowledgedConversationEntryIdentifier"
            _known(row, {*wanted, named, "acknowledgmentCreatedConversationEntryIdentifier"})
            if row["acknowledgementType"] not in ("Read", "Delivered"):
                raise RefusedError(400, 10045, "acknowledgementType is Read or Delivered.")
            for message in one.messages:
                is_meant = message["id"] == row[named]
                message["read"] |= is_meant and row["acknowledgementType"] == "Read"
        return {"success": True}

    def entries(self, body: dict[str, Any]) -> dict[str, Any]:
        """List entries of a conversation, oldest first."""
        _known(body, {"conversationIdentifier", "startTime"}, {"endTime", "limit", "direction"})
        one = self._conversation(body["conversationIdentifier"])
        limit = body.get("limit", 20)
        if not isinstance(limit, int) or not 1 <= limit <= 20:
            raise RefusedError(400, 10046, "limit is at most 20.")
        found = [one for one in one.entries if one["transcriptedTimestamp"] >= body["startTime"]]
        found = found[-limit:] if body.get("direction") == "FROM_END" else found[:limit]
        return {"conversationEntries": found}

    def capabilities(self, body: dict[str, Any]) -> dict[str, Any]:
        """Keep what the partner can draw."""
        _known(body, {"capabilities"})
        kept = body["capabilities"]
        channel = kept["channelCapabilities"][0]
        definition = channel["customIntegration"]["conversationChannelDefinitionDevName"]
        if kept.get("appType") != "custom" or definition != DEFINITION:
            raise RefusedError(400, 10001, "The definition is not known.")
        self._world.capabilities = kept
        return {"success": True}

    # -- Interactions -------------------------------------------------------------------------

    async def interactions(self, request: Request) -> Response:
        """Take one interaction of an end user's, with a file or without."""
        self._admit(request)
        form = await request.form()
        part = form.get("json")
        if part is None:
            raise RefusedError(400, 10016, "The part json is missing.")
        raw = await part.read() if isinstance(part, UploadFile) else part.encode()
        files = [one for one in form.getlist("attachments") if isinstance(one, UploadFile)]
        contents = [(one.filename or "file", one.content_type, await one.read()) for one in files]
        body = _object(raw)
        with self._world.lock:
            answer = self._interact(body, contents)
        return AsciiJSONResponse(answer, status_code=202)

    def _interact(self, body: dict[str, Any], files: list[Any]) -> dict[str, Any]:
        _known(body, {"to", "from", "interactions"}, {"routingAttributes"})
        self._require_channel(body["to"])
        if len(body["interactions"]) != 1:
            raise RefusedError(400, 10011, "There is one interaction.")
        interaction = body["interactions"][0]
        subject = self._subject(body["from"])
        if interaction.get("interactionType") == "AttachmentInteraction":
            one = self._take_file(subject, interaction, files)
        else:
            one = self._take_entry(subject, interaction)
        return {
            "id": str(uuid.uuid4()),
            "success": True,
            "conversationIdentifier": one.conversation_id,
            "workItemIds": [one.session_id],
        }

    def _take_entry(self, subject: str, interaction: dict[str, Any]) -> Conversation:
        _known(interaction, {"timestamp", "interactionType", "payload"})
        payload = interaction["payload"]
        kind = payload.get("entryType")
        if kind in _TYPING:
            _known(payload, {"id", "entryType", "timestamp"})
            one = self._world.establish(subject, {})
            one.is_typing = kind == _TYPING[0]
            return one
        _known(payload, {"id", "entryType", "abstractMessage"})
        message = payload["abstractMessage"]
        if not payload["id"] or not message.get("id"):
            raise RefusedError(400, 10059, "An id is empty.")
        if payload["id"] != message["id"]:
            raise RefusedError(400, 10060, "payload.id is not abstractMessage.id.")
        if kind != "Message" or message.get("messageType") not in _END_USER_TYPES:
            raise RefusedError(400, 10062, "An end user cannot send this.")
        one = self._new(subject, payload["id"])
        text, answer = self._read_message(one, message)
        one.is_typing = False
        self._keep(one, payload["id"], message, text, answer=answer)
        return one

    def _read_message(self, one: Conversation, message: dict[str, Any]) -> tuple[str, Any]:
        """Return what the desk shows; an answer must be to something that was offered."""
        if message["messageType"] == "StaticContentMessage":
            content = message.get("staticContent", {})
            if content.get("formatType") != "Text" or not content.get("text"):
                raise RefusedError(400, 10047, "The format cannot be sent.")
            return content["text"], None
        offer = one.offers.get(message.get("inReplyToMessageId", ""))
        if offer is None:
            raise RefusedError(400, 10062, "The answer is to nothing that was offered.")
        if message["messageType"] == "ChoicesResponseMessage":
            chosen = message["choicesResponse"]["selectedOptions"]
            if any(row["optionIdentifier"] not in offer for row in chosen):
                raise RefusedError(400, 10062, "The option was not offered.")
            label = ", ".join(row["optionTitle"]["title"] for row in chosen)
            return label, {"label": label, "identifiers": [r["optionIdentifier"] for r in chosen]}
        values = message["formResponse"]["inputValues"]
        if any(row["inputId"] not in offer for row in values):
            raise RefusedError(400, 10062, "The form has no such field.")
        title = message["formResponse"].get("formTitle", {}).get("title") or "Form"
        return title, {"label": title, "values": {row["inputId"]: row for row in values}}

    def _take_file(
        self, subject: str, interaction: dict[str, Any], files: list[Any]
    ) -> Conversation:
        wanted = {"timestamp", "interactionType", "id", "attachmentIndex", "contentLength"}
        _known(interaction, wanted, {"text"})
        if len(files) != 1:
            raise RefusedError(400, 10011, "There is one file.")
        name, mime_type, content = files[0]
        if len(content) != interaction["contentLength"]:
            raise RefusedError(400, 10051, "contentLength does not match.")
        if len(content) > _MAX_FILE:
            raise RefusedError(413, 10008, "The file is too large.")
        one = self._new(subject, interaction["id"])
        stored = self._world.files.add(file_of(name=name, mime_type=mime_type, content=content))
        shown = {"id": stored.file_id, "name": name, "mime_type": mime_type}
        shown["url"] = f"/_desk/files/{stored.file_id}"
        message = {
            "id": interaction["id"],
            "messageType": "StaticContentMessage",
            "staticContent": {"formatType": "Attachments", "attachments": [shown]},
        }
        self._keep(one, interaction["id"], message, "", attachments=[shown])
        return one

    def _new(self, subject: str, message_id: str) -> Conversation:
        """Return the conversation that a message goes to, unless it came before."""
        known = self._world.of_subject(subject)
        if known is not None and message_id in known.taken:
            raise RefusedError(400, 10073, "The id was used before.")
        one = self._world.establish(subject, known.attributes if known else {})
        one.taken.append(message_id)
        return one

    def _keep(
        self, one: Conversation, message_id: str, message: dict[str, Any], text: str, **more: Any
    ) -> None:
        person = {"role": "EndUser", "appType": "custom", "subject": one.subject}
        self._world.tell(
            one,
            "Message",
            {"abstractMessage": message, "messageReason": None},
            sender=person,
            name="Guest",
            identifier=message_id,
            is_published=False,  # a channel is not told what it has said itself
        )
        one.add("end_user", "Guest", text, id=message_id, **more)

    # -- Parts --------------------------------------------------------------------------------

    def _conversation(self, conversation_id: object) -> Conversation:
        if not isinstance(conversation_id, str) or conversation_id not in self._world.conversations:
            raise RefusedError(404, 10018, "The conversation is not known.")
        return self._world.conversations[conversation_id]

    def _require_channel(self, channel: object) -> None:
        if channel != CHANNEL:
            raise RefusedError(404, 10017, "The channel is not known.")
        if not self._world.switches.is_channel_active:
            raise RefusedError(400, 10031, "The channel is not active.")

    @staticmethod
    def _subject(subject: object) -> str:
        if not isinstance(subject, str) or not 0 < len(subject) <= 255:
            raise RefusedError(400, 10038, "The end user has no name, or one that is too long.")
        return subject

    @staticmethod
    def _attributes(given: object) -> dict[str, str]:
        if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
            raise RefusedError(400, 10096, "routingAttributes are texts.")
        if any(len(value) > _MAX_ATTRIBUTE for value in given.values()):
            raise RefusedError(400, 10096, "A routing attribute is too long.")
        return dict(given)


def _object(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except ValueError:
        raise RefusedError(400, 10016, "The body is not JSON.") from None
    if not isinstance(body, dict):
        raise RefusedError(400, 10016, "The body is no object.")
    return body


def _known(body: Mapping[str, Any], needed: set[str], optional: set[str] | None = None) -> None:
    if missing := needed - set(body):
        raise RefusedError(400, 10016, f"Missing: {', '.join(sorted(missing))}.")
    if extra := set(body) - needed - (optional or set()):
        raise RefusedError(400, 10016, f"Unknown: {', '.join(sorted(extra))}.")


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
