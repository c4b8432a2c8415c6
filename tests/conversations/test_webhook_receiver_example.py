"""docs/examples/webhook_receiver.py takes what Baton sends, once, and nothing that is forged."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.demo.embedded import free_port
from conversations.models import WebhookDelivery
from conversations.webhooks.endpoints import delivery_resend, endpoint_create, secret_rotate
from tests import factories
from tests.conversations.hooks import send_due
from tests.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)
EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "webhook_receiver.py"


def refused(url: str, headers: dict[str, str] | None = None) -> int:
    """Return the status of a call that is not Baton's; 0 while nobody listens."""
    request = urllib.request.Request(url, data=b"{}", headers=headers or {})
    try:
        urllib.request.urlopen(request, timeout=5)
    except urllib.error.HTTPError as error:
        return error.code
    except urllib.error.URLError:
        return 0
    return 200


@pytest.fixture
def received(tmp_path: Path) -> Iterator[tuple[str, str, Path]]:
    """Start the example; return its address, its secret and what it prints."""
    port, out = free_port(), tmp_path / "out"
    conversation = factories.conversation()
    url = f"http://127.0.0.1:{port}/baton"
    given = {"name": "Example", "url": url, "event_types": ["message.created"]}
    endpoint, old = endpoint_create(project=conversation.project, actor=None, values=given)
    # It knows the old secret alone: a rotation goes on behind its back.
    secret_rotate(endpoint=endpoint, actor=None)
    with out.open("wb") as printed:
        process = subprocess.Popen(
            [sys.executable, str(EXAMPLE), str(port)],
            stdout=printed,
            env={**os.environ, "BATON_WEBHOOK_SECRET": old},
        )
        try:
            eventually(lambda: refused(url) == 401)
            yield url, conversation.pk, out
        finally:
            process.terminate()
            process.wait(10)


def test_the_example_takes_each_event_once_during_a_rotation_and_refuses_others(received):
    url, conversation_id, out = received
    conversation = factories.Conversation.objects.get(pk=conversation_id)

    factories.said(conversation, "Hello")
    send_due()
    delivery_resend(delivery=WebhookDelivery.objects.get(), actor=None)
    send_due()

    assert WebhookDelivery.objects.get().response_status == 204
    assert out.read_text().splitlines() == [f"message.created {conversation_id}"]
    forged = {"X-Handoff-Timestamp": "1", "X-Handoff-Signature": "00", "X-Handoff-Event-ID": "x"}
    assert refused(url, forged) == 401
    nonsense = {"X-Handoff-Timestamp": str(int(time.time())), "X-Handoff-Signature": "\xe9"}
    assert refused(url, nonsense) == 401
    assert refused(url, {**nonsense, "X-Handoff-Timestamp": "\xb2"}) == 401
