"""The account's two webhook systems: conversation events in batches, ticket events one by one.

Imitates the delivery rules of webhook v2 (several events in one body, up to 5 attempts within 15
minutes, 20 seconds to answer, five statuses after which Zendesk does not try again), and for
tickets the event-webhook schemas of Zendesk's ticket events and its webhook verification.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import json
import threading
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

from integrations.contract.errors import ConnectorError
from integrations.http.client import HttpClient
from integrations.simulators.events.faults import EventFaults
from integrations.simulators.webhooks import RetryPlan, WebhookSender
from integrations.vendors.zendesk.simulator.records import (
    Conversation,
    Message,
    Ticket,
    User,
    Webhook,
    new_id,
    time_text,
)

if TYPE_CHECKING:
    from integrations.vendors.zendesk.simulator.world import ZendeskWorld

STATUS_CHANGED = "zen:event-type:ticket.status_changed"
ASSIGNMENT_CHANGED = "zen:event-type:ticket.agent_assignment_changed"
MESSAGE_ADDED = "zen:event-type:messaging_ticket.message_added"
NOT_RETRIED = (400, 401, 403, 404, 406)
PLAN = RetryPlan(
    timeout_seconds=20.0,
    pauses=(5.0, 30.0, 120.0, 600.0),
    is_retried=lambda status: status not in NOT_RETRIED,
)
# 429 and 503 are tried again only when a short Retry-After asks for it, which is not imitated.
TICKET_PLAN = RetryPlan(
    timeout_seconds=12.0,
    pauses=(2.0, 4.0, 8.0, 16.0, 32.0),
    is_retried=lambda status: status == 409,
)
TICKET_IDS = (
    *("requester_id", "submitter_id", "assignee_id", "group_id"),
    *("brand_id", "organization_id", "form_id"),
)
# So many of the first messages of a conversation's live agents can be posted again later.
OLDEST_KEPT = 20
Event = dict[str, Any]


class EventOffice:
    """Turns what happens into events and hands them to the subscribed webhooks."""

    def __init__(self, world: ZendeskWorld) -> None:
        self.sender = WebhookSender(PLAN, user_agent="Zendesk Webhook")
        self.probes: list[dict[str, Any]] = []
        self._world = world
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Event]] = {}
        self._timer: threading.Timer | None = None
        self.faults: EventFaults[Event] = EventFaults()
        self._oldest: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
        # So many of the next deliveries have a wrong X-API-Key.
        self.wrong_secrets = 0

    def receivers(self, conversation: Conversation) -> set[str]:
        """Return the integrations that get a conversation's events as it stands."""
        wanted = {conversation.active, conversation.pending}
        return {
            one.integration_id
            for one in self._world.switchboard_integrations()
            if one.switchboard_integration_id in wanted
            or one.deliver_standby_events
            or not self._world.switches.is_switchboard_enabled
        }

    def publish(
        self,
        kind: str,
        payload: Mapping[str, Any],
        *,
        conversation: Conversation | None = None,
        also: Iterable[str] = (),
    ) -> None:
        """Give an event to every subscribed webhook whose integration is to have it.

        A User in the payload is written as each webhook wants users.
        """
        heard = set(also) | (self.receivers(conversation) if conversation else set())
        for webhook in self._world.webhooks():
            is_meant = conversation is None or webhook.integration_id in heard
            if is_meant and kind in webhook.triggers and webhook.target:
                event = self._event(kind, _written(payload, webhook))
                self._queue(webhook, event)
                if conversation is not None and _is_said_by_agent(event):
                    oldest = self._oldest[conversation.conversation_id, webhook.webhook_id]
                    oldest.extend([event] if len(oldest) < OLDEST_KEPT else [])

    def publish_oldest(self, count: int) -> None:
        """Post the oldest messages of each conversation's live agents again, ids and times too."""
        for webhook in self._world.webhooks():
            for (_conversation_id, webhook_id), events in self._oldest.items():
                for event in events[:count] if webhook_id == webhook.webhook_id else ():
                    self._queue(webhook, event)

    def publish_raw(self, event: Mapping[str, Any]) -> None:
        """Give an event no contract mentions to every webhook."""
        for webhook in self._world.webhooks():
            if webhook.target:
                self._queue(webhook, {**self._event("", {}), **event})

    def post_oversized(self) -> None:
        """Send every webhook a body far beyond what a receiver should take."""
        self._flush()
        for webhook in self._world.webhooks():
            filler = self._event("conversation:filler", {"filler": "x" * 12_000_000})
            self._post(webhook, [filler])

    def probe(self) -> None:
        """Ask the root of every target whether it is there, as saving an integration may."""
        for webhook in self._world.webhooks():
            if webhook.target:
                root = urljoin(webhook.target, "/")
                self.sender.run(partial(self._probe, root))

    async def _probe(self, root: str, client: HttpClient) -> None:
        probe: dict[str, Any] = {"url": root, "label": "HEAD", "posted_at": time.time()}
        self.probes.append(probe)
        try:
            answer = await client.request("probe", "HEAD", root, returns=range(100, 600))
        except ConnectorError as error:
            probe["error"] = str(error)
        else:
            probe["status"] = answer.status

    def forget(self) -> None:
        """Forget what waits, what was sent and what was planned."""
        self._stop_timer()
        with self._lock:
            self._waiting.clear()
            self.faults.forget()
            self._oldest.clear()
            self.wrong_secrets = 0
        self.probes.clear()
        self.sender.forget()

    def close(self) -> None:
        """Stop delivering."""
        self._stop_timer()
        self.sender.close()

    # -- Batches ------------------------------------------------------------------------------

    def _event(self, kind: str, payload: Any) -> Event:
        created_at = time_text(self._world.now_ms())
        return {"id": new_id(), "createdAt": created_at, "type": kind, "payload": payload}

    def _queue(self, webhook: Webhook, event: Event) -> None:
        with self._lock:
            lane = webhook.webhook_id
            arriving = self.faults.arriving(event, label=event["type"], lane=lane)
            self._waiting.setdefault(lane, []).extend(arriving)
            if arriving and self._timer is None:
                window = self._world.switches.batch_window_ms / 1000
                self._timer = threading.Timer(window, self._flush)
                self._timer.daemon = True
                self._timer.start()

    def _flush(self) -> None:
        with self._lock:
            self._timer = None
            waiting, self._waiting = self._waiting, {}
        with self._world.lock:
            webhooks = self._world.webhooks()
        for webhook in webhooks:
            events = waiting.get(webhook.webhook_id, [])
            repeats = [event for place, event in enumerate(events) if event in events[:place]]
            if events:
                self._post(webhook, list({event["id"]: event for event in events}.values()))
            for event in repeats:
                self._post(webhook, [event])

    def _stop_timer(self) -> None:
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None

    def _post(self, webhook: Webhook, events: list[Event]) -> None:
        self.sender.plan = _sped_up(PLAN, self._world)
        secret = webhook.secret
        if self.wrong_secrets:
            self.wrong_secrets -= 1
            secret = "not-the-shared-secret"  # noqa: S105 - wrong on purpose
        body = {
            "app": {"id": self._world.switches.app_id},
            "webhook": {"id": webhook.webhook_id, "version": "v2"},
            "events": events,
        }
        self.sender.post(
            webhook.target,
            {"Content-Type": "application/json", "X-API-Key": secret},
            json.dumps(body).encode(),
            lane=webhook.webhook_id,
            label=str(events[0]["type"]),
        )


def _written(value: Any, webhook: Webhook) -> Any:
    if isinstance(value, User):
        return value.shown() if webhook.include_full_user else value.truncated()
    if isinstance(value, Mapping):
        return {name: _written(one, webhook) for name, one in value.items()}
    return value


def _sped_up(plan: RetryPlan, world: ZendeskWorld) -> RetryPlan:
    return replace(plan, pauses=tuple(pause / world.switches.retry_speed for pause in plan.pauses))


def _is_said_by_agent(event: Event) -> bool:
    author = event["payload"].get("message", {}).get("author", {})
    return "agent" in author.get("subtypes", ())


class TicketEventOffice:
    """Tells the ticket webhook what becomes of tickets."""

    def __init__(self, world: ZendeskWorld) -> None:
        self.sender = WebhookSender(TICKET_PLAN, user_agent="Zendesk Webhook")
        self._world = world

    def status_changed(self, ticket: Ticket, previous: str, actor_id: int) -> None:
        """Tell of a new status."""
        event = {"current": ticket.status, "previous": previous}
        self._publish(STATUS_CHANGED, ticket, event, actor_id)

    def assignment_changed(self, ticket: Ticket, previous: int | None, actor_id: int) -> None:
        """Tell of a new assignee, or that there is none any more."""
        event = {"current": _id_text(ticket.assignee_id), "previous": _id_text(previous)}
        self._publish(ASSIGNMENT_CHANGED, ticket, event, actor_id)

    def message_added(self, ticket: Ticket, actor: Mapping[str, str], message: Message) -> None:
        """Tell of a message in a messaging ticket."""
        said = {"id": message.message_id, "body": message.words}
        event = {"actor": dict(actor), "message": said}
        self._publish(MESSAGE_ADDED, ticket, event, ticket.requester_id)

    def _publish(self, kind: str, ticket: Ticket, event: Mapping[str, Any], actor_id: int) -> None:
        switches = self._world.switches
        if not switches.ticket_webhook_target or kind not in switches.ticket_webhook_events:
            return
        ticket.events_told += 1
        body = {
            "account_id": switches.account_id,
            "id": str(uuid.uuid4()),
            "time": _second(self._world.now_ms()),
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
        has_tags = self._world.switches.ticket_events_have_tags
        return {
            "id": str(ticket.ticket_id),
            "status": ticket.status,
            "type": "",
            "subject": ticket.subject,
            "description": ticket.description,
            "priority": (ticket.priority or "normal").upper(),
            "is_public": True,
            "actor_id": _id_text(actor_id),
            **{name: _id_text(getattr(ticket, name)) for name in TICKET_IDS},
            "custom_status": "",
            "external_id": ticket.external_id,
            "tags": ticket.tags if has_tags else [],
            "via": {"channel": ticket.via},
            "created_at": _second(ticket.created_ms),
            "updated_at": _second(ticket.updated_ms),
        }

    def _post(self, kind: str, body: bytes, *, lane: str) -> None:
        switches = self._world.switches
        at = _second(self._world.now_ms())
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
        self.sender.plan = _sped_up(TICKET_PLAN, self._world)
        self.sender.post(switches.ticket_webhook_target, headers, body, lane=lane, label=kind)


def _id_text(identifier: int | None) -> str | None:
    return None if identifier is None else str(identifier)


def _second(milliseconds: int) -> str:
    at = datetime.datetime.fromtimestamp(milliseconds / 1000, tz=datetime.UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
