"""The simulated ticketing API: users, groups, tickets, comments, the conversation log.

Imitates developer.zendesk.com/api-reference/ticketing; authentication is "email/token" with an
API token.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from integrations.simulators.answers import AsciiJSONResponse
from integrations.simulators.simulator import Simulator
from integrations.vendors.zendesk.simulator import agents, tickets
from integrations.vendors.zendesk.simulator.records import (
    TICKET_STATUSES,
    Conversation,
    Message,
    Person,
    Ticket,
    time_text,
)
from integrations.vendors.zendesk.simulator.requests import Answer
from integrations.vendors.zendesk.simulator.world import ZendeskWorld

PRIORITIES = ("urgent", "high", "normal", "low")
SETTABLE = ("NEW", "OPEN", "PENDING", "HOLD", "SOLVED", "CLOSED")


class TicketRefusedError(Exception):
    """The ticketing API refuses a request; its text is the answer's JSON."""

    def __init__(
        self,
        status: int,
        error: str,
        description: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        body: dict[str, Any] = {"error": error}
        if description:
            body["description"] = description
        if details:
            body["details"] = dict(details)
        super().__init__(json.dumps(body))
        self.status = status

    @classmethod
    def invalid(cls, name: str, description: str) -> TicketRefusedError:
        """Return the refusal of one field."""
        details = {name: [{"description": description}]}
        return cls(422, "RecordInvalid", "Record validation errors", details)


class TicketEndpoints:
    """Reads and writes tickets as the one Support user whose token is known."""

    def __init__(self, simulator: Simulator, world: ZendeskWorld) -> None:
        self._simulator = simulator
        self._world = world
        self._world = world

    def get_me(self, request: Request) -> Answer:
        """Return the user behind the token."""
        return self._user_answer(self._caller(request))

    def get_user(self, request: Request) -> Answer:
        """Return an agent or requester."""
        self._caller(request)
        return self._user_answer(request.path_params["user_id"])

    def _user_answer(self, identifier: int) -> Answer:
        person = self._world.people.get(identifier)
        if person is None:
            raise TicketRefusedError(404, "RecordNotFound", "Not found")
        return {"user": _user_json(person)}

    def get_group(self, request: Request) -> Answer:
        """Return a group."""
        self._caller(request)
        group = self._world.group(request.path_params["group_id"])
        if group is None:
            raise TicketRefusedError(404, "RecordNotFound", "Not found")
        shown = {"id": group.group_id, "name": group.name, "deleted": False}
        return {"group": shown}

    def list_tickets(self, request: Request) -> Answer:
        """List tickets, those with an external id where one is asked for."""
        self._caller(request)
        wanted = request.query_params.get("external_id")
        found = [
            one
            for one in self._world.tickets.values()
            if wanted is None or one.external_id == wanted
        ]
        shown = [_ticket_answer(one) for one in found]
        return {"tickets": shown, "count": len(shown)}

    def create_ticket(self, request: Request) -> Answer:
        """Create a ticket for a requester, who is made where they are new."""
        caller, given = self._given(request)
        _check_new(given)
        self._check_group(given)
        ticket = self._new(given, caller)
        answer = {"ticket": _ticket_answer(ticket)}
        location = f"{self._world.root_url()}/api/v2/tickets/{ticket.ticket_id}.json"
        return AsciiJSONResponse(answer, status_code=201, headers={"Location": location})

    def _new(self, given: Mapping[str, Any], caller: int) -> Ticket:
        comment = given.get("comment") or {"body": given.get("description")}
        ticket = tickets.new_ticket(
            self._world,
            subject=str(given.get("subject") or comment["body"][:80]),
            description=str(comment["body"]),
            status=str(given.get("status", "new")).upper(),
            priority=given.get("priority"),
            tags=sorted(set(given.get("tags") or [])),
            custom_fields=_custom_fields(given),
            requester_id=self._requester(given.get("requester"), caller),
            submitter_id=caller,
            group_id=given.get("group_id") or self._world.group_id(self._world.switches.queue),
            form_id=given.get("ticket_form_id") or 11,
            external_id=given.get("external_id"),
            via="api",
        )
        ticket.comments.append(self._comment(comment, ticket.requester_id))
        return ticket

    def get_ticket(self, request: Request) -> Answer:
        """Return a ticket."""
        self._caller(request)
        return {"ticket": _ticket_answer(self._ticket(request))}

    def update_ticket(self, request: Request) -> Answer:
        """Change a ticket; a closed one takes no change."""
        caller, given = self._given(request)
        ticket = self._ticket(request)
        _check_change(given)
        self._check_group(given)
        if ticket.status == "CLOSED":
            raise TicketRefusedError.invalid("status", "Status: closed prevents ticket update")
        self._change(ticket, given, caller)
        return {"ticket": _ticket_answer(ticket)}

    def _change(self, ticket: Ticket, given: Mapping[str, Any], caller: int) -> None:
        for name in ("subject", "priority", "external_id", "group_id"):
            if name in given:
                setattr(ticket, name, given[name])
        if "tags" in given:
            ticket.tags = sorted(set(given["tags"]))
        ticket.custom_fields |= _custom_fields(given)
        if given.get("comment"):
            ticket.comments.append(self._comment(given["comment"], caller))
        if "assignee_id" in given:
            tickets.assign(self._world, ticket, given["assignee_id"], actor_id=caller)
        if "status" in given:
            self._set_status(ticket, given["status"].upper(), caller)
        ticket.updated_ms = self._world.now_ms()

    def _set_status(self, ticket: Ticket, status: str, caller: int) -> None:
        tickets.set_status(self._world, ticket, status, actor_id=caller)
        conversation = self._conversation(ticket)
        if conversation is None or not self._world.is_with_workspace(conversation):
            return
        if status == "CLOSED":
            agents.leave_workspace(self._world, conversation, "ticket:closed", "ticketClosed")

    def list_comments(self, request: Request) -> Answer:
        """List a ticket's comments."""
        self._caller(request)
        found = self._ticket(request).comments
        return {"comments": found, "count": len(found)}

    def add_tags(self, request: Request) -> Answer:
        """Add tags to a ticket."""
        self._caller(request)
        given = _parsed(request.state.raw)
        ticket = self._ticket(request)
        _check_tags(given)
        ticket.tags = sorted({*ticket.tags, *given["tags"]})
        return {"tags": ticket.tags}

    def get_conversation_log(self, request: Request) -> Answer:
        """Tell which Conversations messages belong to a messaging ticket."""
        self._caller(request)
        conversation = self._conversation(self._ticket(request))
        found = conversation.messages if conversation else []
        events = [_log_event(one) for one in found]
        return {"events": events, "meta": {"has_more": False}, "links": {}}

    # -- Reading the request ------------------------------------------------------------------

    def _caller(self, request: Request) -> int:
        switches = self._world.switches
        expected = f"{switches.support_email}/token:{switches.support_api_token}".encode()
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            received = base64.b64decode(given.strip(), validate=True)
        except binascii.Error:
            received = b""
        if scheme.lower() != "basic" or not secrets.compare_digest(received, expected):
            raise TicketRefusedError(401, "Couldn't authenticate you")
        email = switches.support_email
        person = self._world.support_user(email, name="Integration", email=email)
        person.role = switches.support_role
        return person.user_id

    def _given(self, request: Request) -> tuple[int, dict[str, Any]]:
        caller = self._caller(request)
        if self._world.switches.support_role not in ("agent", "admin"):
            raise TicketRefusedError(403, "Forbidden", "You do not have access to this page.")
        if "application/json" not in request.headers.get("content-type", ""):
            raise TicketRefusedError(415, "UnsupportedMediaType", "Send application/json.")
        return caller, _ticket_of(_parsed(request.state.raw))

    def _ticket(self, request: Request) -> Ticket:
        ticket = self._world.tickets.get(request.path_params["ticket_id"])
        if ticket is None:
            raise TicketRefusedError(404, "RecordNotFound", "Not found")
        return ticket

    def _conversation(self, ticket: Ticket) -> Conversation | None:
        return self._world.conversations.get(ticket.conversation_id or "")

    def _check_group(self, given: Mapping[str, Any]) -> None:
        identifier = given.get("group_id")
        if identifier is not None and self._world.group(identifier) is None:
            raise TicketRefusedError.invalid("group", "Group: is invalid")

    def _requester(self, given: Mapping[str, Any] | None, caller: int) -> int:
        if not given:
            return caller
        name, email = str(given.get("name") or given.get("email")), given.get("email")
        key = str(email or name)
        return self._world.support_user(key, name=name, role="end-user", email=email).user_id

    def _comment(self, given: Mapping[str, Any], author_id: int) -> dict[str, Any]:
        return {
            "id": self._world.now_ms(),
            "type": "Comment",
            "author_id": author_id,
            "body": given.get("body") or "",
            "html_body": given.get("html_body"),
            "public": given.get("public", True),
        }


def _parsed(raw: bytes) -> dict[str, Any]:
    """Return a body as an object."""
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise TicketRefusedError(400, "InvalidJSON", "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise TicketRefusedError(400, "InvalidJSON", "The body must be an object.")
    return body


def _ticket_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ticket inside a body."""
    given = body.get("ticket")
    if not isinstance(given, dict):
        raise TicketRefusedError(400, "InvalidValue", "Parameter ticket is required")
    return given


def _check_new(given: Mapping[str, Any]) -> None:
    """Refuse a new ticket without words, or with a wrong field."""
    comment = given.get("comment")
    words = comment.get("body") if isinstance(comment, dict) else given.get("description")
    if not isinstance(words, str) or not words.strip():
        raise TicketRefusedError.invalid("base", "Description: cannot be blank")
    _check_change(given)


def _check_change(given: Mapping[str, Any]) -> None:
    """Refuse a wrong status, priority, tags, requester or custom fields."""
    status = given.get("status")
    if status is not None and str(status).upper() not in SETTABLE:
        raise TicketRefusedError.invalid("status", "Status: is not included in the list")
    priority = given.get("priority")
    if priority is not None and priority not in PRIORITIES:
        raise TicketRefusedError.invalid("priority", "Priority: is not included in the list")
    if "tags" in given:
        _check_tags(given)
    requester = given.get("requester")
    if requester is not None and not (
        isinstance(requester, dict) and (requester.get("name") or requester.get("email"))
    ):
        raise TicketRefusedError.invalid("requester", "Requester: Name: is too short")
    _custom_fields(given)


def _check_tags(given: Mapping[str, Any]) -> None:
    """Refuse tags that are not words."""
    tags = given.get("tags")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise TicketRefusedError.invalid("tags", "Tags: must be a list of strings")


def _custom_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return custom fields by id."""
    fields = given.get("custom_fields") or []
    try:
        return {str(one["id"]): one["value"] for one in fields}
    except (TypeError, KeyError) as error:
        raise TicketRefusedError.invalid("custom_fields", "Custom fields: are invalid") from error


def _ticket_answer(ticket: Ticket) -> dict[str, Any]:
    """Return a ticket; statuses are in lower case here, unlike in events."""
    assert ticket.status in TICKET_STATUSES
    fields = [{"id": int(name), "value": value} for name, value in ticket.custom_fields.items()]
    return {
        "id": ticket.ticket_id,
        "external_id": ticket.external_id,
        "subject": ticket.subject,
        "description": ticket.description,
        "status": ticket.status.lower(),
        "priority": ticket.priority,
        "requester_id": ticket.requester_id,
        "submitter_id": ticket.submitter_id,
        "assignee_id": ticket.assignee_id,
        "group_id": ticket.group_id,
        "organization_id": ticket.organization_id,
        "brand_id": ticket.brand_id,
        "ticket_form_id": ticket.form_id,
        "tags": ticket.tags,
        "custom_fields": fields,
        "fields": fields,
        "via": {"channel": ticket.via},
        "created_at": time_text(ticket.created_ms),
        "updated_at": time_text(ticket.updated_ms),
    }


def _user_json(person: Person) -> dict[str, Any]:
    """Return a Support user."""
    return {
        "id": person.user_id,
        "name": person.name,
        "email": person.email,
        "role": person.role,
        "active": True,
        "suspended": False,
    }


def _log_event(message: Message) -> dict[str, Any]:
    """Return one event of the conversation log."""
    author: dict[str, Any] = {"type": message.author["type"]}
    if "userId" in message.author:
        author["zen:sunco:user_id"] = message.author["userId"]
    return {
        "id": message.message_id,
        "type": "Messaging::ConversationMessage",
        "created_at": time_text(message.received_ms),
        "reference": f"zen:sunco:conversation_message:{message.message_id}",
        "author": author,
        "content": dict(message.content),
    }


async def answer_ticket_refusal(_request: Request, error: Exception) -> Response:
    """Answer in the ticketing API's own error shape."""
    assert isinstance(error, TicketRefusedError)
    return AsciiJSONResponse(json.loads(str(error)), status_code=error.status)
