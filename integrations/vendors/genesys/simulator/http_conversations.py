"""The simulated conversation calls: read, disconnect, attributes, messages, the agent's own."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from integrations.vendors.genesys.simulator import checks, flow, outbound, rest
from integrations.vendors.genesys.simulator.checks import MALFORMED, VendorError, invalid_value
from integrations.vendors.genesys.simulator.events import tell_attributes, tell_end
from integrations.vendors.genesys.simulator.requests import Endpoints, accepted
from integrations.vendors.genesys.simulator.state import (
    LIVE_STATES,
    Conversation,
    Message,
    Participant,
    iso,
    now_ms,
)
from integrations.vendors.genesys.simulator.world import DOWNLOAD_PATH

DISCONNECT = (
    "conversation:communication:disconnect",
    "conversation:participant:wrapup",
    "conversation:call:record",
)
STATES = (
    "alerting",
    "dialing",
    "contacting",
    "offering",
    "connected",
    "disconnected",
    "terminated",
    "converting",
    "uploading",
    "transmitting",
    "parked",
    "none",
)
AGENTLESS_TYPES = ("sms", "whatsapp", "open", "webmessaging", "apple")
AGENTLESS_CHARACTERS = 2000


class ConversationEndpoints(Endpoints):
    """Everything below /api/v2/conversations/messages but the inbound calls."""

    async def conversation(self, request: Request) -> Response:
        """GET /api/v2/conversations/messages/{conversationId}"""
        self._authorise(request)
        with self._simulator.lock:
            found = rest.conversation_object(self._org, self._conversation(request))
        return accepted(found, 200)

    async def disconnect_all(self, request: Request) -> Response:
        """PATCH /api/v2/conversations/messages/{conversationId}"""
        self._authorise(request, *DISCONNECT)
        body = await self._body(request)
        if body.get("state") != "disconnected":
            raise invalid_value(body.get("state"), "state", ("disconnected",))
        with self._simulator.change():
            conversation = self._conversation(request)
            self._end(conversation)
            found = rest.conversation_object(self._org, conversation)
        return accepted(found, 200)

    async def tear_down(self, request: Request) -> Response:
        """POST /api/v2/conversations/{conversationId}/disconnect"""
        self._authorise(request, *DISCONNECT)
        with self._simulator.change():
            conversation = self._conversation(request)
            if conversation.is_connected:
                flow.end_customer(self._org, conversation, "system", agent_type="system")
        return Response(status_code=202)

    async def update_participant(self, request: Request) -> Response:
        """PATCH .../participants/{participantId}"""
        self._authorise(request, *DISCONNECT)
        body = await self._body(request)
        state = body.get("state")
        if state is not None and state not in STATES:
            raise invalid_value(state, "state", STATES)
        with self._simulator.change():
            conversation = self._conversation(request)
            participant = self._participant(request, conversation)
            if state == "disconnected":
                self._disconnect(conversation, participant)
            elif state is not None:
                raise VendorError(400, MALFORMED, field="state")
        return Response(status_code=202)

    async def update_attributes(self, request: Request) -> Response:
        """PATCH .../participants/{participantId}/attributes"""
        self._authorise(request)
        body = await self._body(request)
        checks.member(body, "attributes")
        changed = checks.flat_map(body, "attributes")
        with self._simulator.change():
            conversation = self._conversation(request)
            participant = self._participant(request, conversation)
            participant.attributes.update(changed)
            tell_attributes(self._org, conversation, participant)
            return accepted({"attributes": participant.attributes}, 200)

    # -- Messages -----------------------------------------------------------------------------

    async def bulk(self, request: Request) -> Response:
        """POST .../messages/bulk, which takes a list of ids"""
        self._authorise(request, "conversation:message:view")
        wanted = await self._json(request)
        if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted):
            raise VendorError(400, MALFORMED)
        with self._simulator.lock:
            conversation = self._conversation(request)
            found = [
                rest.message_data(self._org, conversation, one)
                for one in conversation.messages
                if one.id in wanted
            ]
        return accepted({"entities": found}, 200)

    async def message(self, request: Request) -> Response:
        """GET .../messages/{messageId}"""
        self._authorise(request, "conversation:message:view")
        with self._simulator.lock:
            conversation = self._conversation(request)
            return self._message_answer(request, conversation)

    async def message_details(self, request: Request) -> Response:
        """GET /api/v2/conversations/messages/{messageId}/details"""
        self._authorise(request, "conversation:message:view")
        with self._simulator.lock:
            return self._message_answer(request, None)

    def _message_answer(self, request: Request, within: Conversation | None) -> Response:
        found = self._org.message(request.path_params["message_id"])
        if found is None or within not in (None, found[0]):
            raise VendorError(404, "The requested message was not found.")
        return accepted(rest.message_data(self._org, *found), 200)

    async def agentless(self, request: Request) -> Response:
        """POST /api/v2/conversations/messages/agentless"""
        self._authorise(request, "conversation:message:create")
        body = await self._body(request)
        messenger = checks.enum(body, "toAddressMessengerType", AGENTLESS_TYPES)
        integration = self._integration(checks.text(body, "fromAddress"))
        to, text = checks.text(body, "toAddress"), checks.text(body, "textBody")
        if messenger != "open" or len(text) > AGENTLESS_CHARACTERS:
            raise VendorError(400, MALFORMED, field="textBody")
        with self._simulator.change():
            latest = self._org.latest(integration.id, to)
            is_kept = body.get("useExistingActiveConversation") and latest and latest.is_connected
            conversation = latest if latest and is_kept else self._proactive(integration.id, to)
            message = outbound.say(self._org, conversation, conversation.customer, text=text)
        return accepted(self._agentless_object(conversation, message), 202)

    def _proactive(self, integration_id: str, to: str) -> Conversation:
        conversation = flow.new_conversation(self._org, integration_id, {"id": to})
        flow.join(self._org, conversation, {})
        return conversation

    def _agentless_object(self, conversation: Conversation, message: Message) -> dict[str, Any]:
        return {
            "id": message.id,
            "conversationId": conversation.id,
            "fromAddress": conversation.integration_id,
            "toAddress": conversation.external_id,
            "messengerType": "open",
            "message": rest.message_data(self._org, conversation, message),
            "timestamp": iso(now_ms()),
            "selfUri": f"{rest.CONVERSATIONS}/{conversation.id}/messages/{message.id}",
        }

    # -- What an agent's desktop calls --------------------------------------------------------

    async def agent_message(self, request: Request) -> Response:
        """POST .../communications/{communicationId}/messages"""
        self._authorise(request, "conversation:message:create")
        body = await self._body(request)
        text = checks.text(body, "textBody")
        with self._simulator.change():
            conversation, agent = self._speaker(request)
            message = outbound.say(self._org, conversation, agent, text=text)
            return accepted(rest.message_data(self._org, conversation, message), 202)

    async def agent_typing(self, request: Request) -> Response:
        """POST .../communications/{communicationId}/typing"""
        self._authorise(request, "conversation:message:create")
        body = await self._body(request)
        checks.enum(checks.member(body, "typing"), "type", ("On",))
        with self._simulator.change():
            conversation, _ = self._speaker(request)
            outbound.show_typing(self._org, conversation)
        return Response(status_code=202)

    async def download(self, request: Request) -> Response:
        """GET a file by its signed address, which needs no token and expires"""
        file_id = request.path_params["file_id"]
        query = request.query_params
        stored = self._org.files.get(file_id)
        if stored is None or not self._org.is_download_allowed(
            file_id, query.get("Expires", ""), query.get("Signature", "")
        ):
            raise VendorError(403, "Access denied.")
        is_redirect = self._org.switches.is_download_redirected
        if is_redirect and request.url.path.startswith(DOWNLOAD_PATH):
            return RedirectResponse(self._org.download_url(stored, is_stored=True), 302)
        if "authorization" in request.headers:
            # The address is the key; a store that gets two keys refuses both.
            raise VendorError(400, "Only one auth mechanism is allowed.")
        return Response(stored.content, media_type=stored.mime_type)

    def _speaker(self, request: Request) -> tuple[Conversation, Participant]:
        conversation = self._conversation(request)
        leg = conversation.by_session(request.path_params["communication_id"])
        if leg is None or leg.state != "connected" or leg.purpose != "agent":
            raise VendorError(404, "The requested communication was not found.")
        return conversation, leg

    def _participant(self, request: Request, conversation: Conversation) -> Participant:
        found = conversation.participant(request.path_params["participant_id"])
        if found is None:
            raise VendorError(404, "The requested participant was not found.")
        return found

    def _disconnect(self, conversation: Conversation, participant: Participant) -> None:
        if participant.state not in LIVE_STATES:
            raise VendorError(409, "The participant is not connected.")
        if participant.purpose == "customer":
            self._end(conversation)
            return
        flow.disconnect(participant, "client")
        if participant.purpose == "agent":
            tell_end(self._org, conversation, participant)
        conversation.note(f"{participant.name} was disconnected")

    def _end(self, conversation: Conversation) -> None:
        if conversation.is_connected:
            flow.end_customer(self._org, conversation, "client")
