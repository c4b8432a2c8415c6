"""The simulated ticketing API: users, groups, tickets, comments, the conversation log.

Imitates developer.zendesk.com/api-reference/ticketing; authentication is "email/token" with an
API token. Each path answers with and without .json, as Zendesk's do.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request

from integrations.simulators.answers import AsciiJSONResponse, endpoint
from integrations.vendors.zendesk.simulator import tickets
from integrations.vendors.zendesk.simulator.app import Answer, Endpoints
from integrations.vendors.zendesk.simulator.checks import VendorError
from integrations.vendors.zendesk.simulator.records import Conversation, Message, Ticket, time_text
from integrations.vendors.zendesk.simulator.switchboard import set_status

API = "/api/v2"
TICKET = "/tickets/{ticket_id:int}"
PRIORITIES = ("urgent", "high", "normal", "low")
# What a ticket's JSON calls as the record does.
SAME_NAMES = (
    *("external_id", "subject", "description", "priority", "requester_id", "submitter_id"),
    *("assignee_id", "group_id", "organization_id", "brand_id", "tags"),
)
SETTABLE = ("NEW", "OPEN", "PENDING", "HOLD", "SOLVED", "CLOSED")


class TicketRefusedError(VendorError):
    """The ticketing API refuses a request, in the shape of its own."""

    def __init__(self, status: int, error: str, description: str = "", **more: object) -> None:
        super().__init__(status, error)
        body = {"error": error, "description": description, **more}
        self.body = {name: value for name, value in body.items() if value}


def _invalid(name: str, text: str) -> TicketRefusedError:
    details = {name: [{"description": text}]}
    return TicketRefusedError(422, "RecordInvalid", "Record validation errors", details=details)


def _not_found() -> TicketRefusedError:
    return TicketRefusedError(404, "RecordNotFound", "Not found")


def _at(method: str, path: str) -> Callable[[Any], Any]:
    return endpoint(method, API + path, f"{API}{path}.json")


class TicketEndpoints(Endpoints):
    """Reads and writes tickets as the one Support user whose token is known."""

    @_at("GET", "/users/me")
    def get_me(self, request: Request) -> Answer:
        """Return the user behind the token."""
        return self._user_answer(self._support_caller(request))

    @_at("GET", "/users/{user_id:int}")
    def get_user(self, request: Request) -> Answer:
        """Return an agent or requester."""
        self._support_caller(request)
        return self._user_answer(request.path_params["user_id"])

    def _user_answer(self, identifier: int) -> Answer:
        person = self._world.people.get(identifier)
        if person is None:
            raise _not_found()
        shown = {"id": identifier, "name": person.name, "email": person.email, "role": person.role}
        return {"user": {**shown, "active": True, "suspended": False}}

    @_at("GET", "/groups/{group_id:int}")
    def get_group(self, request: Request) -> Answer:
        """Return a group."""
        self._support_caller(request)
        group = self._world.group(request.path_params["group_id"])
        if group is None:
            raise _not_found()
        return {"group": {"id": group.group_id, "name": group.name, "deleted": False}}

    @_at("GET", "/tickets")
    def list_tickets(self, request: Request) -> Answer:
        """List tickets, those with an external id where one is asked for."""
        self._support_caller(request)
        wanted, kept = request.query_params.get("external_id"), self._world.tickets.values()
        shown = [_ticket_answer(one) for one in kept if wanted in (None, one.external_id)]
        return {"tickets": shown, "count": len(shown)}

    @_at("POST", "/tickets")
    def create_ticket(self, request: Request) -> Answer:
        """Create a ticket for a requester, who is made where they are new."""
        caller, given = self._given(request)
        comment = given.get("comment")
        words = comment.get("body") if isinstance(comment, dict) else given.get("description")
        if not isinstance(words, str) or not words.strip():
            raise _invalid("base", "Description: cannot be blank")
        self._check(given)
        ticket = tickets.new_ticket(
            self._world,
            subject=str(given.get("subject") or words[:80]),
            description=words,
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
        ticket.comments.append(self._comment(comment or {"body": words}, ticket.requester_id))
        location = f"{self._world.root_url()}{API}/tickets/{ticket.ticket_id}.json"
        answer, headers = {"ticket": _ticket_answer(ticket)}, {"Location": location}
        return AsciiJSONResponse(answer, status_code=201, headers=headers)

    @_at("GET", TICKET)
    def get_ticket(self, request: Request) -> Answer:
        """Return a ticket."""
        self._support_caller(request)
        return {"ticket": _ticket_answer(self._ticket(request))}

    @_at("PUT", TICKET)
    def update_ticket(self, request: Request) -> Answer:
        """Change a ticket; a closed one takes no change."""
        caller, given = self._given(request)
        ticket = self._ticket(request)
        self._check(given)
        if ticket.status == "CLOSED":
            raise _invalid("status", "Status: closed prevents ticket update")
        for name in ("subject", "priority", "external_id", "group_id"):
            setattr(ticket, name, given.get(name, getattr(ticket, name)))
        ticket.tags = sorted(set(given.get("tags", ticket.tags)))
        ticket.custom_fields |= _custom_fields(given)
        if given.get("comment"):
            ticket.comments.append(self._comment(given["comment"], caller))
        if "assignee_id" in given:
            tickets.assign(self._world, ticket, given["assignee_id"], actor_id=caller)
        if "status" in given:
            set_status(self._world, ticket, given["status"].upper(), actor_id=caller)
        ticket.updated_ms = self._world.now_ms()
        return {"ticket": _ticket_answer(ticket)}

    @_at("GET", TICKET + "/comments")
    def list_comments(self, request: Request) -> Answer:
        """List a ticket's comments."""
        self._support_caller(request)
        found = self._ticket(request).comments
        return {"comments": found, "count": len(found)}

    @_at("PUT", TICKET + "/tags")
    def add_tags(self, request: Request) -> Answer:
        """Add tags to a ticket."""
        self._support_caller(request)
        given = _parsed(request.state.raw)
        ticket = self._ticket(request)
        _check_tags(given.get("tags"))
        ticket.tags = sorted({*ticket.tags, *given["tags"]})
        return {"tags": ticket.tags}

    @_at("GET", TICKET + "/conversation_log")
    def get_conversation_log(self, request: Request) -> Answer:
        """Tell which Conversations messages belong to a messaging ticket."""
        self._support_caller(request)
        key = self._ticket(request).conversation_id
        conversation: Conversation | None = self._world.conversations.get(key)
        found = conversation.messages if conversation else []
        events = [_log_event(one) for one in found]
        return {"events": events, "meta": {"has_more": False}, "links": {}}

    # -- Reading the request ------------------------------------------------------------------

    def _support_caller(self, request: Request) -> int:
        switches = self._world.switches
        email = switches.support_email
        expected = f"{email}/token:{switches.support_api_token}".encode()
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            received = base64.b64decode(given.strip(), validate=True)
        except binascii.Error:
            received = b""
        if scheme.lower() != "basic" or not secrets.compare_digest(received, expected):
            raise TicketRefusedError(401, "Couldn't authenticate you")
        person = self._world.support_user(email, name="Integration", email=email)
        person.role = switches.support_role
        return person.user_id

    def _given(self, request: Request) -> tuple[int, dict[str, Any]]:
        """Return who asks, and the ticket inside the body."""
        caller = self._support_caller(request)
        if self._world.switches.support_role not in ("agent", "admin"):
            raise TicketRefusedError(403, "Forbidden", "You do not have access to this page.")
        if "application/json" not in request.headers.get("content-type", ""):
            raise TicketRefusedError(415, "UnsupportedMediaType", "Send application/json.")
        given = _parsed(request.state.raw).get("ticket")
        if not isinstance(given, dict):
            raise TicketRefusedError(400, "InvalidValue", "Parameter ticket is required")
        return caller, given

    def _ticket(self, request: Request) -> Ticket:
        ticket = self._world.tickets.get(request.path_params["ticket_id"])
        if ticket is None:
            raise _not_found()
        return ticket

    def _check(self, given: Mapping[str, Any]) -> None:
        """Refuse a wrong status, priority, tags, requester, custom fields or group."""
        if given.get("status") is not None and str(given["status"]).upper() not in SETTABLE:
            raise _invalid("status", "Status: is not included in the list")
        if given.get("priority") not in (None, *PRIORITIES):
            raise _invalid("priority", "Priority: is not included in the list")
        if "tags" in given:
            _check_tags(given["tags"])
        who = given.get("requester")
        named = who.get("name") or who.get("email") if isinstance(who, dict) else None
        if who is not None and not named:
            raise _invalid("requester", "Requester: Name: is too short")
        _custom_fields(given)
        if given.get("group_id") is not None and self._world.group(given["group_id"]) is None:
            raise _invalid("group", "Group: is invalid")

    def _requester(self, given: Mapping[str, Any] | None, caller: int) -> int:
        if not given:
            return caller
        email = given.get("email")
        name = str(given.get("name") or email)
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
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise TicketRefusedError(400, "InvalidJSON", "The body is not JSON.") from error
    if not isinstance(body, dict):
        raise TicketRefusedError(400, "InvalidJSON", "The body must be an object.")
    return body


def _check_tags(tags: object) -> None:
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise _invalid("tags", "Tags: must be a list of strings")


def _custom_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return custom fields by id."""
    try:
        return {str(one["id"]): one["value"] for one in given.get("custom_fields") or []}
    except (TypeError, KeyError) as error:
        raise _invalid("custom_fields", "Custom fields: are invalid") from error


def _ticket_answer(ticket: Ticket) -> dict[str, Any]:
    """Return a ticket; statuses are in lower case here, unlike in events."""
    fields = [{"id": int(name), "value": value} for name, value in ticket.custom_fields.items()]
    return {
        "id": ticket.ticket_id,
        "status": ticket.status.lower(),
        **{name: getattr(ticket, name) for name in SAME_NAMES},
        "ticket_form_id": ticket.form_id,
        "custom_fields": fields,
        "fields": fields,
        "via": {"channel": ticket.via},
        "created_at": time_text(ticket.created_ms),
        "updated_at": time_text(ticket.updated_ms),
    }


def _log_event(message: Message) -> dict[str, Any]:
    author = {"type": message.author["type"]}
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
