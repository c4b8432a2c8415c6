"""Limits that stop who takes too much, and nobody else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from django.test import Client
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from conversations.event_loop.executor import run_sync
from conversations.journal import budget
from conversations.journal.frames import EventType, transient_frame
from conversations.journal.selectors import frames_after
from integrations.entry.envelope import envelope
from tests import factories
from tests.conversations.handshake_calls import SESSIONS, ask_token, error, token_of
from tests.conversations.test_handshake import server
from tests.conversations.widget import widget_of

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["server"]
SHARE = 5


@pytest.fixture
def channel():
    return factories.channel()


def open_session(token, address="192.0.2.1", **headers):
    return Client(REMOTE_ADDR=address).post(
        SESSIONS,
        "{}",
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}", **headers},
    )


def addresses(number: int) -> Iterator[str]:
    return (f"192.0.2.{last}" for last in range(1, number + 1))


def refused_of(answers: Iterable[Any]) -> Any:
    """Return the first that is refused; the last may be in the next minute."""
    return next(answer for answer in answers if answer.status_code not in (200, 401))


# ---- tokens and sessions ----


def test_forty_addresses_do_not_lock_the_visitors_of_a_widget_out(channel, settings):
    settings.SESSIONS_PER_MINUTE, settings.SESSIONS_PER_MINUTE_PER_CHANNEL = 3, 40
    token = token_of(channel)
    for address in addresses(40):
        for _ in range(3):
            open_session(token, address)

    visitors = [open_session(token, f"198.51.100.{last}").status_code for last in range(20)]

    assert visitors == [200] * 20


def test_an_address_has_a_share_of_a_widget_that_opens_too_many(channel, settings):
    settings.SESSIONS_PER_MINUTE, settings.SESSIONS_PER_MINUTE_PER_CHANNEL = 1000, 1
    token = token_of(channel)

    answers = [open_session(token) for _ in range(4 * SHARE)]

    opened = [answer for answer in answers if answer.status_code == 200]
    # A fixed window: at most two of them meet during the test, and one is opened before the share.
    assert SHARE <= len(opened) <= 2 * (SHARE + 1)
    assert error(refused_of(answers))[:2] == (429, "RATE_LIMITED")


def test_addresses_of_one_ipv6_network_are_one_and_of_another_are_not(channel, settings):
    settings.SESSIONS_PER_MINUTE = 2
    token = token_of(channel)

    neighbours = [open_session(token, f"2001:db8::{last}").status_code for last in range(1, 9)]

    assert 429 in neighbours
    assert open_session(token, "2001:db8:0:1::1").status_code == 200


def test_a_server_with_its_secret_token_is_counted_by_that_and_not_by_its_address(
    channel, settings
):
    settings.ACCESS_TOKENS_PER_MINUTE = settings.SESSIONS_PER_MINUTE = 1
    secret = factories.secret_token(channel)

    tokens = [ask_token(channel, X_Token=secret) for _ in range(5)]
    sessions = [open_session(tokens[0].json()["access_token"]) for _ in range(5)]

    assert {answer.status_code for answer in (*tokens, *sessions)} == {200}


def test_a_server_that_asks_for_more_than_its_widget_may_open_is_told_to_wait(channel, settings):
    settings.SESSIONS_PER_MINUTE_PER_CHANNEL = 2
    secret = factories.secret_token(channel)

    refused = refused_of(ask_token(channel, X_Token=secret) for _ in range(6))

    assert error(refused)[:2] == (429, "RATE_LIMITED")
    assert int(refused["Retry-After"]) > 0


def test_who_guesses_secret_tokens_is_counted_by_address(channel, settings):
    settings.ACCESS_TOKENS_PER_MINUTE = 2

    answers = [ask_token(channel, X_Token=f"ct_{number}") for number in range(6)]

    assert answers[0].status_code == 401
    assert error(refused_of(answers))[:2] == (429, "RATE_LIMITED")


@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://shop.example", 200), ("https://evil.test", 401), ("null", 401), ("", 200)],
)
def test_a_session_is_opened_for_an_allowed_page_or_for_an_app_that_has_none(
    channel, origin, status
):
    answer = open_session(token_of(channel), **({"Origin": origin} if origin else {}))

    assert answer.status_code == status
    if status == 401:
        assert error(answer)[1] == "HOST_NOT_ALLOWED"


# ---- a session's journal ----


@pytest.fixture
async def talkative():
    """A widget whose journal has a good megabyte."""
    async with widget_of(factories.conversation) as widget:
        for _ in range(70):
            await run_sync(factories.said, widget.conversation, "x" * 18_000)
        yield widget


async def pulled(server: str, widget, sockets: int, rounds: int) -> int:
    """Read the whole journal again and again on several sockets, and return the bytes that came."""

    async def pull() -> int:
        size = 0
        for _ in range(rounds):
            with suppress(InvalidStatus, ConnectionClosed, TimeoutError):
                async with connect(server + widget.path(cursor="0"), max_size=2**20) as client:
                    async with asyncio.timeout(1):
                        while True:
                            size += len(await client.recv())
        return size

    return sum(await asyncio.gather(*(pull() for _ in range(sockets))))


async def test_sockets_that_begin_anew_pull_no_more_than_a_session_may(server, talkative, settings):
    settings.JOURNAL_BYTES_PER_MINUTE = 2_000_000

    size = await pulled(server, talkative, sockets=8, rounds=3)

    # Two windows may meet, and each socket may have a batch under way.
    assert size < 2 * 2_000_000 + 8 * budget.BATCH_MAX_BYTES


async def test_what_a_session_may_not_pull_now_it_gets_in_the_next_minute(talkative, settings):
    whole = await run_sync(frames_after, talkative.conversation.pk, 0)
    settings.JOURNAL_BYTES_PER_MINUTE = 300_000
    first = await talkative.connect(cursor="0")
    batch = (await first.next())["payload"]["events"]
    assert batch == whole[: len(batch)] != whole

    settings.JOURNAL_BYTES_PER_MINUTE = 10**9
    later = await talkative.connect(cursor=str(batch[-1]["sequence"]))
    rest = []
    while len(batch) + len(rest) < len(whole):
        rest += (await later.next())["payload"]["events"]

    assert batch + rest == whole


async def test_no_frame_is_larger_than_clients_of_other_makers_take(server, talkative):
    async with connect(server + talkative.path(cursor="0"), max_size=2**20) as client:
        first, second = await client.recv(), await client.recv()

    kinds = {json.loads(text)["type"] for text in (first, second)}
    assert kinds == {"EVENT_TYPE_EVENT_BATCH"}
    assert max(len(first), len(second)) < 2**20


def test_a_line_that_is_larger_than_a_batch_comes_alone():
    frames = [
        transient_frame(EventType.USER_MESSAGE, {"text": text})
        for text in ("a", "b" * budget.BATCH_MAX_BYTES, "c")
    ]

    assert list(budget.in_batches(frames)) == [[frames[0]], [frames[1]], [frames[2]]]
    assert list(budget.in_batches([])) == [[]]


async def test_a_session_that_connects_too_often_is_told_when_to_come_back(
    server, talkative, settings
):
    settings.HANDSHAKES_PER_MINUTE = 2

    async def attempt():
        try:
            async with connect(server + talkative.path(cursor="70")) as client:
                await client.recv()
        except InvalidStatus as error:
            return error.response
        return None

    refused = [answer for answer in [await attempt() for _ in range(6)] if answer]

    body = json.loads(refused[0].body)
    assert refused[0].status_code == 429
    assert set(body) == set(envelope("", ""))
    assert body["error_code"] == "RATE_LIMITED"
    assert refused[0].headers["Retry-After"] in body["error_message"]


def test_polls_are_cheap_and_still_bounded(settings):
    settings.HANDSHAKES_PER_MINUTE = 2
    conversation = factories.conversation()
    token = factories.access_token(conversation)
    address = f"{SESSIONS}/{conversation.session_id}/events"

    answers = [
        Client().get(address, headers={"Authorization": f"Bearer {token}"}) for _ in range(21)
    ]

    statuses = [answer.status_code for answer in answers]
    assert statuses[:10] == [200] * 10
    assert error(refused_of(answers))[:2] == (429, "RATE_LIMITED")
