"""The simulated messaging API: every path of the contract's section on Enhanced Chat API v2.

Imitates developer.salesforce.com/docs/service/messaging-api/references/miaw-api-reference; the
success codes that page leaves open are those of the contract's list of working assumptions.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.simulators.keysets import IdentityRefusedError
from integrations.simulators.simulator import Simulator
from integrations.vendors.salesforce_messaging.simulator import checks, routing
from integrations.vendors.salesforce_messaging.simulator.answers import (
    conversation_list,
    error_answer,
    token_answer,
    transcript_pdf,
)
from integrations.vendors.salesforce_messaging.simulator.checks import Endpoints, VendorError
from integrations.vendors.salesforce_messaging.simulator.entries import EntryEndpoints
from integrations.vendors.salesforce_messaging.simulator.state import Conversation, EndUser, now_ms
from integrations.vendors.salesforce_messaging.simulator.tokens import (
    AccessToken,
)
from integrations.vendors.salesforce_messaging.simulator.world import CONTENT_PATH, FILE_PATH, Org

Endpoint = Callable[[Request], Awaitable[Response]]
BASE = "/iamessage/api/v2"


def messaging_app(simulator: Simulator, org: Org) -> Starlette:
    """Return the ASGI application that speaks the contract for one org."""
    return Starlette(
        routes=[
            Route(org.path_prefix + path, endpoint, methods=[method])
            for method, path, endpoint in _table(simulator, org)
        ],
        exception_handlers={VendorError: _answer_refusal, HTTPException: _answer_http_error},
    )


def _table(simulator: Simulator, org: Org) -> list[tuple[str, str, Endpoint]]:
    tokens = TokenEndpoints(simulator, org)
    conversations = ConversationEndpoints(simulator, org)
    entries = EntryEndpoints(simulator, org)
    one = BASE + "/conversation/{conversation_id}"
    authorization = BASE + "/authorization"
    return [
        ("POST", authorization + "/unauthenticated/access-token", tokens.anonymous_token),
        ("POST", authorization + "/authenticated/access-token", tokens.verified_token),
        ("DELETE", authorization + "/authenticated/access-token", tokens.revoke_token),
        ("GET", authorization + "/continuation-access-token", tokens.continuation_token),
        ("POST", BASE + "/conversation", conversations.create_conversation),
        ("GET", BASE + "/conversation/list", conversations.list_conversations),
        ("GET", one, conversations.routing_status),
        ("DELETE", one, conversations.close_conversation),
        ("DELETE", one + "/session", conversations.end_session),
        ("GET", one + "/transcript", conversations.transcript),
        ("POST", one + "/message", entries.send_message),
        ("POST", one + "/file", entries.send_file),
        ("POST", one + "/entry", entries.send_entry),
        ("POST", one + "/acknowledge-entries", entries.acknowledge_entries),
        ("GET", one + "/entries", entries.list_entries),
        ("GET", "/eventrouter/v1/sse", entries.events),
        ("GET", FILE_PATH, entries.file),
        ("GET", CONTENT_PATH, entries.file),
    ]


async def _answer_refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, VendorError)
    return error_answer(error.status, error.message, error.code)


async def _answer_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_answer(error.status_code, error.detail)


class TokenEndpoints(Endpoints):
    """Gives and takes access tokens."""

    async def anonymous_token(self, request: Request) -> Response:
        """Give a token to an end user nobody knows."""
        body = await self._body(request, checks.TOKEN)
        with self._simulator.change():
            self._check_deployment(body)
            return self._token_answer(self._org.anonymous_end_user())

    async def verified_token(self, request: Request) -> Response:
        """Give a token to the end user a customer identity token names."""
        body = await self._body(request, checks.IDENTITY_TOKEN)
        with self._simulator.change():
            self._check_deployment(body)
            checks.check_one_of(body["authorizationType"], ("JWT",), "authorizationType")
            return self._token_answer(self._identified(body["customerIdentityToken"]))

    def _identified(self, identity_token: str) -> EndUser:
        try:
            return self._org.verified_end_user(self._org.tokens.verify_identity(identity_token))
        except IdentityRefusedError as error:
            if self._org.switches.auth_failure_mode == "reject":
                raise VendorError(401, f"Identity token refused: {error}") from error
            return self._org.anonymous_end_user()

    def _check_deployment(self, body: Mapping[str, Any]) -> None:
        checks.check_org(body["orgId"], self._org.org_id)
        self._check_developer_name(body.get("esDeveloperName"))
        checks.check_one_of(body["platform"], ("Web", "Mobile"), "platform")

    def _token_answer(self, end_user: EndUser) -> Response:
        ttl = self._org.switches.token_ttl_seconds
        signed, _token = self._org.tokens.issue(end_user.subject, ttl_seconds=ttl)
        return JSONResponse(token_answer(self._org, end_user, signed))

    async def continuation_token(self, request: Request) -> Response:
        """Give the same end user a token for another client; it expires no later."""
        with self._simulator.change():
            signed, _token = self._org.tokens.continue_from(self._token(request))
            last = self._org.events.last_event_id
            return JSONResponse({"accessToken": signed, "lastEventId": last})

    async def revoke_token(self, request: Request) -> Response:
        """Revoke a verified end user's token and close its streams."""
        with self._simulator.change():
            token = self._token(request)
            if not token.is_authenticated:
                raise VendorError(403, "Only the token of a verified user can be revoked.")
            self._org.tokens.revoke(token)
            for stream in self._org.events.open_streams(token.subject):
                stream.notify()
            return Response(status_code=204)


class ConversationEndpoints(Endpoints):
    """Opens and closes conversations and their messaging sessions."""

    async def create_conversation(self, request: Request) -> Response:
        """Create a conversation; without pre-chat per session it is routed at once."""
        token = self._token(request)
        body = await self._body(request, checks.CONVERSATION)
        checks.check_uuid(body["conversationId"], "conversationId")
        self._check_developer_name(body["esDeveloperName"])
        is_asked_later = self._org.switches.session_prechat
        conversation = Conversation(
            conversation_id=body["conversationId"],
            subject=token.subject,
            language=body.get("language"),
            routing_attributes=self._attributes(body, is_form_checked=not is_asked_later),
        )
        with self._simulator.change():
            if conversation.conversation_id in self._org.conversations:
                raise VendorError(409, "A conversation with this id exists already.")
            self._org.conversations[conversation.conversation_id] = conversation
            if not is_asked_later:
                routing.start_session(self._org, conversation, conversation.routing_attributes)
        return JSONResponse({"conversationId": conversation.conversation_id}, status_code=201)

    async def list_conversations(self, request: Request) -> Response:
        """List the token's conversations."""
        with self._simulator.lock:
            token = self._token(request)
            return JSONResponse(conversation_list(self._org, token.subject, request.query_params))

    async def routing_status(self, request: Request) -> Response:
        """Tell who owns the work."""
        with self._simulator.lock:
            _token, conversation = self._conversation(request)
            latest = conversation.sessions[-1] if conversation.sessions else None
            status = latest.routing_status if latest else "NEEDS_ROUTING"
            return JSONResponse(
                {"conversationId": conversation.conversation_id, "routingStatus": status}
            )

    async def end_session(self, request: Request) -> Response:
        """End the messaging session; ending it again changes nothing."""
        with self._simulator.change():
            _token, conversation = self._conversation(request)
            self._check_developer_name(request.query_params.get("esDeveloperName"))
            if conversation.session:
                routing.end_session(self._org, conversation, "EndUser")
            return Response(status_code=204)

    async def close_conversation(self, request: Request) -> Response:
        """Close the conversation for good; closing it again changes nothing."""
        with self._simulator.change():
            token, conversation = self._conversation(request)
            self._check_developer_name(request.query_params.get("esDeveloperName"))
            if not conversation.is_closed:
                self._close(token, conversation)
            return Response(status_code=204)

    def _close(self, token: AccessToken, conversation: Conversation) -> None:
        self._org.emit(
            conversation,
            "CloseConversation",
            {},
            sender=self._participant(token),
            sender_name=self._org.end_users[token.subject].display_name,
            hidden_from_client=token.client_identifier,
        )
        if session := conversation.session:
            session.agents.clear()
            session.status, session.ended_by_role = "Ended", "EndUser"
            session.routing_status = "NEEDS_ROUTING"
        conversation.ended_at = now_ms()

    async def transcript(self, request: Request) -> Response:
        """Give the transcript as PDF, where the channel allows it."""
        with self._simulator.lock:
            _token, conversation = self._conversation(request)
            self._check_developer_name(request.query_params.get("esDeveloperName"))
            if not self._org.switches.transcript_download:
                raise VendorError(403, "Transcript download is not enabled on the channel.")
            return Response(transcript_pdf(conversation), media_type="application/pdf")
