"""What is known of a queue: whether somebody would answer, and how long one chat has to wait."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from integrations.contract.connector import Availability, VendorSession
from integrations.contract.errors import (
    CannotConnectError,
    ConnectorError,
    MissingPermissionError,
    RateLimitedError,
    RejectedError,
)
from integrations.contract.events import QueuePositionChanged
from integrations.kit.json_values import Json, as_object, as_objects, as_text
from integrations.vendors.amazon_connect.client import AmazonConnectClient

_AVAILABLE = "AGENTS_AVAILABLE"
_WAITING = "CONTACTS_IN_QUEUE"
QUEUE_METRICS = {_AVAILABLE: "COUNT", _WAITING: "COUNT"}
POSITION, WAIT = "POSITION_IN_QUEUE", "ESTIMATED_WAIT_TIME"
CONTACT_METRICS = (POSITION, WAIT)
_GROWTH_WHEN_LIMITED = 4

Ask = Callable[[VendorSession], Awaitable[Mapping[str, float]]]


async def queue_availability(
    client: AmazonConnectClient, *, instance_id: str, queue_id: str
) -> Availability:
    """Ask for the queue's metrics; nobody counts as available outside its opening hours."""
    metrics = await client.get_current_metric_data(instance_id, queue_id, QUEUE_METRICS)
    agents = metrics.get(_AVAILABLE)
    if not agents:
        # No row at all: nobody has been signed in since the metrics were made.
        return Availability(is_available=False)
    is_within_hours = await _is_within_hours(client, instance_id, queue_id)
    waiting = metrics.get(_WAITING)
    return Availability(
        is_available=is_within_hours is not False,
        position=None if waiting is None else int(waiting) + 1,
    )


async def hours_around(
    client: AmazonConnectClient, instance_id: str, hours_id: str, now: datetime
) -> Json:
    """Return the opening hours of these days: a queue's own date may be a day off, either way."""
    return await client.get_effective_hours_of_operations(
        instance_id,
        hours_id,
        from_date=(now - timedelta(days=1)).date().isoformat(),
        to_date=(now + timedelta(days=1)).date().isoformat(),
    )


async def _is_within_hours(
    client: AmazonConnectClient, instance_id: str, queue_id: str
) -> bool | None:
    """Return None where the hours may not be read: the metrics then decide alone."""
    now = datetime.now(UTC)
    try:
        queue = await client.describe_queue(instance_id, queue_id)
        hours_id = as_text(queue.get("HoursOfOperationId"))
        if not hours_id:
            return None
        hours = await hours_around(client, instance_id, hours_id, now)
    except (MissingPermissionError, RejectedError):
        return None
    return is_open(hours, now)


def is_open(hours: Json, now: datetime) -> bool | None:
    """Say whether a queue is open now; None when the answer cannot be read.

    `hours` is the answer of GetEffectiveHoursOfOperations, in which overrides are applied already.
    """
    try:
        local = now.astimezone(ZoneInfo(as_text(hours.get("TimeZone")))).replace(tzinfo=None)
    except (ZoneInfoNotFoundError, ValueError):
        return None
    days = as_objects(hours.get("EffectiveHoursOfOperationList"))
    if not days:
        return None
    return any(start <= local < end for day in days for start, end in _spans(day))


def _spans(day: Json) -> Iterator[tuple[datetime, datetime]]:
    try:
        on = date.fromisoformat(as_text(day.get("Date")))
    except ValueError:
        return
    for hours in as_objects(day.get("OperationalHours")):
        start, end = _clock(hours.get("Start")), _clock(hours.get("End"))
        if start is not None and end is not None:
            # An end at or before the start is on the next day; midnight is such an end.
            later = on + timedelta(days=1) if end <= start else on
            yield datetime.combine(on, start), datetime.combine(later, end)


def _clock(value: object) -> time | None:
    at = as_object(value)
    hours, minutes = at.get("Hours", 0), at.get("Minutes", 0)
    if not isinstance(hours, int) or not isinstance(minutes, int):
        return None
    return time(hours % 24, minutes) if 0 <= minutes < 60 else None


class QueueWatch:
    """Asks where one chat stands until a live agent comes; `changed` is done when there is news."""

    def __init__(
        self, ask: Ask, may_ask: Callable[[], bool], *, first: float, every: float
    ) -> None:
        """Take how to ask, and the seconds before the first question and between the others."""
        self.changed = _future()
        self._ask = ask
        self._may_ask = may_ask
        self._first = first
        self._every = every
        self._shown: tuple[int | None, int | None] = (None, None)
        self._news: list[QueuePositionChanged] = []

    async def run(self, session: Callable[[], VendorSession]) -> None:
        """Watch until somebody has joined, or for as long as AWS lets us."""
        delay = self._first
        while not session().state.get("had_agent"):
            # Not all at the same moment, or the same chats would win the turn each time.
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311
            delay = self._every
            if not self._may_ask():
                continue
            try:
                self._note(session(), await self._ask(session()))
            except RateLimitedError as error:
                delay = error.retry_after or self._every * _GROWTH_WHEN_LIMITED
            except (CannotConnectError, RejectedError):
                continue  # not in a queue yet or any more, or AWS is not well
            except ConnectorError:
                return  # the role may not ask

    def take(self) -> list[QueuePositionChanged]:
        """Return the news since the last time."""
        news, self._news = self._news, []
        if news:
            self.changed = _future()
        return news

    def _note(self, session: VendorSession, metrics: Mapping[str, float]) -> None:
        known = _whole(metrics.get(POSITION), least=1), _whole(metrics.get(WAIT), least=0)
        if known in (self._shown, (None, None)):
            return
        self._shown = known
        now, chat = datetime.now(UTC), session.vendor_conversation_id
        change = QueuePositionChanged(
            vendor_event_id=f"{chat}:queue:{now.isoformat()}",
            vendor_conversation_id=chat,
            occurred_at=now,
            position=known[0],
            estimated_wait_seconds=known[1],
        )
        self._news.append(change)
        if not self.changed.done():
            self.changed.set_result(None)


def _future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


def _whole(value: float | None, *, least: int) -> int | None:
    if value is None or not math.isfinite(value) or round(value) < least:
        return None
    return round(value)
