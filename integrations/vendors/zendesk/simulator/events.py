"""The Conversations webhook: who gets which event, batches, the secret, retries.

Imitates the delivery rules of webhook v2: several events in one body, up to 5 attempts within 15
minutes, 20 seconds to answer, and five statuses after which Zendesk does not try again.
"""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urljoin

from integrations.contract.errors import ConnectorError
from integrations.http.client import HttpClient
from integrations.simulators.webhooks import RetryPlan, WebhookSender
from integrations.vendors.zendesk.simulator.account import Account
from integrations.vendors.zendesk.simulator.state import Conversation, Webhook, new_id, time_text

NOT_RETRIED = (400, 401, 403, 404, 406)
PAUSES = (5.0, 30.0, 120.0, 600.0)
PLAN = RetryPlan(timeout_seconds=20.0, pauses=PAUSES, is_retried=lambda s: s not in NOT_RETRIED)
# So many of the first messages of a conversation's live agents can be posted again later.
OLDEST_KEPT = 20
Payload = Callable[[Webhook], Mapping[str, Any]]
Event = dict[str, Any]


class EventOffice:
    """Turns what happens into events and hands them to the subscribed webhooks."""

    def __init__(self, account: Account) -> None:
        self.sender = WebhookSender(PLAN, user_agent="Zendesk Webhook")
        self.probes: list[dict[str, Any]] = []
        self._account = account
        self._lock = threading.Lock()
        self._waiting: dict[str, list[Event]] = {}
        self._timer: threading.Timer | None = None
        self._duplicates: list[str | None] = []
        self._swaps: list[str | None] = []
        self._held: dict[str, Event] = {}
        self._oldest: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
        self._wrong_secrets = 0

    def receivers(self, conversation: Conversation) -> set[str]:
        """Return the integrations that get a conversation's events as it stands."""
        wanted = {conversation.active, conversation.pending}
        return {
            one.integration_id
            for one in self._account.switchboard_integrations()
            if one.switchboard_integration_id in wanted
            or one.deliver_standby_events
            or not self._account.switches.is_switchboard_enabled
        }

    def publish(
        self,
        kind: str,
        payload: Payload,
        *,
        conversation: Conversation | None = None,
        also: Iterable[str] = (),
    ) -> None:
        """Give an event to every subscribed webhook whose integration is to have it."""
        for webhook in self._account.webhooks():
            is_meant = (
                conversation is None
                or webhook.integration_id in self.receivers(conversation)
                or webhook.integration_id in also
            )
            if is_meant and kind in webhook.triggers and webhook.target:
                event = self._event(kind, payload(webhook))
                self._queue(webhook, event)
                if conversation is not None and _is_said_by_agent(event):
                    oldest = self._oldest[conversation.conversation_id, webhook.webhook_id]
                    oldest.extend([event] if len(oldest) < OLDEST_KEPT else [])

    def publish_oldest(self, count: int) -> None:
        """Post the oldest messages of each conversation's live agents again, ids and times too."""
        for webhook in self._account.webhooks():
            for (_conversation_id, webhook_id), events in self._oldest.items():
                for event in events[:count] if webhook_id == webhook.webhook_id else ():
                    self._queue(webhook, event)

    def publish_raw(self, event: Mapping[str, Any]) -> None:
        """Give an event no contract mentions to every webhook."""
        for webhook in self._account.webhooks():
            if webhook.target:
                self._queue(webhook, {**self._event("", {}), **event})

    def post_oversized(self) -> None:
        """Send every webhook a body far beyond what a receiver should take."""
        self._flush()
        for webhook in self._account.webhooks():
            filler = self._event("conversation:filler", {"filler": "x" * 12_000_000})
            self._post(webhook, [filler])

    def probe(self) -> None:
        """Ask the root of every target whether it is there, as saving an integration may."""
        for webhook in self._account.webhooks():
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

    def duplicate_next(self, kind: str | None) -> None:
        """Deliver the next event (of this type) twice."""
        self._duplicates.append(kind)

    def swap_next_two(self, kind: str | None) -> None:
        """Deliver the next event (of this type) after the one that follows it."""
        self._swaps.append(kind)

    def spoil_secrets(self, count: int) -> None:
        """Send the next deliveries with a wrong X-API-Key."""
        self._wrong_secrets += count

    def forget(self) -> None:
        """Forget what waits, what was sent and what was planned."""
        self._stop_timer()
        with self._lock:
            for planned in (self._waiting, self._held, self._duplicates, self._swaps):
                planned.clear()
            self._oldest.clear()
            self._wrong_secrets = 0
        self.probes.clear()
        self.sender.forget()

    def close(self) -> None:
        """Stop delivering."""
        self._stop_timer()
        self.sender.close()

    # -- Batches ------------------------------------------------------------------------------

    def _event(self, kind: str, payload: Mapping[str, Any]) -> Event:
        created_at = time_text(self._account.now_ms())
        return {"id": new_id(), "createdAt": created_at, "type": kind, "payload": dict(payload)}

    def _queue(self, webhook: Webhook, event: Event) -> None:
        with self._lock:
            held = self._held.pop(webhook.webhook_id, None)
            if held is None and _take(self._swaps, event["type"]):
                self._held[webhook.webhook_id] = event
                return
            waiting = self._waiting.setdefault(webhook.webhook_id, [])
            waiting.append(event)
            if held is not None:
                waiting.append(held)
            if self._timer is None:
                self._timer = threading.Timer(
                    self._account.switches.batch_window_ms / 1000, self._flush
                )
                self._timer.daemon = True
                self._timer.start()

    def _flush(self) -> None:
        with self._lock:
            self._timer = None
            waiting, self._waiting = self._waiting, {}
        with self._account.lock:
            webhooks = self._account.webhooks()
        for webhook in webhooks:
            events = waiting.get(webhook.webhook_id, [])
            if not events:
                continue
            self._post(webhook, events)
            for event in events:
                if _take(self._duplicates, event["type"]):
                    self._post(webhook, [event])

    def _stop_timer(self) -> None:
        with self._lock:
            timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _post(self, webhook: Webhook, events: list[Event]) -> None:
        speed = self._account.switches.retry_speed
        self.sender.plan = replace(PLAN, pauses=tuple(pause / speed for pause in PAUSES))
        secret = webhook.secret
        if self._wrong_secrets:
            self._wrong_secrets -= 1
            secret = "not-the-shared-secret"  # noqa: S105 - wrong on purpose
        body = {
            "app": {"id": self._account.switches.app_id},
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


def _is_said_by_agent(event: Event) -> bool:
    author = event["payload"].get("message", {}).get("author", {})
    return "agent" in author.get("subtypes", ())


def _take(planned: list[str | None], kind: str) -> bool:
    for wanted in planned:
        if wanted in (None, kind):
            planned.remove(wanted)
            return True
    return False
