"""How the simulated API reads a request, and its endpoints for tokens and conversations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from integrations.simulators.simulator import Simulator
from integrations.vendors.salesforce_messaging.simulator import checks, routing
from integrations.vendors.salesforce_messaging.simulator.answers import (
    conversation_list,
    token_answer,
    transcript_pdf,
)
from integrations.vendors.salesforce_messaging.simulator.checks import VendorError
from integrations.vendors.salesforce_messaging.simulator.messages import end_user_participant
from integrations.vendors.salesforce_messaging.simulator.state import (
    Conversation,
    EndUser,
    now_ms,
)
from integrations.vendors.salesforce_messaging.simulator.tokens import (
    AccessToken,
    IdentityRefusedError,
    TokenRefusedError,
)
from integrations.vendors.salesforce_messaging.simulator.world import Org


class Endpoints:
    """What all groups of endpoints share; every refusal is a VendorError."""

    def __init__(self, simulator: Simulator, org: Org) -> None:
        self._simulator = simulator
        self._org = org

    def _token(self, request: Request) -> AccessToken:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not bearer:
            raise VendorError(401, "Jwt is missing")
        try:
            return self._org.tokens.check(bearer.strip())
        except TokenRefusedError as error:
            raise VendorError(401, str(error)) from error

    def _conversation(self, request: Request) -> tuple[AccessToken, Conversation]:
        token = self._token(request)
        conversation = self._org.conversations.get(request.path_params["conversation_id"])
        if conversation is None or conversation.subject != token.subject:
            raise VendorError(404, "The conversation was not found.")
        return token, conversation

    async def _body(self, request: Request, shape: checks.Shape) -> Mapping[str, Any]:
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise VendorError(415, "Content-Type must be application/json.")
        try:
            body = json.loads(await request.body())
        except ValueError as error:
            raise VendorError(400, "The request body is not JSON.") from error
        return checks.check_shape(body, shape, is_strict=self._org.switches.strict_properties)

    def _check_developer_name(self, name: str | None) -> None:
        if name != self._org.es_developer_name:
            raise VendorError(400, checks.DEPLOYMENT_TEXT)

    def _attributes(self, body: Mapping[str, Any], *, is_form_checked: bool) -> dict[str, str]:
        attributes = checks.check_attributes(body.get("routingAttributes", {}))
        if is_form_checked:
            checks.check_prechat(self._org.switches.prechat_fields, attributes)
        return dict(attributes)

    def _participant(self, token: AccessToken) -> dict[str, str]:
        return end_user_participant(self._org.end_users[token.subject], token.client_identifier)


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
