"""A signed call that somebody sends again changes nothing, whichever vendor signed it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from handoffs.models import StoredWebhook
from integrations.kit.signatures import hex_signature
from integrations.models import Integration, Project
from integrations.vendors.custom.client import SIGNATURE_HEADER, TIMESTAMP_HEADER, signed_bytes
from tests import factories
from tests.handoffs.test_vendor_webhooks import (
    SHARED,
    Send,
    events_url,
    genesys,
    genesys_signed,
    said,
    send,  # noqa: F401 - a fixture
    spoken,
    zendesk,
)

pytestmark = pytest.mark.django_db
SECRET = "a-signing-secret-of-the-test-0001"
Call = tuple[bytes, dict[str, str]]
LONG_AGO = timedelta(hours=1)


def custom(project: Project) -> Integration:
    return factories.integration(
        project,
        connector_key="custom",
        integration_key="custom_integration",
        credentials={"signing_secret": SECRET, "base_url": "https://desk.example.org"},
    )


def of_custom(ago: timedelta) -> Call:
    event = {"event_id": "e-1", "type": "message", "external_id": "x-1", "data": {"text": "Hello"}}
    raw, stamp = json.dumps(event).encode(), str(int(time.time() - ago.total_seconds()))
    signature = hex_signature(SECRET, signed_bytes(stamp, raw))
    return raw, {TIMESTAMP_HEADER: stamp, SIGNATURE_HEADER: signature}


def of_genesys(ago: timedelta) -> Call:
    raw = said(datetime.now(UTC) - ago)
    return raw, genesys_signed(raw)


def webex(project: Project) -> Integration:
    return factories.integration(
        project,
        connector_key="webex",
        integration_key="webex_integration",
        credentials={"asset_webhook_secret": SECRET},
    )


def of_webex(ago: timedelta) -> Call:
    stamp = int((time.time() - ago.total_seconds()) * 1000)
    data = {"taskId": "t-1", "messageDirection": "OUTBOUND", "senderType": "system"}
    event = {"type": "task-message:appended", "comciscotimestamp": stamp, "data": data}
    raw = json.dumps(event).encode()
    signature = hex_signature(SECRET, raw)
    return raw, {"X-WebexCC-Signature": signature, "X-WebExCC-Timestamp": str(stamp)}


def of_zendesk(ago: timedelta) -> Call:
    return spoken(), {"X-API-Key": SHARED}


@pytest.mark.parametrize(
    "connected, call",
    [(custom, of_custom), (genesys, of_genesys), (webex, of_webex), (zendesk, of_zendesk)],
)
def test_a_call_sent_again_is_answered_and_leaves_nothing_to_do(
    send: Send,  # noqa: F811 - the fixture
    connected: Callable[[Project], Integration],
    call: Callable[[timedelta], Call],
):
    url, (raw, headers) = events_url(connected(factories.project())), call(timedelta())
    assert send(url, raw, headers).status_code == 200
    assert StoredWebhook.objects.update(is_done=True, body={}) == 1

    assert send(url, raw, headers).status_code == 200

    assert StoredWebhook.objects.count() == 1
    assert not StoredWebhook.objects.filter(is_done=False).exists()


@pytest.mark.parametrize(
    "connected, call", [(custom, of_custom), (genesys, of_genesys), (webex, of_webex)]
)
def test_a_call_from_before_the_rows_were_cleaned_up_is_refused_for_its_age(
    send: Send,  # noqa: F811 - the fixture
    connected: Callable[[Project], Integration],
    call: Callable[[timedelta], Call],
):
    url, (raw, headers) = events_url(connected(factories.project())), call(LONG_AGO)

    assert send(url, raw, headers).status_code == 401

    assert not StoredWebhook.objects.exists()
