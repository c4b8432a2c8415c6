"""The second webhook system: ticket events, one to a request, with a key and a signature.

Imitates the event-webhook schemas of Zendesk's ticket events and its webhook verification.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from integrations.simulators.webhooks import RetryPlan, WebhookSender
from integrations.vendors.zendesk.simulator.account import Account
from integrations.vendors.zendesk.simulator.state import Ticket
from integrations.vendors.zendesk.simulator.switches import (
    ASSIGNMENT_CHANGED,
    MESSAGE_ADDED,
    STATUS_CHANGED,
)

PAUSES = (2.0, 4.0, 8.0, 16.0, 32.0)
# 429 and 503 are tried again only when a short Retry-After asks for it, which is not imitated.
PLAN = RetryPlan(timeout_seconds=12.0, pauses=PAUSES, is_retried=lambda status: status == 409)


class TicketEventOffice:
    """Tells the ticket webhook what becomes of tickets."""

    def __init__(self, account: Account) -> None:
        self.sender = WebhookSender(PLAN, user_agent="Zendesk Webhook")
        self._account = account

    def status_changed(self, ticket: Ticket, previous: str, actor_id: int) -> None:
        """Tell of a new status."""
        event = {"current": ticket.status, "previous": previous}
        self._publish(STATUS_CHANGED, ticket, event, actor_id)

    def assignment_changed(self, ticket: Ticket, previous: int | None, actor_id: int) -> None:
        """Tell of a new assignee, or that there is none any more."""
        event = {"current": _text(ticket.assignee_id), "previous": _text(previous)}
        self._publish(ASSIGNMENT_CHANGED, ticket, event, actor_id)

    def message_added(
        self, ticket: Ticket, actor: Mapping[str, Any], message: Mapping[str, str]
    ) -> None:
        """Tell of a message in a messaging ticket."""
        event = {"actor": dict(actor), "message": dict(message)}
        self._publish(MESSAGE_ADDED, ticket, event, ticket.requester_id)

    def _publish(self, kind: str, ticket: Ticket, event: Mapping[str, Any], actor_id: int) -> None:
        switches = self._account.switches
        if not switches.ticket_webhook_target or kind not in switches.ticket_webhook_events:
            return
        ticket.events_told += 1
        body = {
            "account_id": switches.account_id,
            "id": str(uuid.uuid4()),
            "time": _second(self._account.now_ms()),
            "type": kind,
            "subject": f"zen:ticket:{ticket.ticket_id}",
            "zendesk_event_version": "2022-11-06",
            "event": {
                **event,
                "meta": {
                    "sequence": {"id": f"01HV{ticket.ticket_id}", "position": ticket.events_told}
                },
            },
            "detail": self._detail(ticket, actor_id),
        }
        self._post(kind, json.dumps(body).encode(), lane=str(ticket.ticket_id))

    def _detail(self, ticket: Ticket, actor_id: int) -> dict[str, Any]:
        has_tags = self._account.switches.ticket_events_have_tags
        return {
            "id": str(ticket.ticket_id),
            "status": ticket.status,
            "type": "",
            "subject": ticket.subject,
            "description": ticket.description,
            "priority": (ticket.priority or "normal").upper(),
            "is_public": True,
            "requester_id": _text(ticket.requester_id),
            "submitter_id": _text(ticket.submitter_id),
            "assignee_id": _text(ticket.assignee_id),
            "actor_id": _text(actor_id),
            "group_id": _text(ticket.group_id),
            "brand_id": _text(ticket.brand_id),
            "organization_id": _text(ticket.organization_id),
            "form_id": _text(ticket.form_id),
            "custom_status": "",
            "external_id": ticket.external_id,
            "tags": ticket.tags if has_tags else [],
            "via": {"channel": ticket.via},
            "created_at": _second(ticket.created_ms),
            "updated_at": _second(ticket.updated_ms),
        }

    def _post(self, kind: str, body: bytes, *, lane: str) -> None:
        switches = self._account.switches
        at = _second(self._account.now_ms())
        secret = switches.ticket_webhook_signing_secret.encode()
        signature = hmac.new(secret, at.encode() + body, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "x-zendesk-account-id": str(switches.account_id),
            "x-zendesk-webhook-id": switches.ticket_webhook_id,
            "x-zendesk-webhook-invocation-id": uuid.uuid4().hex,
            "x-zendesk-webhook-signature": base64.b64encode(signature).decode(),
            "x-zendesk-webhook-signature-timestamp": at,
        }
        if switches.ticket_webhook_key:
            headers[switches.ticket_webhook_header] = switches.ticket_webhook_key
        pauses = tuple(pause / switches.retry_speed for pause in PAUSES)
        self.sender.plan = replace(PLAN, pauses=pauses)
        self.sender.post(switches.ticket_webhook_target, headers, body, lane=lane, label=kind)


def _text(identifier: int | None) -> str | None:
    return None if identifier is None else str(identifier)


def _second(milliseconds: int) -> str:
    at = datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
