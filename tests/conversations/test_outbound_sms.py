"""POST /v1/outbound-sms: another system has the AI agent write first."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from conversations.models import Channel, Conversation, SmsThread
from conversations.sms.telling import threads_tell
from integrations.models import ApiKey, Integration
from tests import factories
from tests.conversations.texting import carrier, talking, texts, thread
from tests.vendors.twilio_sms.signed import OURS, THEIRS

pytestmark = pytest.mark.django_db
BODY = {"message": "Your table is ready.", "user_number": THEIRS}


@pytest.fixture
def row() -> Integration:
    return carrier(told="")


@pytest.fixture
def key(row: Integration) -> str:
    return factories.api_key(row.project, ApiKey.Permission.CHAT)[1]


def post(client: Client, key: str, body: Any = BODY, **headers: str) -> Any:
    given = {"X-PolyAi-Auth-Token": key, **headers}
    return client.post("/v1/outbound-sms", body, content_type="application/json", headers=given)


def test_the_message_opens_a_conversation_in_place_of_the_greeting(
    client: Client, row: Integration, key: str
) -> None:
    answered = post(client, key)

    assert (answered.status_code, answered.content) == (202, b"")
    threads_tell()
    of = thread(row)
    assert texts(of) == ["Your table is ready."]
    assert of.conversation is not None
    assert factories.journal(of.conversation)[-1] == "POLY_AGENT_MESSAGE"
    assert of.conversation.state == "bot"


def test_it_goes_on_in_the_thread_that_there_is(client: Client, row: Integration, key: str) -> None:
    talking(row)

    assert post(client, key, {**BODY, "agent_number": OURS}).status_code == 202

    threads_tell()
    assert texts(thread(row)) == ["Your table is ready."]
    assert Conversation.objects.count() == 1


def test_the_usual_headers_are_taken_too(client: Client, row: Integration, key: str) -> None:
    channel = factories.channel(row.project)
    headers = {"X-API-KEY": key, "X-TOKEN": channel.public_key}

    answered = client.post(
        "/v1/outbound-sms", BODY, content_type="application/json", headers=headers
    )

    assert answered.status_code == 202
    assert not Channel.objects.filter(kind="sms").exclude(environment="sandbox").exists()


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"user_number": "0155"}, 400, "user_number"),
        ({"message": ""}, 400, "message"),
        ({"message": "a" * 1601}, 400, "message"),
        ({"agent_number": "+15550100111"}, 404, "No such number"),
    ],
)
def test_what_is_wrong_is_named(
    client: Client, key: str, change: dict[str, Any], status: int, says: str
) -> None:
    answered = post(client, key, {**BODY, **change})

    assert answered.status_code == status
    assert set(answered.json()) == {"detail"}
    assert says in answered.json()["detail"]


def test_a_key_that_may_not_and_a_number_that_wants_none_are_refused(
    client: Client, row: Integration, key: str
) -> None:
    _, other = factories.api_key(row.project)
    assert post(client, "wrong").status_code == 401
    assert post(client, other).status_code == 403
    thread(row)
    SmsThread.objects.update(opted_out_at="2026-01-01T00:00Z")

    answered = post(client, key)

    assert (answered.status_code, "opted out" in answered.json()["detail"]) == (403, True)


def test_while_a_live_agent_talks_the_ai_agent_does_not(
    client: Client, row: Integration, key: str
) -> None:
    _, conversation = talking(row)
    Conversation.objects.filter(pk=conversation.pk).update(state="handoff")

    assert post(client, key).status_code == 400
