"""The simulated inbound calls of Open Messaging: message, event, receipt, structured response.

Imitates developer.genesys.cloud/commdigital/digital/openmessaging (inboundTextMessages,
inboundEventMessages, inboundReceiptMessages, inboundStructuredResponseMessages).
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from integrations.vendors.genesys.simulator import checks, inbound
from integrations.vendors.genesys.simulator.requests import Endpoints, accepted
from integrations.vendors.genesys.simulator.state import Integration

RECEIVE = "conversation:message:receive"


class InboundEndpoints(Endpoints):
    """What the portal sends on behalf of the end user."""

    async def message(self, request: Request) -> Response:
        """POST .../inbound/open/message"""
        integration = self._receiver(request)
        body = await self._body(request)
        checks.check_message(body)
        is_prefetched = request.query_params.get("prefetchConversationId", "").lower() == "true"
        with self._simulator.change():
            conversation, message = inbound.take_message(
                self._org, self._simulator.change, integration, body
            )
            shown = is_prefetched and self._org.switches.is_prefetch_answered
            answer = inbound.message_object(
                integration, body, message, conversation.id if shown else None
            )
        return self._accepted(answer)

    async def event(self, request: Request) -> Response:
        """POST .../inbound/open/event"""
        integration = self._receiver(request)
        body = await self._body(request)
        checks.check_event(body)
        with self._simulator.change():
            inbound.take_typing(self._org, integration, body)
        return self._accepted(inbound.event_object(integration, body))

    async def receipt(self, request: Request) -> Response:
        """POST .../inbound/open/receipt"""
        integration = self._receiver(request)
        body = await self._body(request)
        checks.check_receipt(body)
        with self._simulator.change():
            inbound.take_receipt(self._org, integration, body)
        return self._accepted(inbound.receipt_object(integration, body))

    async def structured(self, request: Request) -> Response:
        """POST .../inbound/open/structured/response"""
        integration = self._receiver(request)
        body = await self._body(request)
        checks.check_structured(body)
        with self._simulator.change():
            _, message = inbound.take_structured(
                self._org, self._simulator.change, integration, body
            )
        return self._accepted(inbound.structured_object(integration, body, message))

    async def deprecated(self, request: Request) -> Response:
        """POST /api/v2/conversations/messages/inbound/open, which names its integration inside"""
        self._authorise(request, RECEIVE)
        body = await self._body(request)
        checks.check_deprecated(body)
        is_receipt = body["type"] == "Receipt"
        channel = body["channel"]
        integration = self._integration(channel["id"] if is_receipt else channel["to"]["id"])
        with self._simulator.change():
            if is_receipt:
                checks.check_receipt(body)
                inbound.take_receipt(self._org, integration, body)
                return self._accepted(inbound.receipt_object(integration, body))
            checks.check_message(body)
            _, message = inbound.take_message(self._org, self._simulator.change, integration, body)
        answer = inbound.message_object(integration, body, message, None)
        return self._accepted({**answer, "direction": "Inbound"})

    def _receiver(self, request: Request) -> Integration:
        self._authorise(request, RECEIVE)
        return self._integration(request.path_params["integration_id"])

    def _accepted(self, answer: object) -> Response:
        return accepted(answer, self._org.switches.success_status)
