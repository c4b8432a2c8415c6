"""A project with a number, and a carrier that calls: for tests of text messages."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.http import HttpResponse
from django.test import Client

from conversations.journal.services import agent_join
from conversations.models import Conversation, SmsOutbound, SmsThread
from conversations.sms.outbox import NewText, texts_queue
from conversations.sms.telling import thread_lock, threads_tell
from conversations.sms.threads import thread_conversation
from integrations.connections.addresses import webhook_urls
from integrations.models import Integration, Project
from tests import factories
from tests.vendors.twilio_sms.signed import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    FORM_TYPE,
    OURS,
    THEIRS,
    body,
    inbound,
    signature,
)

TOLD = "greeting,joined,left,ended"


def carrier(project: Project | None = None, *, url: str = "", **values: str) -> Integration:
    """A connected number; `url` is a simulator's address."""
    credentials = {
        "account_sid": ACCOUNT_SID,
        "auth_token": AUTH_TOKEN,
        "numbers": OURS,
        "told": TOLD,
        "texts_per_second": "100",
        "api_base_url": url or "http://127.0.0.1:9",
        **values,
    }
    return factories.integration(
        project,
        connector_key="twilio_sms",
        integration_key="twilio_integration",
        credentials=credentials,
    )


def call(client: Client, row: Integration, form: dict[str, Any], **how: Any) -> HttpResponse:
    """Call as Twilio does; `query` and `endpoint` change the address, `given` the signature."""
    address = webhook_urls(row)[how.get("endpoint", "events")] + how.get("query", "")
    headers = {"X-Twilio-Signature": how.get("given") or signature(address, form)}
    raw, path = body(form), "/" + address.split("/", 3)[3]
    return client.post(path, raw, content_type=FORM_TYPE, headers=headers)


def text_in(client: Client, row: Integration, text: str, sid: str = "SM1", **more: str) -> None:
    """An end user's text comes in."""
    assert call(client, row, inbound(text, sid, **more)).status_code == 200


def report(client: Client, row: Integration, of: SmsOutbound, word: str, **more: str) -> None:
    """The carrier tells how far a text came."""
    form = {"AccountSid": ACCOUNT_SID, "MessageSid": "SMout", "MessageStatus": word, **more}
    answered = call(client, row, form, endpoint="status", query=f"?text={of.pk}")
    assert answered.status_code == 200


def thread(row: Integration) -> SmsThread:
    """A thread of the usual two numbers."""
    found, _ = SmsThread.objects.get_or_create(integration=row, our_number=OURS, user_number=THEIRS)
    return found


def talking(row: Integration) -> tuple[SmsThread, Conversation]:
    """A thread whose AI agent has greeted, and whose texts so far are written and settled."""
    of = thread(row)
    conversation = thread_conversation(of.pk)
    assert conversation is not None
    agent_join(conversation.pk)
    threads_tell()
    of.outbound.update(status=SmsOutbound.Status.DELIVERED)
    return of, Conversation.objects.get(pk=conversation.pk)


@transaction.atomic
def queue(of: SmsThread, *queued: str) -> list[SmsOutbound]:
    """Write texts that no journal has."""
    before = set(of.outbound.values_list("pk", flat=True))
    new = [NewText(source=f"test:{uuid.uuid4()}", text=text) for text in queued]
    texts_queue(thread_lock(of.pk), new)
    return list(of.outbound.exclude(pk__in=before).order_by("place"))


def texts(of: SmsThread) -> list[str]:
    """What waits to be sent, in order."""
    waiting = of.outbound.filter(status=SmsOutbound.Status.WAITING).order_by("place")
    return list(waiting.values_list("text", flat=True))
