"""Outbound webhooks: signed, tried six times, in order, at least once (agent_api section 16)."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import transaction
from django.utils import timezone

from config.celery import app
from conversations.models import Conversation, WebhookDelivery, WebhookEndpoint
from conversations.tasks import send_webhooks
from conversations.webhooks.attempts import PER_ENDPOINT, Outcome, attempt_settle, deliveries_claim
from conversations.webhooks.endpoints import (
    NotFailedError,
    deliveries_purge,
    delivery_resend,
    endpoint_update,
    secret_rotate,
    trial_send,
)
from conversations.webhooks.sender import WebhookSender
from integrations.telemetry.correlation import correlation_begin
from tests import factories
from tests.conversations.hooks import (
    endpoint_at,
    long_ago,
    send_due,
    signature,
    signatures_of,
    time_passes,
    types_heard,
    wait_of,
)
from tests.handoffs.outside import WebhookStandIn, webhook_agent
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
MESSAGE = "message.created"
MINUTES = [timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240)]


@pytest.fixture
def receiver() -> Iterator[WebhookStandIn]:
    with webhook_agent() as served:
        yield served


@pytest.fixture
def talk() -> Conversation:
    return factories.conversation()


def only() -> WebhookDelivery:
    return WebhookDelivery.objects.get()


def test_a_message_is_told_with_a_body_and_headers_that_the_receiver_can_check(receiver, talk):
    _, secret = endpoint_at(receiver, talk.project, MESSAGE, headers={"X-Shop": "north"})

    correlation_begin("wrote-a-line")
    line = factories.said(talk, "Grüße, “Ines”")
    correlation_begin("the-sender-itself")
    send_due()

    [heard] = receiver.heard
    body = heard.body
    assert {**body, "created_at": "", "data": {}} == {
        "id": str(line.pk),
        "type": MESSAGE,
        "created_at": "",
        "account_id": talk.project.workspace.public_id,
        "project_id": talk.project.public_id,
        "client_env": "sandbox",
        "conversation_id": talk.pk,
        "shared_id": None,
        "data": {},
    }
    assert body["data"]["text"] == "Grüße, “Ines”"
    assert body["data"]["sender"] == "user"
    assert body["data"]["sequence"] == line.sequence
    assert heard.headers["x-handoff-event-id"] == str(line.pk)
    assert abs(time.time() - int(heard.headers["x-handoff-timestamp"])) < 60
    assert heard.headers["x-handoff-signature"] == signature(secret, heard)
    assert heard.headers["x-shop"] == "north"
    assert heard.headers["x-correlation-id"] == "wrote-a-line"
    row = only()
    assert (row.status, row.attempts, row.response_status) == ("delivered", 1, 200)


@pytest.mark.parametrize("status", [500, 503, 408, 429])
def test_a_refusal_that_may_pass_is_tried_six_times_and_then_shown_as_failed(
    receiver, talk, status
):
    endpoint_at(receiver, talk.project, MESSAGE)
    receiver.answering = lambda body: (status, {})
    factories.said(talk, "Hello")

    waits = []
    for _ in range(len(MINUTES)):
        send_due()
        waits.append(wait_of(only()))
        time_passes(waits[-1])
    send_due()
    time_passes(timedelta(days=1))
    send_due()

    assert waits == MINUTES
    assert len(receiver.heard) == 6
    assert len({heard.headers["x-handoff-event-id"] for heard in receiver.heard}) == 1
    assert len({heard.raw for heard in receiver.heard}) == 1
    row = only()
    assert (row.status, row.attempts, row.response_status) == ("failed", 6, status)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422, 302])
def test_a_refusal_that_will_not_pass_is_not_repeated(receiver, talk, status):
    endpoint_at(receiver, talk.project, MESSAGE)
    receiver.answering = lambda body: (status, {})
    factories.said(talk, "Hello")

    send_due()
    time_passes(timedelta(days=1))
    send_due()

    assert len(receiver.heard) == 1
    assert (only().status, only().response_status) == ("failed", status)


def test_a_receiver_that_asks_for_a_longer_pause_gets_it(receiver, talk):
    endpoint_at(receiver, talk.project, MESSAGE)
    receiver.answering = lambda body: (429, {"retry_after": 600})
    factories.said(talk, "Hello")

    send_due()

    assert wait_of(only()) == timedelta(minutes=10)


def test_what_a_receiver_did_not_take_comes_when_it_is_back(receiver, talk):
    endpoint_at(receiver, talk.project, MESSAGE, url="http://127.0.0.1:9/nobody")
    factories.said(talk, "Hello")
    send_due()
    row = only()
    assert (row.status, row.error_code, row.response_status) == ("pending", "connection", None)

    endpoint_update(endpoint=row.endpoint, actor=None, values={"url": receiver.url})
    time_passes(timedelta(minutes=1))
    send_due()

    assert types_heard(receiver) == [MESSAGE]
    assert only().status == "delivered"


def test_a_receiver_that_is_slower_than_its_timeout_is_tried_again(receiver, talk):
    endpoint_at(receiver, talk.project, MESSAGE, timeout_ms=100)
    done = threading.Event()
    receiver.answering = lambda body: (done.wait(10), (200, {}))[1]
    factories.said(talk, "Hello")

    send_due()
    done.set()

    assert (only().status, only().error_code) == ("pending", "timeout")


def test_a_long_answer_to_what_was_taken_is_no_failure(receiver, talk):
    endpoint_at(receiver, talk.project, MESSAGE)
    receiver.answering = lambda body: (200, b"x" * 300_000)
    factories.said(talk, "Hello")

    send_due()

    assert only().status == "delivered"


def test_the_events_of_a_conversation_stay_in_order_and_another_does_not_wait(receiver, talk):
    other = factories.conversation(talk.channel)
    endpoint_at(receiver, talk.project, MESSAGE)
    receiver.answering = lambda body: (503 if body["data"]["text"] == "one" else 200, {})
    for text in ("one", "two"):
        factories.said(talk, text)
    factories.said(other, "elsewhere")

    send_due()
    assert [heard.body["data"]["text"] for heard in receiver.heard] == ["one", "elsewhere"]
    receiver.answering = lambda body: (200, {})
    time_passes(timedelta(minutes=1))
    send_due()

    texts = [heard.body["data"]["text"] for heard in receiver.heard]
    assert texts == ["one", "elsewhere", "one", "two"]


def test_a_slow_receiver_stalls_no_other_and_the_sender_takes_lanes_side_by_side(receiver, talk):
    sender = WebhookSender()
    done = threading.Event()
    with webhook_agent() as slow:
        endpoint_at(slow, talk.project, MESSAGE, timeout_ms=30_000)
        slow.answering = lambda body: (done.wait(30), (200, {}))[1]
        for _ in range(PER_ENDPOINT + 2):
            factories.said(factories.conversation(talk.channel), "Hello")
        other = factories.conversation()
        endpoint_at(receiver, other.project, MESSAGE)
        sender.wake()
        eventually(lambda: len(slow.heard) == PER_ENDPOINT)

        for text in ("one", "two"):
            factories.said(other, text)
        sender.wake()

        eventually(lambda: len(receiver.heard) == 2)
        assert [heard.body["data"]["text"] for heard in receiver.heard] == ["one", "two"]
        assert len(slow.heard) == PER_ENDPOINT
        done.set()
        eventually(lambda: not WebhookDelivery.objects.exclude(status="delivered").exists())


def test_what_a_dead_process_had_taken_is_sent_by_another(receiver, talk):
    endpoint_at(receiver, talk.project, MESSAGE)
    factories.said(talk, "Hello")
    assert len(deliveries_claim(10)) == 1
    assert deliveries_claim(10) == []

    WebhookDelivery.objects.update(claimed_until=long_ago())
    send_due()

    assert types_heard(receiver) == [MESSAGE]


def test_whoever_lost_the_claim_decides_nothing(receiver, talk):
    endpoint_at(receiver, talk.project, MESSAGE)
    factories.said(talk, "Hello")
    [lost] = deliveries_claim(1)
    WebhookDelivery.objects.update(claimed_until=long_ago())
    [held] = deliveries_claim(1)

    attempt_settle(lost, Outcome(status=404, error_code="rejected"))
    assert (only().status, only().attempts) == ("pending", 0)
    attempt_settle(held, Outcome(status=200))

    assert (only().status, only().attempts) == ("delivered", 1)


def test_a_commit_queues_one_task_that_names_nothing_and_the_clock_queues_it_too(
    receiver, talk, redis_server
):
    endpoint_at(receiver, talk.project, MESSAGE)

    factories.said(talk, "my card is 4111")

    with redis.Redis.from_url(redis_server.url) as client:
        [queued] = client.lrange("clock", 0, -1)
    task = json.loads(queued)
    assert task["headers"]["task"] == send_webhooks.name
    assert task["headers"]["argsrepr"] == "()"
    assert app.conf.beat_schedule["send_webhooks"]["task"] == task["headers"]["task"]


def test_an_endpoint_that_is_deleted_at_that_moment_keeps_no_message_from_being_written(
    receiver, talk
):
    endpoint, _ = endpoint_at(receiver, talk.project, MESSAGE)

    # As another transaction may, between the look for endpoints and the writing.
    WebhookEndpoint.objects.all().delete()
    WebhookDelivery.objects.create(endpoint=endpoint, type=MESSAGE, lane=talk.pk, data={})

    assert deliveries_claim(10) == []


def test_a_rotated_secret_and_the_one_before_sign_until_the_overlap_ends(receiver, talk):
    endpoint, old = endpoint_at(receiver, talk.project, MESSAGE)

    endpoint, new = secret_rotate(endpoint=endpoint, actor=None)
    factories.said(talk, "Hello")
    send_due()
    endpoint.previous_until = long_ago()
    endpoint.save()
    factories.said(talk, "Hello again")
    send_due()

    during, after = receiver.heard
    assert signatures_of(during) == [signature(new, during), signature(old, during)]
    assert signatures_of(after) == [signature(new, after)]


def test_a_secret_that_leaked_is_replaced_without_an_overlap(receiver, talk):
    endpoint, _ = endpoint_at(receiver, talk.project, MESSAGE)

    _, new = secret_rotate(endpoint=endpoint, actor=None, overlap=timedelta(0))
    factories.said(talk, "Hello")
    send_due()

    assert signatures_of(receiver.heard[0]) == [signature(new, receiver.heard[0])]


def test_nothing_is_told_of_what_was_not_committed(receiver, talk):
    endpoint_at(receiver, talk.project, MESSAGE)

    with pytest.raises(ZeroDivisionError), transaction.atomic():
        factories.said(talk, "Hello")
        raise ZeroDivisionError

    assert not WebhookDelivery.objects.exists()


def test_only_what_was_chosen_of_the_endpoints_own_project_is_told(receiver, talk):
    endpoint_at(receiver, talk.project, "conversation.ended")
    stranger = factories.conversation()

    factories.said(talk, "Hello")
    factories.said(stranger, "Hello")

    assert not WebhookDelivery.objects.exists()


def test_a_switched_off_endpoint_gets_what_waits_once_it_is_on_again(receiver, talk):
    endpoint, _ = endpoint_at(receiver, talk.project, MESSAGE)
    factories.said(talk, "before")
    endpoint_update(endpoint=endpoint, actor=None, values={"is_enabled": False})
    factories.said(talk, "meanwhile")

    send_due()
    assert receiver.heard == []
    endpoint_update(endpoint=endpoint, actor=None, values={"is_enabled": True})
    send_due()

    assert [heard.body["data"]["text"] for heard in receiver.heard] == ["before"]


def test_what_waits_for_its_next_attempt_has_it_now_and_what_is_behind_it_follows(receiver, talk):
    endpoint_at(receiver, talk.project, MESSAGE)
    receiver.answering = lambda body: (503, {})
    factories.said(talk, "first")
    factories.said(talk, "second")
    send_due()
    receiver.answering = lambda body: (200, {})
    first, second = WebhookDelivery.objects.order_by("pk")
    assert first.next_attempt_at > timezone.now()

    with pytest.raises(NotFailedError):
        delivery_resend(delivery=second, actor=None)
    delivery_resend(delivery=first, actor=None)
    send_due()
    send_due()

    assert [heard.body["data"]["text"] for heard in receiver.heard] == ["first", "first", "second"]
    first.refresh_from_db()
    assert (first.status, first.attempts) == ("delivered", 2)


def test_what_failed_can_be_sent_again_under_the_same_id(receiver, talk):
    endpoint_at(receiver, talk.project, MESSAGE)
    receiver.answering = lambda body: (404, {})
    factories.said(talk, "Hello")
    send_due()
    receiver.answering = lambda body: (200, {})

    delivery_resend(delivery=only(), actor=None)
    with pytest.raises(NotFailedError):
        delivery_resend(delivery=only(), actor=None)
    send_due()

    first, second = receiver.heard
    assert first.raw == second.raw
    assert (only().status, only().attempts) == ("delivered", 1)


def test_a_test_event_reaches_an_endpoint_that_has_chosen_others(receiver, talk):
    endpoint, _ = endpoint_at(receiver, talk.project, MESSAGE)

    trial_send(endpoint=endpoint, actor=None)
    send_due()

    [heard] = receiver.heard
    assert heard.body["type"] == "webhook.test"
    assert heard.body["conversation_id"] is None


def test_a_public_address_that_leads_inside_is_not_called(receiver, talk, settings):
    endpoint_at(receiver, talk.project, MESSAGE)
    settings.ALLOW_LOCAL_AGENTS = False
    factories.said(talk, "Hello")

    send_due()

    assert receiver.heard == []
    assert (only().status, only().error_code) == ("pending", "address")


def test_deliveries_are_deleted_after_their_days(receiver, talk):
    endpoint_at(receiver, talk.project, MESSAGE)
    factories.said(talk, "old")
    WebhookDelivery.objects.update(created_at=long_ago())
    factories.said(talk, "new")

    deliveries_purge()

    assert WebhookDelivery.objects.count() == 1


def test_no_secret_and_no_text_is_logged_or_shown(receiver, talk, caplog):
    caplog.set_level("DEBUG")
    endpoint, secret = endpoint_at(receiver, talk.project, MESSAGE, headers={"X-Key": "hdr-s3cret"})
    receiver.answering = lambda body: (500, {"echo": body})
    factories.said(talk, "my card is 4111")

    shown: list[Any] = deliveries_claim(1)
    WebhookDelivery.objects.update(claimed_until=None)
    send_due()

    told = caplog.text + repr(shown) + repr(endpoint) + str(only())
    assert receiver.heard
    for hidden in (secret, "hdr-s3cret", "4111"):
        assert hidden not in told
