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
from starlette.responses import JSONResponse, Response

from integrations.simulators.simulator import Simulator
from integrations.vendors.zendesk.simulator import agents, tickets
from integrations.vendors.zendesk.simulator import ticket_bodies as bodies
from integrations.vendors.zendesk.simulator.records import Conversation, Ticket
from integrations.vendors.zendesk.simulator.ticket_bodies import TicketRefusedError
from integrations.vendors.zendesk.simulator.world import ZendeskWorld


class TicketEndpoints:
    """Reads and writes tickets as the one Support user whose token is known."""

    def __init__(self, simulator: Simulator, world: ZendeskWorld) -> None:
        self._simulator = simulator
        self._world = world
        self._world = world

    async def get_me(self, request: Request) -> Response:
        """Return the user behind the token."""
        with self._simulator.change():
            return self._user_answer(self._caller(request))

    async def get_user(self, request: Request) -> Response:
        """Return an agent or requester."""
        with self._simulator.change():
            self._caller(request)
            return self._user_answer(request.path_params["user_id"])

    def _user_answer(self, identifier: int) -> Response:
        person = self._world.people.get(identifier)
        if person is None:
            raise TicketRefusedError(404, "RecordNotFound", "Not found")
        return JSONResponse({"user": bodies.user_answer(person)})

    async def get_group(self, request: Request) -> Response:
        """Return a group."""
        with self._simulator.change():
            self._caller(request)
            group = self._world.group(request.path_params["group_id"])
            if group is None:
                raise TicketRefusedError(404, "RecordNotFound", "Not found")
            shown = {"id": group.group_id, "name": group.name, "deleted": False}
            return JSONResponse({"group": shown})

    async def list_tickets(self, request: Request) -> Response:
        """List tickets, those with an external id where one is asked for."""
        with self._simulator.change():
            self._caller(request)
            wanted = request.query_params.get("external_id")
            found = [
                one
                for one in self._world.tickets.values()
                if wanted is None or one.external_id == wanted
            ]
            shown = [bodies.ticket_answer(one) for one in found]
            return JSONResponse({"tickets": shown, "count": len(shown)})

    async def create_ticket(self, request: Request) -> Response:
        """Create a ticket for a requester, who is made where they are new."""
        caller, given = await self._given(request)
        with self._simulator.change():
            bodies.check_new(given)
            self._check_group(given)
            ticket = self._new(given, caller)
            answer = {"ticket": bodies.ticket_answer(ticket)}
            location = f"{self._world.root_url()}/api/v2/tickets/{ticket.ticket_id}.json"
            return JSONResponse(answer, status_code=201, headers={"Location": location})

    def _new(self, given: Mapping[str, Any], caller: int) -> Ticket:
        comment = given.get("comment") or {"body": given.get("description")}
        ticket = tickets.new_ticket(
            self._world,
            subject=str(given.get("subject") or comment["body"][:80]),
            description=str(comment["body"]),
            status=str(given.get("status", "new")).upper(),
            priority=given.get("priority"),
            tags=sorted(set(given.get("tags") or [])),
            custom_fields=bodies.custom_fields(given),
            requester_id=self._requester(given.get("requester"), caller),
            submitter_id=caller,
            group_id=given.get("group_id") or self._world.group_id(self._world.switches.queue),
            form_id=given.get("ticket_form_id") or 11,
            external_id=given.get("external_id"),
            via="api",
        )
        ticket.comments.append(self._comment(comment, ticket.requester_id))
        return ticket

    async def get_ticket(self, request: Request) -> Response:
        """Return a ticket."""
        with self._simulator.change():
            self._caller(request)
            return JSONResponse({"ticket": bodies.ticket_answer(self._ticket(request))})

    async def update_ticket(self, request: Request) -> Response:
        """Change a ticket; a closed one takes no change."""
        caller, given = await self._given(request)
        with self._simulator.change():
            ticket = self._ticket(request)
            bodies.check_change(given)
            self._check_group(given)
            if ticket.status == "CLOSED":
                raise TicketRefusedError.invalid("status", "Status: closed prevents ticket update")
            self._change(ticket, given, caller)
            return JSONResponse({"ticket": bodies.ticket_answer(ticket)})

    def _change(self, ticket: Ticket, given: Mapping[str, Any], caller: int) -> None:
        for name in ("subject", "priority", "external_id", "group_id"):
            if name in given:
                setattr(ticket, name, given[name])
        if "tags" in given:
            ticket.tags = sorted(set(given["tags"]))
        ticket.custom_fields |= bodies.custom_fields(given)
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

    async def list_comments(self, request: Request) -> Response:
        """List a ticket's comments."""
        with self._simulator.change():
            self._caller(request)
            found = self._ticket(request).comments
            return JSONResponse({"comments": found, "count": len(found)})

    async def add_tags(self, request: Request) -> Response:
        """Add tags to a ticket."""
        self._caller(request)
        given = bodies.parsed(await request.body())
        with self._simulator.change():
            ticket = self._ticket(request)
            bodies.check_tags(given)
            ticket.tags = sorted({*ticket.tags, *given["tags"]})
            return JSONResponse({"tags": ticket.tags})

    async def get_conversation_log(self, request: Request) -> Response:
        """Tell which Conversations messages belong to a messaging ticket."""
        with self._simulator.change():
            self._caller(request)
            conversation = self._conversation(self._ticket(request))
            found = conversation.messages if conversation else []
            events = [bodies.log_event(one) for one in found]
            return JSONResponse({"events": events, "meta": {"has_more": False}, "links": {}})

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

    async def _given(self, request: Request) -> tuple[int, dict[str, Any]]:
        with self._simulator.change():
            caller = self._caller(request)
        if self._world.switches.support_role not in ("agent", "admin"):
            raise TicketRefusedError(403, "Forbidden", "You do not have access to this page.")
        if "application/json" not in request.headers.get("content-type", ""):
            raise TicketRefusedError(415, "UnsupportedMediaType", "Send application/json.")
        return caller, bodies.ticket_of(bodies.parsed(await request.body()))

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


async def answer_ticket_refusal(_request: Request, error: Exception) -> Response:
    """Answer in the ticketing API's own error shape."""
    assert isinstance(error, TicketRefusedError)
    return JSONResponse(json.loads(str(error)), status_code=error.status)
