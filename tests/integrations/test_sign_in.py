"""What a stranger's guesses at passwords cost, and whom they keep out."""

from __future__ import annotations

import logging
import re
import threading
import time
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from redis.backoff import NoBackoff
from redis.retry import Retry

from integrations.entry import attempts, password_hashing, rate_limit, sign_in
from integrations.models import AuditEntry

pytestmark = pytest.mark.django_db
PASSWORD = "a-long-and-good-one"
HERE, ELSEWHERE = "198.51.100.7", "203.0.113.9"
FORMS = ["/login/", "/admin/login/"]


@pytest.fixture(autouse=True)
def mira(monkeypatch: pytest.MonkeyPatch) -> User:
    # Hundreds of passwords are checked here; what one costs is no matter.
    monkeypatch.setattr(password_hashing.PoolPasswordHasher, "iterations", 10)
    User.objects.create_superuser("noor", password=PASSWORD)
    return User.objects.create_superuser("mira", password=PASSWORD)


@pytest.fixture(autouse=True)
def _one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no window end in the middle of a test."""
    now = time.time()
    monkeypatch.setattr(attempts.time, "time", lambda: now)


def attempt(
    form: str = "/login/", *, name: str = "mira", password: str = "wrong", at: str = HERE
) -> HttpResponse:
    return Client(REMOTE_ADDR=at).post(form, {"username": name, "password": password})


def attempts_at(count: int, **more: Any) -> list[int]:
    return [attempt(**more).status_code for _ in range(count)]


@pytest.mark.parametrize("form", FORMS)
def test_guesses_are_refused_with_the_time_to_come_back(form: str):
    tries = django_settings.SIGN_IN_TRIES

    answers = attempts_at(tries, form=form)
    refused = attempt(form, password=PASSWORD)

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


def test_without_redis_each_process_counts_for_itself(monkeypatch: pytest.MonkeyPatch):
    away = redis.Redis(host="127.0.0.1", port=9, retry=Retry(NoBackoff(), 0))
    for module in (attempts, sign_in, rate_limit):
        monkeypatch.setattr(module, "redis_client", lambda: away)
    tries = django_settings.SIGN_IN_TRIES

    answers = attempts_at(tries + 1, name="noor", at="192.0.2.77")

    assert answers == [200] * tries + [429]


def test_more_than_may_wait_for_hashing_are_told_so_at_once():
    held = 0
    while sign_in._places.acquire(blocking=False):
        held += 1
    try:
        answer = attempt(password=PASSWORD)
    finally:
        sign_in._places.release(held)

    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert attempt(password=PASSWORD).status_code == 302


def test_hashing_has_few_threads_of_its_own():
    hasher, before = password_hashing.PoolPasswordHasher(), threading.active_count()
    callers = [
        threading.Thread(target=hasher.encode, args=("x", "salt", 200_000)) for _ in range(20)
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
