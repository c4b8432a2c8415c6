"""The simulated inbound calls of Open Messaging: messages, files, typing, receipts, answers.

Imitates developer.genesys.cloud/commdigital/digital/openmessaging (inboundTextMessages,
inboundEventMessages, inboundReceiptMessages, inboundStructuredResponseMessages).
"""

from __future__ import annotations

import fnmatch
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from integrations.contract.errors import ConnectorError
from integrations.http.client import HttpClient
from integrations.vendors.genesys.simulator import checks, flow, outbound
from integrations.vendors.genesys.simulator.checks import Body, VendorError, invalid_value
from integrations.vendors.genesys.simulator.requests import Endpoints, accepted
from integrations.vendors.genesys.simulator.rich import asks_for_any_day, offered
from integrations.vendors.genesys.simulator.state import (
    Conversation,
    Integration,
    Message,
    new_id,
    new_message_id,
    written,
)
from integrations.vendors.genesys.simulator.world import Org

RECEIVE = "conversation:message:receive"
FETCH_SECONDS = 10.0


class InboundEndpoints(Endpoints):
    """What the portal sends on behalf of the end user."""

    async def message(self, request: Request) -> Response:
        """POST .../inbound/open/message"""
        integration = self._receiver(request)
        body = await self._body(request)
        checks.check_message(body)
        is_prefetched = request.query_params.get("prefetchConversationId", "").lower() == "true"
        with self._simulator.change():
            conversation, message = take_message(
                self._org, self._simulator.change, integration, body
            )
            shown = is_prefetched and self._org.switches.is_prefetch_answered
            answer = message_object(integration, body, message, conversation.id if shown else None)
        return self._accepted(answer)

    async def event(self, request: Request) -> Response:
        """POST .../inbound/open/event"""
        integration = self._receiver(request)
        body = await self._body(request)
        checks.check_event(body)
        with self._simulator.change():
            take_typing(self._org, integration, body)
        return self._accepted(event_object(integration, body))

    async def receipt(self, request: Request) -> Response:
        """POST .../inbound/open/receipt"""
        integration = self._receiver(request)
        body = await self._body(request)
        checks.check_receipt(body)
        with self._simulator.change():
            take_receipt(self._org, integration, body)
        return self._accepted(receipt_object(integration, body))

    async def structured(self, request: Request) -> Response:
        """POST .../inbound/open/structured/response"""
        integration = self._receiver(request)
        body = await self._body(request)
        checks.check_structured(body)
        with self._simulator.change():
            _, message = take_structured(self._org, self._simulator.change, integration, body)
        return self._accepted(structured_object(integration, body, message))

    async def deprecated(self, request: Request) -> Response:
        """POST /api/v2/conversations/messages/inbound/open, which names its integration inside"""
        self._authorise(request, RECEIVE)
        body = await self._body(request)
        checks.check_deprecated(body)
        is_receipt = body["type"] == "Receipt"
        channel = body["channel"]
        integration = self._integration(
            checks.text(channel, "id") if is_receipt else channel["to"]["id"]
        )
        with self._simulator.change():
            if is_receipt:
                checks.check_receipt(body)
                take_receipt(self._org, integration, body)
                return self._accepted(receipt_object(integration, body))
            checks.check_message(body)
            _, message = take_message(self._org, self._simulator.change, integration, body)
        answer = message_object(integration, body, message, None)
        return self._accepted({**answer, "direction": "Inbound"})

    def _receiver(self, request: Request) -> Integration:
        self._authorise(request, RECEIVE)
        return self._integration(request.path_params["integration_id"])

    def _accepted(self, answer: object) -> Response:
        return accepted(answer, self._org.switches.success_status)


# -- What is done with them -----------------------------------------------------------------------


def take_message(
    org: Org, change: flow.Change, integration: Integration, body: Body
) -> tuple[Conversation, Message]:
    """Add the end user's message to its conversation, and begin that where there is none."""
    attributes = checks.custom_attributes(body)
    sender = body["channel"]["from"]
    conversation, is_new = flow.conversation_for(org, integration.id, sender, attributes)
    content = [_kept_content(one) for one in body.get("content") or []]
    message = add_inbound(
        conversation,
        body,
        Message(
            participant_id=conversation.customer.id,
            direction="inbound",
            text=body.get("text"),
            content=[one for one in content if _is_let_in(org, one)],
            metadata=dict(body.get("metadata") or {}),
        ),
    )
    if is_new:
        flow.begin_flow(org, conversation, change)
    if integration.flow_id is None:
        org.refused.add(message.id)
        outbound.post_receipt(org, conversation, message.id, "Failed", "GeneralError")
    for one in message.content:
        _fetch(org, conversation, message, one["attachment"])
    return conversation, message


def add_inbound(conversation: Conversation, body: Body, message: Message) -> Message:
    """Append a message of the end user's."""
    message.provider_message_id = body["channel"].get("messageId") or ""
    message.sender_name = conversation.customer.name
    conversation.typing_until = 0.0
    if body.get("metadata"):
        conversation.metadata.append(dict(body["metadata"]))
    return conversation.add(message)


def take_typing(org: Org, integration: Integration, body: Body) -> None:
    """Show that the end user types, if the platform configuration lets that in."""
    conversation = org.latest(integration.id, body["channel"]["from"]["id"])
    if conversation is not None and org.switches.typing_inbound:
        conversation.typing_until = time.monotonic() + org.switches.typing_seconds


def take_receipt(org: Org, integration: Integration, body: Body) -> None:
    """Note on the agent's side what became of an outbound message."""
    found = org.message(body["id"])
    if found is None or found[0].integration_id != integration.id:
        raise VendorError(404, "The requested message was not found.")
    conversation, message = found
    if message.direction != "outbound" or body["channel"]["to"]["id"] != conversation.external_id:
        raise VendorError(404, "The requested message was not found.")
    is_delivered = body["status"] == "Delivered"
    message.status = "delivery-success" if is_delivered else "delivery-failed"
    message.receipts.append(receipt_object(integration, body))


def take_structured(
    org: Org, change: flow.Change, integration: Integration, body: Body
) -> tuple[Conversation, Message]:
    """Add the end user's answer to a button."""
    sender = body["channel"]["from"]
    _check_offered(org, integration, body)
    conversation, is_new = flow.conversation_for(org, integration.id, sender, {})
    response = {**body["buttonResponse"], "originatingMessageId": body["originatingMessageId"]}
    message = Message(
        participant_id=conversation.customer.id,
        direction="inbound",
        type="Structured",
        text=response["text"],
        content=[{"contentType": "ButtonResponse", "buttonResponse": response}],
    )
    add_inbound(conversation, body, message)
    if is_new:
        flow.begin_flow(org, conversation, change)
    return conversation, message


def _check_offered(org: Org, integration: Integration, body: Body) -> None:
    """Take an answer to what was offered to this very person alone."""
    found = org.message(body["originatingMessageId"])
    if found is None or found[1].direction != "outbound":
        raise VendorError(404, "The originating message was not found.")
    conversation, message = found
    if (conversation.integration_id, conversation.external_id) != (
        integration.id,
        body["channel"]["from"]["id"],
    ):
        raise VendorError(404, "The originating message was not found.")
    kind, payload = body["buttonResponse"]["type"], body["buttonResponse"]["payload"]
    if kind == "DatePicker" and asks_for_any_day(message.content):
        return
    options = offered(message.content)
    if (kind, payload) not in options:
        raise invalid_value(payload, "payload", sorted(one for _, one in options))


# -- Answers --------------------------------------------------------------------------------------


def channel_object(integration: Integration, body: Body, *, is_receipt: bool = False) -> Body:
    """Return the channel as answers repeat it."""
    given = body["channel"]
    found: dict[str, Any] = {
        "id": integration.id,
        "platform": "Open",
        "type": "Private",
        "to": dict(given["to"]) if is_receipt else {"id": integration.id},
        "time": written(checks.time(given, "time")),
    }
    if is_receipt:
        found["from"] = {"id": integration.id}
    else:
        found["from"] = dict(given["from"])
    if given.get("messageId"):
        found["messageId"] = given["messageId"]
    return found


def message_object(
    integration: Integration, body: Body, message: Message, conversation_id: str | None
) -> dict[str, Any]:
    """Return an OpenMessageNormalizedMessage; the conversation's id only when it was asked for."""
    found: dict[str, Any] = {
        "id": message.id,
        "channel": channel_object(integration, body),
        "type": "Text",
    }
    if message.text is not None:
        found["text"] = message.text
    if message.content:
        found["content"] = message.content
    if message.metadata:
        found["metadata"] = message.metadata
    if conversation_id is not None:
        found["conversationId"] = conversation_id
    return found


def event_object(integration: Integration, body: Body) -> dict[str, Any]:
    """Return an OpenEventNormalizedMessage."""
    return {
        "id": new_message_id(),
        "channel": channel_object(integration, body),
        "type": "Event",
        "events": [{"eventType": one["eventType"]} for one in body["events"]],
    }


def receipt_object(integration: Integration, body: Body) -> dict[str, Any]:
    """Return an OpenReceiptNormalizedMessage."""
    return {
        "id": body["id"],
        "channel": channel_object(integration, body, is_receipt=True),
        "type": "Receipt",
        "status": body["status"],
        "reasons": list(body.get("reasons") or []),
        "isFinalReceipt": body.get("isFinalReceipt", True),
        "direction": "Outbound",
    }


def structured_object(integration: Integration, body: Body, message: Message) -> dict[str, Any]:
    """Return an OpenStructuredResponseNormalizedMessage."""
    return {
        "id": message.id,
        "channel": channel_object(integration, body),
        "type": "Structured",
        "direction": "Inbound",
        "content": [
            {"contentType": "ButtonResponse", "buttonResponse": dict(body["buttonResponse"])}
        ],
    }


# -- The end user's files -------------------------------------------------------------------------


def _kept_content(one: Body) -> dict[str, Any]:
    attachment = dict(one["attachment"])
    attachment.setdefault("id", new_id())
    return {"contentType": "Attachment", "attachment": attachment}


def _is_let_in(org: Org, content: Body) -> bool:
    """The content profile drops what it does not allow, and says nothing."""
    mime_type = content["attachment"]["mime"]
    return any(fnmatch.fnmatch(mime_type, one) for one in org.switches.inbound_media_types)


def _fetch(org: Org, conversation: Conversation, message: Message, attachment: Body) -> None:
    url = attachment["url"]
    if attachment["mediaType"] == "Link":
        return

    async def fetch(client: HttpClient) -> None:
        try:
            answer = await client.request("attachment", "GET", url, timeout=FETCH_SECONDS)
        except ConnectorError:
            org.refused.add(message.id)
            outbound.post_receipt(org, conversation, message.id, "Failed", "UnsupportedMessage")
            return
        org.fetched[attachment["id"]] = answer.body

    org.sender.run(fetch)
