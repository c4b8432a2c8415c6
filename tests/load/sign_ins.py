"""Measure what forty wrong sign-ins at once cost everybody else: python -m tests.load.sign_ins."""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from cryptography.fernet import Fernet

from tests.journeys.stack import Stack
from tests.postgres import PostgresServer, database_create

SIGN_INS = 40
SECONDS = 10.0
PAUSE_SECONDS = 0.02
MAX_SECONDS = 1.0


async def readiness(url: str, seconds: float) -> list[float]:
    """Ask /readyz one time after the other and return how long each answer took."""
    took: list[float] = []
    end = time.monotonic() + seconds
    async with aiohttp.ClientSession() as http:
        while time.monotonic() < end:
            begun = time.monotonic()
            async with http.get(f"{url}/readyz") as answer:
                await answer.read()
            took.append(time.monotonic() - begun)
            await asyncio.sleep(PAUSE_SECONDS)
    return took


async def sign_in(url: str, number: int, statuses: Counter[int]) -> None:
    """Try a wrong password, as a browser would."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as http:
        async with http.get(f"{url}/login/") as page:
            token = page.cookies["csrftoken"].value
        wrong = {"username": f"who{number}", "password": "x", "csrfmiddlewaretoken": token}
        async with http.post(f"{url}/login/", data=wrong, headers={"Referer": url}) as answer:
            await answer.read()
            statuses[answer.status] += 1


@contextlib.asynccontextmanager
async def attack(url: str, statuses: Counter[int]) -> AsyncIterator[None]:
    """Try forty at once, again and again, until the block ends."""

    async def rounds() -> None:
        while True:
            await asyncio.gather(*(sign_in(url, n, statuses) for n in range(SIGN_INS)))

    task = asyncio.create_task(rounds())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def row(name: str, took: list[float]) -> str:
    """Return one line of the table, in milliseconds."""
    p99 = statistics.quantiles(took, n=100)[98]
    figures = (statistics.median(took), p99, max(took))
    return f"{name:<24}" + "".join(f"{1000 * figure:>10.0f}" for figure in figures)


async def measure(url: str) -> bool:
    """Print the table; True where nobody waited for too long."""
    statuses: Counter[int] = Counter()
    alone = await readiness(url, SECONDS)
    async with attack(url, statuses):
        beside = await readiness(url, SECONDS)
    print(f"{'/readyz (ms)':<24}{'p50':>10}{'p99':>10}{'worst':>10}")
    print(row("alone", alone))
    print(row(f"beside {SIGN_INS} sign-ins", beside))
    print("answers to the sign-ins:", dict(sorted(statuses.items())))
    return max(beside) < MAX_SECONDS


def main() -> int:
    """Start the product on PostgreSQL and measure."""
    os.environ.setdefault("BATON_ENCRYPTION_KEYS", Fernet.generate_key().decode())
    os.environ.setdefault("SECRET_KEY", "x" * 50)
    # Hashing, not the throttle, is what is measured.
    os.environ.setdefault("SIGN_IN_TRIES_PER_ADDRESS", "1000000")
    os.environ.setdefault("SIGN_IN_TRIES", "1000000")
    os.environ.setdefault("SIGN_IN_TRIES_PER_NAME", "1000000")
    with tempfile.TemporaryDirectory() as folder, PostgresServer(Path(folder) / "pg") as postgres:
        stack = Stack(Path(folder) / "stack", database_url=database_create(postgres.url, "load"))
        try:
            stack.start_all()
            is_good = asyncio.run(measure(stack.url))
        finally:
            stack.stop_all()
    return 0 if is_good else 1


if __name__ == "__main__":
    raise SystemExit(main())
