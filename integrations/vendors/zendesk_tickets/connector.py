"""Zendesk tickets as a connector: a conversation that nobody takes goes on as a ticket."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, ClassVar

from integrations.contract.checks import CALL_SECONDS, CheckFailedError, run_checks
from integrations.contract.connector import (
    CheckResult,
    Connector,
    EndReason,
    EndUserIdentity,
    HandoffRequest,
    OutboundMessage,
    TokenCache,
    TranscriptLine,
    VendorSession,
)
from integrations.contract.errors import RejectedError, UnsupportedFeatureError
from integrations.contract.manifest import Manifest
from integrations.contract.tool_operations import text_given
from integrations.http.client import HttpClient
from integrations.kit.hints import hint_text
from integrations.kit.json_values import Json, as_id
from integrations.kit.pasted import split_address
from integrations.kit.transcript import transcript_is_wanted
from integrations.vendors.zendesk_tickets.client import ZendeskTicketsClient
from integrations.vendors.zendesk_tickets.manifest import MANIFEST
from integrations.vendors.zendesk_tickets.mapping import (
    Ticket,
    body_for,
    context_for,
    note_parts,
    requester_of,
    subject_for,
    ticket_body,
    ticket_from,
    tool_ticket,
)

_STAFF = ("agent", "admin")
_NO_ROUTING: Json = {}


class ZendeskTicketsConnector(Connector):
    """Opens one ticket for each handoff; nothing of it ever comes back into the conversation."""

    manifest: ClassVar[Manifest] = MANIFEST

    def __init__(
        self, *, credentials: Mapping[str, str], http: HttpClient, tokens: TokenCache
    ) -> None:
        """Keep the decrypted credentials."""
        super().__init__(credentials=credentials, http=http, tokens=tokens)
        self._client = ZendeskTicketsClient(
            http,
            org_url=credentials.get("org_url", ""),
            email=credentials.get("email", ""),
            api_token=credentials.get("api_token", ""),
        )

    @classmethod
    def normalise(cls, values: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Cut the address to its host."""
        kept, typed = dict(values), values.get("org_url", "").strip()
        host = _host_of(typed)
        if not host or host == typed:
            return kept, ()
        kept["org_url"] = host
        is_slash_only = typed.rstrip("/") == host
        return kept, () if is_slash_only else (f"The address was cut to {host}.",)

    def test_connection(self) -> AsyncIterator[CheckResult]:
        """Ask who the token belongs to."""
        return run_checks([("account", self._account)])

    async def create_ticket(
        self,
        subject: str,
        transcript: Sequence[TranscriptLine],
        requester: EndUserIdentity,
        *,
        external_id: str,
        context: Sequence[str] = (),
        transcript_url: str = "",
        routing: Json = _NO_ROUTING,
    ) -> Ticket:
        """Open a ticket, or return the one that this `external_id` opened before."""
        found = await self._client.list_tickets(external_id)
        if found:
            return ticket_from(min(found, key=lambda ticket: as_id(ticket.get("created_at"))))
        ticket = ticket_body(
            subject=subject,
            body=body_for(transcript, requester, context, transcript_url),
            requester=requester,
            external_id=external_id,
            routing=routing,
            credentials=self._credentials,
        )
        try:
            answer = await self._client.create_ticket(ticket, idempotency_key=external_id)
        except RejectedError as error:
            # Of what an admin enters, group and form are all that Zendesk can refuse here.
            suspects = [name for name in ("group_id", "ticket_form_id") if name in ticket]
            error.field = suspects[0] if suspects else ""
            raise
        return ticket_from(answer)

    async def start(self, request: HandoffRequest) -> VendorSession:
        """Open the handoff's ticket; the session's conversation id is the ticket's number."""
        ticket = await self.create_ticket(
            subject_for(request),
            request.transcript if transcript_is_wanted(request) else (),
            requester_of(request),
            external_id=request.handoff_id,
            context=context_for(request),
            transcript_url=request.transcript_url,
            routing=request.routing,
        )
        await self._add_note(ticket.ticket_id, hint_text(request.routing.get("note")).strip())
        return VendorSession(vendor_conversation_id=ticket.number)

    async def _add_note(self, ticket_id: str, note: str) -> None:
        """Add what only live agents read: the first comment may be mailed to the end user."""
        if not note:
            return
        try:
            comment: dict[str, object] = {"body": note, "public": False}
            await self._client.update_ticket(ticket_id, {"comment": comment})
        except RejectedError as error:
            self._http.note("update_ticket", error.code)

    async def send_message(self, session: VendorSession, message: OutboundMessage) -> VendorSession:
        """Add what the end user writes meanwhile to the ticket, as a note or as several."""
        for part in note_parts(message.text):
            comment: dict[str, object] = {"body": part, "public": False}
            await self._client.update_ticket(session.vendor_conversation_id, {"comment": comment})
        return session

    async def end(self, session: VendorSession, reason: EndReason) -> None:
        """Leave the ticket open: whoever answers it ends it."""

    async def tool_call(self, operation: str, given: Mapping[str, Any]) -> object:
        """Open a ticket or comment one, for a tool."""
        if operation == "create_ticket":
            body = tool_ticket(given, self._credentials)
            made = ticket_from(
                await self._client.create_ticket(body, idempotency_key=str(uuid.uuid4()))
            )
            return {"id": made.ticket_id, "number": made.number}
        if operation != "add_comment":
            raise UnsupportedFeatureError(operation)
        comment = {"body": text_given(given, "text"), "public": given.get("is_public") is True}
        ticket_id = text_given(given, "ticket_id")
        if not ticket_id.isdecimal():
            raise ValueError("ticket_id is the number of a ticket")
        await self._client.update_ticket(ticket_id, {"comment": comment})
        return {"id": ticket_id}

    async def _account(self) -> str:
        user = await self._client.users_me(timeout=CALL_SECONDS)
        role = user.get("role")
        # Zendesk answers a wrong token with an anonymous user in some accounts.
        if not as_id(user.get("id")):
            raise CheckFailedError("invalid_auth")
        if role not in _STAFF:
            raise CheckFailedError("missing_permission", f"The user's role is {role}.")
        return ""


def _host_of(typed: str) -> str:
    parts = split_address(typed)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else ""
