"""The simulated inbound calls of Open Messaging: messages, files, typing, receipts, answers.

Imitates developer.genesys.cloud/commdigital/digital/openmessaging (inboundTextMessages,
inboundEventMessages, inboundReceiptMessages, inboundStructuredResponseMessages).
"""

from __future__ import annotations

import fnmatch
import time
from typing import Any

from integrations.contract.errors import ConnectorError
from integrations.http.client import HttpClient
from integrations.simulators.answers import AsciiJSONResponse
from integrations.vendors.genesys.simulator import checks, flow, outbound
from integrations.vendors.genesys.simulator.app import Call, Operations, known
from integrations.vendors.genesys.simulator.checks import Body, invalid_value
from integrations.vendors.genesys.simulator.rich import asks_for_any_day, offered
from integrations.vendors.genesys.simulator.state import (
    Conversation,
    Integration,
    Message,
    new_id,
    new_message_id,
    written,
)
from integrations.vendors.genesys.simulator.view import CONVERSATIONS
from integrations.vendors.genesys.simulator.world import Org

RECEIVE = "conversation:message:receive"
FETCH_SECONDS = 10.0
INBOUND = CONVERSATIONS + "/{integration_id}/inbound/open"
OPERATIONS = Operations()


@OPERATIONS("POST", INBOUND + "/message", RECEIVE)
def _message(call: Call) -> object:
    integration, body = call.integration(), call.body
    conversation, answer = _taken(call, integration, body)
    is_prefetched = call.query("prefetchConversationId").lower() == "true"
    if is_prefetched and call.org.switches.is_prefetch_answered:
        answer["conversationId"] = conversation.id
    return _accepted(call, answer)


@OPERATIONS("POST", INBOUND + "/event", RECEIVE)
def _event(call: Call) -> object:
    """Show that the end user types, if the platform configuration lets that in."""
    integration, body = call.integration(), call.body
    checks.check_event(body)
    conversation = call.org.latest(integration.id, body["channel"]["from"]["id"])
    if conversation is not None and call.org.switches.typing_inbound:
        conversation.typing_until = time.monotonic() + call.org.switches.typing_seconds
    answer = {
        "id": new_message_id(),
        "channel": _channel(integration, body),
        "type": "Event",
        "events": [{"eventType": one["eventType"]} for one in body["events"]],
    }
    return _accepted(call, answer)


@OPERATIONS("POST", INBOUND + "/receipt", RECEIVE)
def _receipt(call: Call) -> object:
    return _accepted(call, _confirmed(call.org, call.integration(), call.body))


@OPERATIONS("POST", INBOUND + "/structured/response", RECEIVE)
def _structured(call: Call) -> object:
    """Add the end user's answer to a button."""
    integration, body = call.integration(), call.body
    checks.check_structured(body)
    _check_offered(call.org, integration, body)
    button = dict(body["buttonResponse"])
    response = {**button, "originatingMessageId": body["originatingMessageId"]}
    message = Message(
        direction="inbound",
        type="Structured",
        text=button["text"],
        content=[{"contentType": "ButtonResponse", "buttonResponse": response}],
    )
    _add(call, integration, body, message)
    answer = {
        "id": message.id,
        "channel": _channel(integration, body),
        "type": "Structured",
        "direction": "Inbound",
        "content": [{"contentType": "ButtonResponse", "buttonResponse": button}],
    }
    return _accepted(call, answer)


@OPERATIONS("POST", CONVERSATIONS + "/inbound/open", RECEIVE)
def _deprecated(call: Call) -> object:
    """Take the older call, which names its integration inside."""
    body = call.body
    checks.check_deprecated(body)
    channel, is_receipt = body["channel"], body["type"] == "Receipt"
    name = checks.text(channel, "id") if is_receipt else channel["to"]["id"]
    integration = call.integration(name)
    if is_receipt:
        return _accepted(call, _confirmed(call.org, integration, body))
    _, answer = _taken(call, integration, body)
    return _accepted(call, {**answer, "direction": "Inbound"})


def _accepted(call: Call, answer: object) -> object:
    return AsciiJSONResponse(answer, status_code=call.org.switches.success_status)


# -- What is done with them -----------------------------------------------------------------------


def _taken(call: Call, integration: Integration, body: Body) -> tuple[Conversation, dict[str, Any]]:
    """Add the end user's message to its conversation, and begin that where there is none."""
    checks.check_message(body)
    org = call.org
    content = [_kept_content(one) for one in body.get("content") or []]
    message = Message(
        direction="inbound",
        text=body.get("text"),
        content=[one for one in content if _is_let_in(org, one)],
        metadata=dict(body.get("metadata") or {}),
    )
    conversation = _add(call, integration, body, message)
    if integration.flow_id is None:
        org.refused.add(message.id)
        outbound.post_receipt(org, conversation, message.id, "Failed", "GeneralError")
    for one in message.content:
        _fetch(org, conversation, message, one["attachment"])
    answer = {"id": message.id, "channel": _channel(integration, body), "type": "Text"}
    metadata = {"metadata": message.metadata} if message.metadata else {}
    return conversation, answer | message.shown() | metadata


def _add(call: Call, integration: Integration, body: Body, message: Message) -> Conversation:
    """Append a message of the end user's to their conversation, which it may begin."""
    sender, attributes = body["channel"]["from"], checks.custom_attributes(body)
    conversation, is_new = flow.conversation_for(call.org, integration.id, sender, attributes)
    message.participant_id = conversation.customer.id
    message.provider_message_id = body["channel"].get("messageId") or ""
    message.sender_name = conversation.customer.name
    conversation.typing_until = 0.0
    if message.metadata:
        conversation.metadata.append(message.metadata)
    conversation.add(message)
    if is_new:
        flow.begin_flow(call.org, conversation, call.change)
    return conversation


def _confirmed(org: Org, integration: Integration, body: Body) -> dict[str, Any]:
    """Note on the agent's side what became of an outbound message."""
    checks.check_receipt(body)
    message = _outbound(org, integration, body["id"], body["channel"]["to"]["id"])
    is_delivered = body["status"] == "Delivered"
    message.status = "delivery-success" if is_delivered else "delivery-failed"
    receipt = {
        "id": body["id"],
        "channel": _channel(integration, body, is_receipt=True),
        "type": "Receipt",
        "status": body["status"],
        "reasons": list(body.get("reasons") or []),
        "isFinalReceipt": body.get("isFinalReceipt", True),
        "direction": "Outbound",
    }
    message.receipts.append(receipt)
    return receipt


def _check_offered(org: Org, integration: Integration, body: Body) -> None:
    """Take an answer to what was offered to this very person alone."""
    wanted, person = body["originatingMessageId"], body["channel"]["from"]["id"]
    message = _outbound(org, integration, wanted, person, kind="originating message")
    kind, payload = body["buttonResponse"]["type"], body["buttonResponse"]["payload"]
    if kind == "DatePicker" and asks_for_any_day(message.content):
        return
    options = offered(message.content)
    if (kind, payload) not in options:
        raise invalid_value(payload, "payload", sorted(one for _, one in options))


def _outbound(
    org: Org, integration: Integration, message_id: str, person: str, *, kind: str = "message"
) -> Message:
    """Return a message that was sent to a person of an integration."""
    conversation, message = known(org.message(message_id), kind)
    is_theirs = (conversation.integration_id, conversation.external_id) == (integration.id, person)
    return known(message if is_theirs and message.direction == "outbound" else None, kind)


def _channel(integration: Integration, body: Body, *, is_receipt: bool = False) -> Body:
    """Return the channel as answers repeat it."""
    given, us = body["channel"], {"id": integration.id}
    named = {"messageId": given["messageId"]} if given.get("messageId") else {}
    return {
        "id": integration.id,
        "platform": "Open",
        "type": "Private",
        "to": dict(given["to"]) if is_receipt else us,
        "from": us if is_receipt else dict(given["from"]),
        "time": written(checks.time(given, "time")),
        **named,
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
