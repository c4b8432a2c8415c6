"""When a vendor's history is read before a webhook's item, and what happens when it cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from integrations.contract.connector import WebhookItem
from integrations.contract.errors import CannotConnectError, ConnectorError, MissingPermissionError
from integrations.kit.missed_calls import MissedCalls

MISS = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class History:
    """A vendor's history: counts how often it is read, and fails when told to."""

    def __init__(self) -> None:
        self.reads = 0
        self.error: ConnectorError | None = None

    async def read(self) -> list[str]:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return ["said while nobody listened"]


class Reader:
    """One connector's knowledge, asked about one item after the other."""

    def __init__(self, patience_seconds: float = 20.0) -> None:
        self.history = History()
        self.notes: list[tuple[str, str]] = []
        self._missed = MissedCalls(
            lambda *note: self.notes.append(note), patience_seconds=patience_seconds
        )

    async def before(
        self,
        item_id: str,
        missed_until: datetime | None = MISS,
        *,
        opened_at: datetime | None = MISS - MINUTE,
        conversation_id: str = "cv-1",
    ) -> Sequence[str] | None:
        item = WebhookItem(item_id=item_id, key="k", body={}, missed_until=missed_until)
        return await self._missed.before(
            conversation_id, item, opened_at=opened_at, read=self.history.read
        )


async def test_history_is_read_before_the_first_item_after_a_miss_and_not_again():
    reader = Reader()

    found = [await reader.before(name) for name in ("a", "b", "c")]

    assert found == [["said while nobody listened"], (), ()]


async def test_each_further_miss_and_each_conversation_has_its_own_reading():
    reader = Reader()

    await reader.before("a")
    await reader.before("b", MISS + MINUTE)
    await reader.before("c", conversation_id="cv-2")

    assert reader.history.reads == 3


async def test_nothing_is_read_where_no_call_was_missed_or_the_conversation_is_younger():
    reader = Reader()

    found = [
        await reader.before("a", None),
        await reader.before("b", opened_at=MISS + MINUTE),
    ]

    assert (found, reader.history.reads) == ([(), ()], 0)


async def test_clocks_that_differ_a_little_hide_no_miss():
    reader = Reader()

    await reader.before("a", opened_at=MISS + timedelta(seconds=2))

    assert reader.history.reads == 1


async def test_item_that_comes_again_was_not_applied_so_its_history_is_read_again():
    reader = Reader()
    await reader.before("a")

    again = await reader.before("a")

    assert again == ["said while nobody listened"]


async def test_failure_that_may_pass_is_left_to_the_next_try_and_mended_by_it():
    reader = Reader()
    reader.history.error = CannotConnectError()
    with pytest.raises(CannotConnectError):
        await reader.before("a")

    reader.history.error = None
    found = await reader.before("a")

    assert found == ["said while nobody listened"]


async def test_item_does_not_wait_for_ever_for_a_history_that_cannot_be_read():
    reader = Reader(patience_seconds=0)
    reader.history.error = CannotConnectError()

    found = await reader.before("a")
    reader.history.error = None
    later = await reader.before("b")

    assert (found, later) == (None, ["said while nobody listened"])
    assert reader.notes == [("history", "cannot_connect")]


async def test_history_that_is_forbidden_costs_no_item():
    reader = Reader()
    reader.history.error = MissingPermissionError()

    found = await reader.before("a")

    assert found is None
    assert reader.notes == [("history", "missing_permission")]
