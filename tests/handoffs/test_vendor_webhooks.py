"""Vendors' webhooks at the portal's own address, signed as Genesys and Zendesk sign them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from handoffs.models import StoredWebhook
from handoffs.receiving.webhooks import MAX_BYTES
from integrations.connections.addresses import webhook_urls
from integrations.credentials.generated_values import OVERLAP
from integrations.kit.signatures import hex_signature
from integrations.models import Integration, Project
from integrations.vendors.custom.client import SIGNATURE_HEADER, TIMESTAMP_HEADER, signed_bytes
from tests import factories

GENESYS_ID = "9f2c4a11-0b7d-4c58-8a3e-77d1e5b60a42"
SECRET = "portal-secret-0123456789"
SHARED = "zendesk-shared-secret-01"
KEY = "ticket-webhook-key-0001"
SIGNING = "ticket-signing-secret-01"
Send = Callable[..., HttpResponse]


def genesys(project: Project, **fields: Any) -> Integration:
    credentials = {"integration_id": GENESYS_ID, "webhook_secret": SECRET}
    return factories.integration(
        project,
        connector_key="genesys",
        integration_key="genesys_integration",
        **{"credentials": credentials, **fields},
    )


def zendesk(project: Project, **changes: str) -> Integration:
    credentials = {
        "app_id": "aa11bb22cc33dd44ee55ff66",
        "webhook_id": "dd11ee22ff33aa44bb55cc66",
        "shared_secret": SHARED,
        "status_webhook_secret": KEY,
    }
    return factories.integration(
        project,
        connector_key="zendesk",
        integration_key="zendesk_integration",
        credentials={**credentials, **changes},
    )


def said(at: datetime | None = None, **changes: object) -> bytes:
    """A message as Genesys sends it."""
    moment = (at or datetime.now(UTC)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    channel = {"id": GENESYS_ID, "to": {"id": "HOF-1"}, "from": {"id": GENESYS_ID}, "time": moment}
    message = {"id": "0f9d", "type": "Text", "text": "Hello", "channel": channel, **changes}
    return json.dumps(message).encode()


def spoken(event_id: str = "ev-1", kind: str = "conversation:message") -> bytes:
    """An event as Zendesk's Conversations webhook sends it."""
    event = {
        "id": event_id,
        "type": kind,
        "createdAt": "2026-11-20T09:14:00.000Z",
        "payload": {"conversation": {"id": "cd11"}, "message": {"id": "m1"}},
    }
    body = {
        "app": {"id": "aa11bb22cc33dd44ee55ff66"},
        "webhook": {"id": "dd11ee22ff33aa44bb55cc66", "version": "v2"},
        "events": [event],
    }
    return json.dumps(body).encode()


def ticket_changed() -> bytes:
    """An event as Zendesk's ticket webhook sends it."""
    body = {
        "id": "01J",
        "type": "zen:event-type:ticket.status_changed",
        "subject": "zen:ticket:41",
        "detail": {"id": "41", "status": "SOLVED"},
        "event": {"previous": "OPEN", "current": "SOLVED"},
    }
    return json.dumps(body).encode()


def genesys_signed(raw: bytes, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), raw, hashlib.sha256).digest()
    return {"X-Hub-Signature-256": "sha256=" + base64.b64encode(digest).decode()}


def zendesk_signed(raw: bytes, at: datetime) -> dict[str, str]:
    stamp = at.isoformat(timespec="seconds").replace("+00:00", "Z")
    digest = hmac.new(SIGNING.encode(), stamp.encode() + raw, hashlib.sha256).digest()
    return {
        "X-Zendesk-Webhook-Signature": base64.b64encode(digest).decode(),
        "X-Zendesk-Webhook-Signature-Timestamp": stamp,
        "X-API-Key": KEY,
    }


@pytest.fixture
def project(db: None) -> Project:
    return factories.project()


@pytest.fixture
def send(client: Client) -> Send:
    def sent(url: str, raw: bytes, headers: dict[str, str]) -> HttpResponse:
        return client.post(url, raw, content_type="application/json", headers=headers)

    return sent


def events_url(row: Integration) -> str:
    return webhook_urls(row)["events"]


def kept() -> list[str]:
    return list(StoredWebhook.objects.order_by("id").values_list("item_id", flat=True))


# ---- what is true comes in, once ----


def test_signed_message_of_genesys_is_stored_and_its_repeat_is_not(
    send: Send, project: Project
) -> None:
    row, raw = genesys(project), said()

    answers = [send(events_url(row), raw, genesys_signed(raw)).status_code for _ in range(3)]

    stored = StoredWebhook.objects.get()
    assert answers == [200, 200, 200]
    assert (stored.integration, stored.key, stored.body["text"]) == (row, "HOF-1", "Hello")


def test_events_of_zendesk_are_stored_once_whatever_call_brings_them(
    send: Send, project: Project
) -> None:
    row = zendesk(project)

    answers = [
        send(events_url(row), spoken(name), {"X-API-Key": SHARED}).status_code
        for name in ("ev-1", "ev-2", "ev-1")
    ]

    assert answers == [200, 200, 200]
    assert kept() == ["events:ev-1", "events:ev-2"]


def test_ticket_webhook_of_zendesk_has_its_own_address_and_secret(
    send: Send, project: Project
) -> None:
    url = webhook_urls(zendesk(project))["status"]

    wrong = send(url, ticket_changed(), {"X-API-Key": SHARED}).status_code
    right = send(url, ticket_changed(), {"X-API-Key": KEY}).status_code

    assert (wrong, right) == (401, 200)
    assert kept() == ["status:01J"]


def test_event_nobody_knows_is_taken_without_complaint(send: Send, project: Project) -> None:
    row, url = genesys(project), events_url(zendesk(project))
    raw = said(type="Hologram", id="1a2b")

    answers = [
        send(events_url(row), raw, genesys_signed(raw)).status_code,
        send(url, spoken("ev-9", "conversation:levitated"), {"X-API-Key": SHARED}).status_code,
    ]

    assert answers == [200, 200]


def test_answer_is_fast_for_a_full_batch(send: Send, project: Project) -> None:
    url, body = events_url(zendesk(project)), json.loads(spoken())
    body["events"] = [{**body["events"][0], "id": f"ev-{number}"} for number in range(500)]
    started = time.monotonic()

    answer = send(url, json.dumps(body).encode(), {"X-API-Key": SHARED})

    assert (answer.status_code, len(kept())) == (200, 500)
    assert time.monotonic() - started < 2


# ---- what is not, does not ----


@pytest.mark.parametrize("secret", ["", "somebody-elses-secret-01"])
def test_bad_signature_is_401_and_leaves_nothing(send: Send, project: Project, secret: str) -> None:
    row, raw = genesys(project), said()

    forged = send(events_url(row), raw, genesys_signed(raw, secret))
    changed = send(events_url(row), raw + b" ", genesys_signed(raw))
    unsigned = send(events_url(zendesk(project)), spoken(), {"X-API-Key": secret})

    row.refresh_from_db()
    assert [answer.status_code for answer in (forged, changed, unsigned)] == [401, 401, 401]
    assert (kept(), row.last_webhook_at) == ([], None)


@pytest.mark.parametrize("minutes", [-20, 20])
def test_message_of_genesys_outside_the_replay_window_is_401(
    send: Send, project: Project, minutes: int
) -> None:
    raw = said(datetime.now(UTC) + timedelta(minutes=minutes))

    answer = send(events_url(genesys(project)), raw, genesys_signed(raw))

    assert (answer.status_code, kept()) == (401, [])


def test_signed_ticket_event_of_zendesk_outside_the_replay_window_is_401(
    send: Send, project: Project
) -> None:
    url = webhook_urls(zendesk(project, status_signing_secret=SIGNING))["status"]
    raw, now = ticket_changed(), datetime.now(UTC)

    old = send(url, raw, zendesk_signed(raw, now - timedelta(minutes=6)))
    fresh = send(url, raw, zendesk_signed(raw, now))

    assert (old.status_code, fresh.status_code) == (401, 200)


def test_unsigned_call_is_401_with_the_same_words_whether_something_is_connected_or_not(
    send: Send, project: Project
) -> None:
    row, raw = genesys(project), said()
    url, headers = events_url(row), genesys_signed(raw)
    others = [
        url.replace("/sandbox/", "/live/"),
        url.replace(project.public_id, "PROJECT-UNKNOWN"),
        url.replace(project.workspace.public_id, "ACCOUNT-UNKNOWN"),
    ]

    answers = [send(other, raw, headers) for other in others]
    answers.append(send(url, raw, {}))

    said_there = {answer.json()["error_message"] for answer in answers}
    assert ([answer.status_code for answer in answers], kept()) == ([401] * 4, [])
    assert len(said_there) == 1


def test_vendor_that_takes_no_webhooks_is_404(send: Send, project: Project) -> None:
    url, raw = events_url(genesys(project)), said()
    row = factories.integration(
        project, connector_key="amazon_connect", integration_key="amazon_connect_integration"
    )
    others = [
        events_url(row),
        url.replace("/genesys/", "/acme/"),
        url.replace("/sandbox/", "/nowhere/"),
        url.replace("/events", "/elsewhere"),
    ]

    answers = [send(other, raw, {}) for other in others]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert {answer.json()["error_code"] for answer in answers} == {"NOT_FOUND"}


def test_row_that_was_never_connected_is_401(send: Send, project: Project) -> None:
    row = genesys(project, credentials={}, status=Integration.Status.NOT_CONNECTED)
    raw = said()

    assert send(events_url(row), raw, genesys_signed(raw)).status_code == 401


# ---- what no database keeps ----

BROKEN = ["\x00", "\ud800", "a\x00b\udfff"]


@pytest.mark.parametrize("broken", BROKEN)
def test_signed_call_of_genesys_with_broken_text_anywhere_is_kept_and_repeated_once(
    send: Send, project: Project, broken: str
) -> None:
    row = genesys(project)
    whole = json.loads(said(text=f"Hello{broken}", id=f"id{broken}", extra=[{broken: broken}]))
    whole["channel"]["to"]["id"] = f"HOF-1{broken}"
    raw = json.dumps(whole).encode()

    answers = [send(events_url(row), raw, genesys_signed(raw)).status_code for _ in range(2)]

    stored = StoredWebhook.objects.get()
    assert answers == [200, 200]
    assert stored.key.startswith("HOF-1")
    assert stored.body["text"].startswith("Hello")
    assert all(char not in json.dumps(stored.body) for char in ("u0000", "ud800", "udfff"))


@pytest.mark.parametrize("broken", BROKEN)
def test_call_of_zendesk_with_broken_text_anywhere_is_kept(
    send: Send, project: Project, broken: str
) -> None:
    url, whole = events_url(zendesk(project)), json.loads(spoken(f"ev{broken}"))
    whole["events"][0]["payload"]["message"]["content"] = {"text": f"Hello{broken}"}
    whole["events"][0]["payload"]["conversation"]["id"] = f"cd11{broken}"

    answer = send(url, json.dumps(whole).encode(), {"X-API-Key": SHARED})

    stored = StoredWebhook.objects.get()
    assert answer.status_code == 200
    assert stored.body["payload"]["message"]["content"]["text"].startswith("Hello")


@pytest.mark.parametrize("broken", BROKEN)
def test_call_of_a_custom_connector_with_broken_text_anywhere_is_kept(
    send: Send, project: Project, broken: str
) -> None:
    row = factories.integration(
        project,
        connector_key="custom",
        integration_key="custom_integration",
        credentials={"signing_secret": SECRET},
    )
    event = {"type": "message", "event_id": f"e{broken}1", "external_id": f"c1{broken}"}
    raw = json.dumps({**event, "text": f"Hello{broken}"}).encode()
    stamp = str(int(time.time()))
    headers = {
        TIMESTAMP_HEADER: stamp,
        SIGNATURE_HEADER: hex_signature(SECRET, signed_bytes(stamp, raw)),
    }

    answer = send(events_url(row), raw, headers)

    assert answer.status_code == 200
    assert StoredWebhook.objects.get().body["text"].startswith("Hello")


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "9" * 4000])
def test_number_that_json_does_not_know_costs_no_event(
    send: Send, project: Project, number: str
) -> None:
    row, raw = genesys(project), said().replace(b'"Text"', b'"Text", "odd": ' + number.encode())

    answer = send(events_url(row), raw, genesys_signed(raw))

    assert (answer.status_code, StoredWebhook.objects.get().body["text"]) == (200, "Hello")


@pytest.mark.parametrize("depth", [100, 900, 5000])
def test_bottomless_nesting_is_no_failure(send: Send, project: Project, depth: int) -> None:
    row = genesys(project)
    raw = said().replace(b'"Text"', b'"Text", "odd": ' + b"[" * depth + b"]" * depth)

    assert send(events_url(row), raw, genesys_signed(raw)).status_code == 200


def test_bytes_that_are_no_utf8_cost_a_character_and_not_the_event(
    send: Send, project: Project
) -> None:
    row, raw = genesys(project), said().replace(b"Hello", b"Hello \xff there")

    send(events_url(row), raw, genesys_signed(raw))

    assert StoredWebhook.objects.get().body["text"] == "Hello \ufffd there"


def test_oversized_body_is_413(send: Send, project: Project) -> None:
    raw = said(text="x" * MAX_BYTES)

    answer = send(events_url(genesys(project)), raw, genesys_signed(raw))

    assert (answer.status_code, kept()) == (413, [])


@contextmanager
def database_away(statement: str) -> Iterator[None]:
    """Break every statement that begins like this, as a lost server does."""

    def broken(execute: Any, sql: str, *rest: Any) -> Any:
        if sql.startswith(statement):
            raise OperationalError("the connection is lost")
        return execute(sql, *rest)

    with connection.execute_wrapper(broken):
        yield


@pytest.mark.parametrize("statement", ["SELECT", "INSERT"])
def test_database_that_is_away_is_503_and_the_repeat_is_stored(
    send: Send, project: Project, statement: str
) -> None:
    row, raw = genesys(project), said()
    url, headers = events_url(row), genesys_signed(raw)

    with database_away(statement):
        lost = send(url, raw, headers)
    again = send(url, raw, headers)

    assert (lost.status_code, again.status_code, len(kept())) == (503, 200, 1)


# ---- whose it is ----


def test_platform_in_place_of_the_account_reaches_the_same_project(
    send: Send, project: Project
) -> None:
    row = zendesk(project)
    url = events_url(row).replace(project.workspace.public_id, "PLATFORM")

    answer = send(url, spoken(), {"X-API-Key": SHARED})

    assert answer.status_code == 200
    assert StoredWebhook.objects.get().integration == row


def test_call_never_reaches_another_project_of_the_same_vendor(
    send: Send, project: Project
) -> None:
    other = factories.project(slug=project.slug)
    here = genesys(project)
    there = genesys(
        other, credentials={"integration_id": GENESYS_ID, "webhook_secret": "another-secret-01234"}
    )
    raw = said()

    crossed = send(events_url(there), raw, genesys_signed(raw))
    by_slug = send(events_url(there).replace(other.public_id, other.slug), raw, genesys_signed(raw))
    own = send(events_url(here), raw, genesys_signed(raw))

    assert [crossed.status_code, by_slug.status_code, own.status_code] == [401, 401, 200]
    assert [row.integration for row in StoredWebhook.objects.all()] == [here]


# ---- secrets that change ----


def replaced(until: timedelta) -> dict[str, str]:
    """Credentials whose secret was replaced."""
    return {
        "integration_id": GENESYS_ID,
        "webhook_secret": "the-new-secret-0123456",
        "webhook_secret__previous": SECRET,
        "webhook_secret__previous_until": (timezone.now() + until).isoformat(),
    }


@pytest.mark.parametrize(("until", "answer"), [(OVERLAP, 200), (timedelta(seconds=-1), 401)])
def test_replaced_secret_is_good_for_a_day(
    send: Send, project: Project, until: timedelta, answer: int
) -> None:
    row, raw = genesys(project, credentials=replaced(until)), said()

    old = send(events_url(row), raw, genesys_signed(raw))
    new = send(events_url(row), raw, genesys_signed(raw, "the-new-secret-0123456"))

    assert (old.status_code, new.status_code) == (answer, 200)


def test_call_while_the_values_are_being_entered_is_seen_and_not_kept(
    send: Send, project: Project
) -> None:
    row = genesys(project, credentials={}, status=Integration.Status.NOT_CONNECTED)
    row.draft = {"values": {"integration_id": GENESYS_ID, "webhook_secret": SECRET}}
    row.save()
    raw = said()

    answer = send(events_url(row), raw, genesys_signed(raw))

    row.refresh_from_db()
    assert (answer.status_code, kept()) == (200, [])
    assert row.last_webhook_at is not None


def test_only_a_call_counts_as_seen_and_not_a_look(client: Client, project: Project) -> None:
    row = zendesk(project)

    looked = client.head(events_url(row))

    row.refresh_from_db()
    assert (looked.status_code, row.last_webhook_at) == (200, None)
