"""What a stranger's guesses at passwords cost, and whom they keep out."""

from __future__ import annotations

import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client

from config.demo.embedded import RedisServer
from integrations.entry import password_hashing, sign_in
from integrations.models import AuditEntry
from tests.integrations import hashers
from tests.waiting import eventually

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-and-good-one"
HERE, ELSEWHERE = "198.51.100.7", "203.0.113.9"
FORMS = ["/login/", "/admin/login/"]


@pytest.fixture(autouse=True)
def _bounds(settings: Any) -> None:
    """Let no window end in the middle of a test, and hashing take no time."""
    settings.SIGN_IN_WINDOW_SECONDS = 10**8
    settings.PASSWORD_HASHERS = ["tests.integrations.hashers.QuickHasher"]


@pytest.fixture(autouse=True)
def mira(_bounds: None) -> User:
    User.objects.create_superuser("noor", password=PASSWORD)
    return User.objects.create_superuser("mira", password=PASSWORD)


def attempt(
    form: str = "/login/", *, name: str = "mira", password: str = "wrong", at: str = HERE
) -> HttpResponse:
    return Client(REMOTE_ADDR=at).post(form, {"username": name, "password": password})


def attempts_at(count: int, **more: Any) -> list[int]:
    return [attempt(**more).status_code for _ in range(count)]


@pytest.mark.parametrize("form", FORMS)
def test_guesses_are_refused_with_the_time_to_come_back(form: str, settings: Any):
    settings.SIGN_IN_WINDOW_SECONDS = 60
    tries = django_settings.SIGN_IN_TRIES

    # Twice as many: a minute may end between two of them.
    answers = attempts_at(tries, form=form)
    refused = next(
        answer for answer in (attempt(form) for _ in range(2 * tries)) if answer.status_code != 200
    )

    wait = int(refused["Retry-After"])
    assert (answers, refused.status_code) == ([200] * tries, 429)
    assert 1 <= wait <= 60
    assert f"Try again in {wait} second" in refused.content.decode()
    assert re.search(r"at \d\d:\d\d:\d\d UTC", refused.content.decode())


def test_both_forms_and_all_spellings_of_a_name_count_together():
    tries = django_settings.SIGN_IN_TRIES
    attempts_at(tries, form="/admin/login/", name=" MIRA")

    assert attempt(name="\uff4dira").status_code == 429


def test_another_user_name_can_sign_in_from_the_attackers_address():
    attempts_at(30, name="mira")

    assert attempt(name="noor", password=PASSWORD).status_code == 302


def test_an_address_that_tries_many_names_is_refused():
    limit = django_settings.SIGN_IN_TRIES_PER_ADDRESS

    answers = [attempt(name=f"user-{number}").status_code for number in range(limit + 1)]

    assert answers == [200] * limit + [429]
    assert attempt(name="user-x", at=ELSEWHERE).status_code == 200


def test_a_name_tried_from_many_addresses_is_refused_but_where_it_signed_in_before():
    limit = django_settings.SIGN_IN_TRIES_PER_NAME
    assert attempt(password=PASSWORD, at=ELSEWHERE).status_code == 302

    answers = [attempt(at=f"192.0.2.{number}").status_code for number in range(limit + 1)]

    assert answers == [200] * limit + [429]
    assert attempt(password=PASSWORD, at="192.0.2.200").status_code == 429
    assert attempt(password=PASSWORD, at=ELSEWHERE).status_code == 302


def test_right_passwords_are_not_counted():
    assert attempts_at(30, password=PASSWORD) == [302] * 30


def test_addresses_of_one_ipv6_network_are_one():
    for number in range(django_settings.SIGN_IN_TRIES):
        attempt(at=f"2001:4860:1:2::{number}")

    assert attempt(at="2001:4860:1:2:ffff::1").status_code == 429
    assert attempt(at="2001:4860:1:3::1").status_code == 200


def test_refusals_are_told_once_without_name_address_or_password(mira: User, caplog: Any):
    with caplog.at_level(logging.INFO):
        attempts_at(20, password="a-secret-guess")

    entry = AuditEntry.objects.get()
    told = f"{caplog.text} {entry.subject} {entry.fields}"
    assert (entry.action, entry.subject) == ("sign_in.refused", f"portal: user {mira.pk}")
    assert caplog.text.count("Sign-in is refused") == 1
    assert not [text for text in ("mira", HERE, "a-secret-guess") if text in told]


def test_redis_holds_neither_names_nor_addresses(redis_server: Any):
    attempt()
    attempt(password=PASSWORD)

    with redis.Redis.from_url(redis_server.url) as client:
        keys = b" ".join(client.keys("baton:*"))
    assert keys
    assert not [text for text in (b"mira", HERE.encode()) if text in keys]


def test_the_right_password_is_refused_too_after_guesses():
    attempts_at(django_settings.SIGN_IN_TRIES)

    assert attempt(password=PASSWORD).status_code == 429


def test_without_redis_each_process_counts_for_itself(redis_server: RedisServer):
    tries = django_settings.SIGN_IN_TRIES
    redis_server.kill()
    try:
        answers = attempts_at(tries + 1, name="noor", at="192.0.2.77")
    finally:
        redis_server.start()

    assert answers == [200] * tries + [429]
    assert attempt(name="noor", password=PASSWORD, at="192.0.2.77").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_more_than_may_wait_for_hashing_are_told_so_at_once(settings: Any):
    settings.PASSWORD_HASHERS = ["tests.integrations.hashers.GatedHasher"]
    hashers.GatedHasher.gate.clear()
    hashers.GatedHasher.arrivals.clear()
    places = password_hashing.AT_ONCE + sign_in.WAITING
    with ThreadPoolExecutor(places) as threads:
        waiting = [threads.submit(attempt_alone, f"198.51.100.{n}") for n in range(places)]
        try:
            eventually(lambda: len(hashers.GatedHasher.arrivals) == places)
            refused = attempt(password=PASSWORD)
        finally:
            hashers.GatedHasher.gate.set()

    assert (refused.status_code, refused["Retry-After"]) == (503, "5")
    assert [one.result() for one in waiting] == [200] * places
    assert attempt(password=PASSWORD).status_code == 302


def attempt_alone(at: str) -> int:
    """Try in a thread, and leave no connection behind in it."""
    try:
        return attempt(name=at, at=at).status_code
    finally:
        connection.close()


def test_hashing_has_few_threads_of_its_own():
    hasher, before = password_hashing.PoolPasswordHasher(), threading.active_count()
    callers = [
        threading.Thread(target=hasher.encode, args=("x", "salt", 30_000)) for _ in range(20)
    ]
    for caller in callers:
        caller.start()

    names = [thread.name for thread in threading.enumerate() if thread.name.startswith("hashing")]
    for caller in callers:
        caller.join()

    assert 1 <= len(names) <= password_hashing.AT_ONCE
    assert threading.active_count() <= before + password_hashing.AT_ONCE


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_hash_with_a_database_connection(mira: User):
    mira.refresh_from_db()
    assert connection.connection is not None

    assert not mira.check_password("wrong")

    assert connection.connection is None
