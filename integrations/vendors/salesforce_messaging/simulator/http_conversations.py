"""The simulated conversation endpoints: create, list, status, end, close, transcript."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from integrations.vendors.salesforce_messaging.simulator import checks, routing
from integrations.vendors.salesforce_messaging.simulator.answers import (
    conversation_list,
    transcript_pdf,
)
from integrations.vendors.salesforce_messaging.simulator.checks import VendorError
from integrations.vendors.salesforce_messaging.simulator.requests import Endpoints
from integrations.vendors.salesforce_messaging.simulator.state import Conversation, now_ms
from integrations.vendors.salesforce_messaging.simulator.tokens import AccessToken


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
