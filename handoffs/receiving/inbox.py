"""Keep what webhooks bring until the relay session of its handoff has applied it."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any, cast

from django.db import transaction
from django.db.models import F, Max, QuerySet
from django.utils import timezone

from conversations.journal import publish
from conversations.sms.inbox import calls_store
from handoffs.lifecycle.locking import Lease, handoff_leased
from handoffs.lifecycle.queueing import queue_undelivered
from handoffs.models import StoredWebhook, VendorKey
from handoffs.receiving.ordering import in_their_order, without_gaps
from handoffs.receiving.standstill import standstill_watch
from handoffs.states import FINAL_STATES, State
from integrations.connections.carriers.reading import carrier_reads, is_carrier
from integrations.connections.drafts import draft_of
from integrations.contract.connector import WebhookItem, WebhookRequest, WebhookResult
from integrations.contract.errors import WebhookVerificationError
from integrations.contract.registry import connector_class, manifest_get
from integrations.credentials.generated_values import variants
from integrations.kit.plain_json import json_cleaned, text_cleaned
from integrations.models import Integration

# An item that cannot be applied is dropped after so many tries, with a line in the log.
MAX_ATTEMPTS = 20
_SEEN_EVERY = timedelta(seconds=30)


@dataclass(slots=True)
class CallsTaken:
    """Whether a process has taken every call; the vendor repeats the others, after later ones.

    There is no end to it: who reads a vendor's history does so once for each miss, and a vendor
    that has given up repeating is the one whose history is needed most.
    """

    _missed_until: datetime | None = None

    def note_missed(self) -> None:
        """Note that a call was not taken just now."""
        self._missed_until = timezone.now()

    def missed_until(self) -> datetime:
        """Return when the last one was missed; before its first call a process took none."""
        if self._missed_until is None:
            self.note_missed()
        return cast(datetime, self._missed_until)


@dataclass(slots=True)
class WaitingWebhooks:
    """Items with their rows, in order; `look_again_seconds` where one is waited for."""

    items: list[tuple[int, WebhookItem]] = field(default_factory=list)
    look_again_seconds: float | None = None


_calls = CallsTaken()


@cache
def _watch_for_standstills() -> None:
    """A process that stood still let calls time out, whose repeats come after later ones."""
    standstill_watch(call_missed)


def call_missed() -> None:
    """Note that this process could not take a call, or not at once, for the items after it."""
    _calls.note_missed()


def webhook_take(
    integration: Integration, call: WebhookRequest, *, was_late: bool = False
) -> WebhookResult:
    """Verify a call and store its items, once each; raises WebhookVerificationError.

    A true call that had to wait for the store may be out of order with those before it.

    The values of a connection that is being made or changed are good for the signature too, but
    only what fits the values in use is stored.
    """
    _watch_for_standstills()
    result = _verified(integration, call, integration.credentials)
    is_in_use = result is not None
    if result is None:
        result = _verified(integration, call, draft_of(integration).values or {})
    if result is None:
        raise WebhookVerificationError("webhook: no secret fits")
    if was_late:
        call_missed()
    if call.method in ("POST", "PUT"):
        _note_seen(integration)
    if result.items and is_in_use:
        if is_carrier(integration):
            calls_store(integration, carrier_reads(integration, result.items))
        else:
            _store(integration, result)
    return result


def webhooks_waiting(handoff_id: str, *, is_over: bool = False) -> WaitingWebhooks:
    """Return the items for a handoff that are not applied yet, in their order.

    That is the other side's count or time where an item has one, else how they came. For a
    conversation that is over nothing is waited for.
    """
    waiting = WaitingWebhooks()
    for integration_id, names in _keys(handoff_id).items():
        rows = StoredWebhook.objects.filter(integration_id=integration_id, key__in=names)
        found = in_their_order(list(rows.filter(is_done=False).order_by("id")[:100]))
        ready, seconds = (found, 0.0) if is_over else _ready(rows, found)
        waiting.items += [(row.pk, _item(row)) for row in ready]
        if seconds:
            known = waiting.look_again_seconds
            waiting.look_again_seconds = min(seconds, known or seconds)
    return waiting


def _ready(
    rows: QuerySet[StoredWebhook], found: list[StoredWebhook]
) -> tuple[list[StoredWebhook], float]:
    """Leave out what stands behind a gap in the count, where the other side counts."""
    if all(row.position is None for row in found):
        return found, 0.0
    return without_gaps(found, _counted(rows), now=timezone.now())


def _keys(handoff_id: str) -> dict[int, list[str]]:
    """Return the names under which webhooks speak of a handoff, by integration."""
    keys = VendorKey.objects.filter(handoff_id=handoff_id).values_list("integration_id", "key")
    by_integration: dict[int, list[str]] = {}
    for integration_id, key in keys:
        by_integration.setdefault(integration_id, []).append(key)
    return by_integration


def _counted(rows: QuerySet[StoredWebhook]) -> dict[str, int]:
    """Return how far the other side's count was applied, by key."""
    done = rows.filter(is_done=True, position__isnull=False).order_by().values_list("key")
    return dict(done.annotate(Max("position")))


def webhook_catch_up(lease: Lease) -> WebhookItem | None:
    """Return an item that asks for what no call may have told, where a connector can find out.

    For a session that another worker has left: nobody knows for how long the portal was away.
    """
    found = Integration.objects.filter(handoffs=lease.handoff_id).values_list("connector_key")
    if not any(connector_class(key).reads_history for (key,) in found):
        return None
    name = f"{lease.handoff_id}:{lease.epoch}"
    return WebhookItem(item_id=name, key=name, body={}, missed_until=timezone.now())


def _item(row: StoredWebhook) -> WebhookItem:
    return WebhookItem(
        item_id=row.item_id, key=row.key, body=row.body, missed_until=row.missed_until
    )


def webhook_done(lease: Lease, row_id: int) -> None:
    """Mark an item as applied; it stays a while, so that a repeated call is recognised."""
    with handoff_leased(lease):
        StoredWebhook.objects.filter(pk=row_id).update(is_done=True, body={})


def webhooks_take_out(integration_id: int, keys: Sequence[str]) -> list[WebhookItem]:
    """Return the items for a conversation without a handoff, as a test opens one; each once."""
    rows = StoredWebhook.objects.filter(integration_id=integration_id, key__in=keys, is_done=False)
    found = in_their_order(list(rows.order_by("id")[:100]))
    items = [_item(row) for row in found]
    rows.filter(pk__in=[row.pk for row in found]).update(is_done=True, body={})
    return items


def webhook_spent(row_id: int) -> None:
    """Mark an item that came after the end, which nobody can apply any more."""
    StoredWebhook.objects.filter(pk=row_id).update(is_done=True, body={})


def webhook_failed(row_id: int) -> bool:
    """Count a failed try; False when the item is given up."""
    StoredWebhook.objects.filter(pk=row_id).update(attempts=F("attempts") + 1)
    return not StoredWebhook.objects.filter(pk=row_id, attempts__gte=MAX_ATTEMPTS).update(
        is_done=True, body={}
    )


def _verified(
    integration: Integration, call: WebhookRequest, values: Mapping[str, str]
) -> WebhookResult | None:
    """Parse a call with the secrets of today, then with those replaced a short while ago."""
    connector = connector_class(integration.connector_key)
    for secrets in variants(manifest_get(integration.connector_key), values):
        with contextlib.suppress(WebhookVerificationError):
            return connector.parse_webhook(call, secrets)
    return None


@transaction.atomic
def _store(integration: Integration, result: WebhookResult) -> None:
    rows = [
        StoredWebhook(
            integration=integration,
            item_id=text_cleaned(item.item_id)[:255],
            key=text_cleaned(item.key)[:255],
            # What no database keeps would make the vendor repeat for ever what somebody said.
            body=cast(Any, json_cleaned(dict(item.body))),
            missed_until=_calls.missed_until(),
            position=item.position,
            occurred_at=item.occurred_at,
        )
        for item in result.items
    ]
    StoredWebhook.objects.bulk_create(rows, ignore_conflicts=True)
    found = VendorKey.objects.filter(integration=integration, key__in={row.key for row in rows})
    owners = found.values_list("handoff__owner_id", "handoff_id", "handoff__state")
    for owner_id, handoff_id, state in set(owners):
        publish.relay_wake(owner_id, handoff_id)
        if State(state) in FINAL_STATES:
            transaction.on_commit(partial(queue_undelivered, handoff_id))


def _note_seen(integration: Integration) -> None:
    """Keep the time of the last good call, not more often than anybody would look."""
    now = timezone.now()
    if integration.last_webhook_at is None or now - integration.last_webhook_at > _SEEN_EVERY:
        Integration.objects.filter(pk=integration.pk).update(last_webhook_at=now)
