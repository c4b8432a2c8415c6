"""Access tokens: shared by all workers in the database, or kept in memory for one test."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.db import IntegrityError, transaction
from django.utils import timezone

from integrations.contract.connector import PROGRESS, ROTATING, TokenCache
from integrations.models import Integration, VendorToken

# Runs a synchronous function off the event loop and awaits its result.
RunSync = Callable[..., Awaitable[Any]]
_NEAR_SECONDS = 30.0
_NEVER_NEAR = (ROTATING, *PROGRESS)


class StoredTokens:
    """The TokenCache of a saved integration; every value is encrypted at rest."""

    def __init__(self, *, integration_id: int, run_sync: RunSync) -> None:
        """Take what runs the queries off the loop."""
        self._integration_id = integration_id
        self._run_sync = run_sync
        self._near = MemoryTokens()

    async def get(self, name: str) -> str | None:
        """Return the value, or None when absent or expired.

        What was read lately is not read again: every message asks. A value that another process
        has replaced meanwhile is refused by the vendor, deleted, and then read afresh.
        """
        near = None if name.startswith(_NEVER_NEAR) else await self._near.get(name)
        if near is not None:
            return near
        found: tuple[str, float] | None = await self._run_sync(self._read, name)
        if found is None:
            return None
        value, seconds_left = found
        await self._near.set(name, value, min(seconds_left, _NEAR_SECONDS))
        return value

    async def set(self, name: str, value: str, ttl_seconds: float) -> None:
        """Keep a value for `ttl_seconds`."""
        await self._run_sync(self._write, name, value, ttl_seconds)
        await self._near.set(name, value, min(ttl_seconds, _NEAR_SECONDS))

    async def delete(self, name: str) -> None:
        """Forget a value; absent is fine."""
        await self._near.delete(name)
        await self._run_sync(self._forget, name)

    async def replace(self, name: str, old: str | None, value: str, ttl_seconds: float) -> bool:
        """Keep a value in place of `old`; False where another worker was faster."""
        await self._near.delete(name)
        if old is None:
            return bool(await self._run_sync(self._add, name, value, ttl_seconds))
        return bool(await self._run_sync(self._replace, name, old, value, ttl_seconds))

    async def claim(self, name: str, ttl_seconds: float) -> bool:
        """Take a name, unless another worker has it."""
        return bool(await self._run_sync(self._add, name, "", ttl_seconds))

    def _read(self, name: str) -> tuple[str, float] | None:
        now = timezone.now()
        found = VendorToken.objects.filter(
            integration_id=self._integration_id, name=name, expires_at__gt=now
        ).values_list("value", "expires_at")
        return next(((value, (until - now).total_seconds()) for value, until in found[:1]), None)

    def _write(self, name: str, value: str, ttl_seconds: float) -> None:
        VendorToken.objects.update_or_create(
            integration_id=self._integration_id,
            name=name,
            defaults={
                "value": value,
                "expires_at": timezone.now() + timedelta(seconds=ttl_seconds),
            },
        )

    @transaction.atomic
    def _replace(self, name: str, old: str, value: str, ttl_seconds: float) -> bool:
        now = timezone.now()
        rows = VendorToken.objects.select_for_update().filter(
            integration_id=self._integration_id, name=name, expires_at__gt=now
        )
        row = rows.first()
        if row is None or row.value != old:
            return False
        row.value, row.expires_at = value, now + timedelta(seconds=ttl_seconds)
        row.save(update_fields=["value", "expires_at"])
        return True

    def _add(self, name: str, value: str, ttl_seconds: float) -> bool:
        now = timezone.now()
        row = VendorToken(
            integration_id=self._integration_id,
            name=name,
            value=value,
            expires_at=now + timedelta(seconds=ttl_seconds),
        )
        rows = VendorToken.objects.filter(integration_id=self._integration_id, name=name)
        rows.filter(expires_at__lte=now).delete()
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            return False  # the database has one row for a name: somebody was first
        return True

    def _forget(self, name: str) -> None:
        VendorToken.objects.filter(integration_id=self._integration_id, name=name).delete()


class MemoryTokens:
    """A TokenCache that nobody shares: values under test must not meet tokens of the old ones."""

    def __init__(self) -> None:
        """Start empty."""
        self._kept: dict[str, tuple[str, float]] = {}

    async def get(self, name: str) -> str | None:
        """Return the value, or None when absent or expired."""
        value, expires_at = self._kept.get(name, ("", 0.0))
        return value if expires_at > time.monotonic() else None

    async def set(self, name: str, value: str, ttl_seconds: float) -> None:
        """Keep a value for `ttl_seconds`; those whose time is over go: each handoff has its own."""
        now = time.monotonic()
        self._kept = {name: kept for name, kept in self._kept.items() if kept[1] > now}
        self._kept[name] = (value, now + ttl_seconds)

    async def delete(self, name: str) -> None:
        """Forget a value; absent is fine."""
        self._kept.pop(name, None)

    async def replace(self, name: str, old: str | None, value: str, ttl_seconds: float) -> bool:
        """Keep a value in place of `old`; False where that is not what is kept."""
        is_kept = await self.get(name) == old
        if is_kept:
            await self.set(name, value, ttl_seconds)
        return is_kept

    async def claim(self, name: str, ttl_seconds: float) -> bool:
        """Take a name, unless it is taken."""
        return await self.replace(name, None, "", ttl_seconds)


class TrialTokens:
    """A TokenCache for checks: its own, but for a secret that each use replaces.

    The vendor takes the old one no more, so whoever uses it must leave the new one to all.
    """

    def __init__(self, integration_id: int) -> None:
        """Take whose secrets they are."""
        self._own = MemoryTokens()
        self._stored = StoredTokens(integration_id=integration_id, run_sync=_off_the_loop)

    def _of(self, name: str) -> TokenCache:
        return self._stored if name.startswith(ROTATING) else self._own

    async def get(self, name: str) -> str | None:
        """Return the value, or None when absent or expired."""
        return await self._of(name).get(name)

    async def set(self, name: str, value: str, ttl_seconds: float) -> None:
        """Keep a value for `ttl_seconds`."""
        await self._of(name).set(name, value, ttl_seconds)

    async def delete(self, name: str) -> None:
        """Forget a value; absent is fine."""
        await self._of(name).delete(name)

    async def replace(self, name: str, old: str | None, value: str, ttl_seconds: float) -> bool:
        """Keep a value in place of `old`; False where another check or worker was faster."""
        return await self._of(name).replace(name, old, value, ttl_seconds)

    async def claim(self, name: str, ttl_seconds: float) -> bool:
        """Take a name, unless another check or worker has it."""
        return await self._of(name).claim(name, ttl_seconds)


async def _off_the_loop(work: Callable[..., Any], *arguments: Any) -> Any:
    return await sync_to_async(work)(*arguments)


def tokens_forget(integration: Integration) -> None:
    """Drop every token got with credentials that have changed.

    A rotated secret stays: its name says which saved one it has replaced.
    """
    rows = VendorToken.objects.filter(integration=integration)
    rows.exclude(name__startswith=ROTATING).delete()


def secrets_forget(integration: Integration) -> None:
    """Drop all that was got with credentials that are deleted, rotated secrets too."""
    VendorToken.objects.filter(integration=integration).delete()
