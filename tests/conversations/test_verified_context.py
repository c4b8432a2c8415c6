"""Verified context: a token of the customer's server, bound to one session, for thirty seconds."""

from __future__ import annotations

import json
import time
from typing import Any

import jwt
import pytest
from django.test import Client

from conversations.ai_agent.conv.place import conv_snapshot
from conversations.models import Conversation, EndUser
from tests import factories
from tests.members import client_with

pytestmark = pytest.mark.django_db
KEYS = {"ck_1": "a-secret-of-the-customers-server-32-bytes"}
ANN = {"email": "Ann@example.com", "name": "Ann", "tier": "gold"}


@pytest.fixture
def conversation() -> Conversation:
    return factories.conversation(factories.channel(context_keys=KEYS))


def context_id(conversation: Conversation) -> str:
    return str(conversation.events.get(type="SESSION_START").payload["context_id"])


def token(conversation: Conversation, *, key="ck_1", secret=KEYS["ck_1"], **claims: Any) -> str:
    now = int(time.time())
    body = {"sub": context_id(conversation), "iat": now, "exp": now + 30, "ctx": ANN, **claims}
    return jwt.encode(body, secret, algorithm="HS256", headers={"kid": key})


def sent(conversation: Conversation, raw: str, path: str = "context") -> Any:
    answer = Client().post(
        f"/api/v1/sessions/{conversation.session_id}/{path}",
        json.dumps({"token": raw}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {factories.access_token(conversation)}"},
    )
    conversation.refresh_from_db()
    return answer.json()


def history(conversation: Conversation) -> list[Any]:
    answer = Client().get(
        f"/api/v1/sessions/{conversation.session_id}/history",
        headers={"Authorization": f"Bearer {factories.access_token(conversation)}"},
    )
    found: list[Any] = answer.json()["conversations"]
    return found


def test_a_valid_token_makes_the_end_user_a_verified_one_and_tools_read_it(conversation):
    assert sent(conversation, token(conversation)) == {"status": "verified"}

    user = conversation.end_user
    assert (user.is_verified, user.external_id) == (True, "ann@example.com")
    assert (user.email, user.name) == ("Ann@example.com", "Ann")
    assert conv_snapshot(conversation, None, None).context_vault == ANN


def test_an_id_that_is_a_number_names_the_same_person_as_its_digits(conversation):
    sent(conversation, token(conversation, ctx={"external_id": 4711, "name": "Ann", "vip": True}))

    assert conversation.end_user.external_id == "4711"
    assert conversation.end_user.is_verified


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"secret": "another-secret-that-nobody-gave-to-us"}, "forged"),
        ({"key": "ck_2"}, "forged"),
        ({"sub": "another-session"}, "forged"),
        ({"exp": int(time.time()) + 600}, "forged"),
        ({"iat": 1, "exp": 30}, "expired"),
        ({"ctx": {"nested": {"a": 1}}}, "forged"),
        ({"ctx": {"long": "x" * 8_200}}, "forged"),
        ({"sub": "sitzung-ä"}, "forged"),
        ({"exp": float("inf")}, "forged"),
        ({"exp": [1], "iat": {}}, "forged"),
        ({"iat": int(time.time()) + 600, "exp": int(time.time()) + 630}, "forged"),
    ],
)
def test_what_is_forged_or_expired_leaves_an_anonymous_and_is_marked(conversation, changes, status):
    assert sent(conversation, token(conversation, **changes)) == {"status": status}

    assert not conversation.end_user.is_verified
    assert conversation.context["verified"]["status"] == status
    assert conversation.log.get().code == f"context_{status}"
    assert conv_snapshot(conversation, None, None).context_vault == {}


def test_what_no_database_keeps_of_a_token_is_left_out(conversation):
    ctx = {"name": "An\x00n", "email": "ann@example.com", "score": float("nan")}

    assert sent(conversation, token(conversation, ctx=ctx)) == {"status": "verified"}

    assert conversation.end_user.name == "Ann"
    assert conv_snapshot(conversation, None, None).context_vault["score"] is None


@pytest.mark.parametrize("raw", ["", "x", "a.b.c", "x" * 17_000])
def test_what_is_no_token_at_all_is_no_error_of_the_portal(conversation, raw):
    answer = sent(conversation, raw)

    assert answer.get("status") == "forged" or answer["error_code"] == "INVALID_REQUEST"


def test_a_refresh_replaces_all_that_was_verified(conversation):
    sent(conversation, token(conversation))
    sent(conversation, token(conversation, ctx={"tier": "silver"}))
    assert not conversation.end_user.is_verified
    assert conversation.context["verified"]["claims"] == {"tier": "silver"}

    sent(conversation, token(conversation))
    sent(conversation, token(conversation, iat=1, exp=30))

    assert not conversation.end_user.is_verified
    assert conversation.context["verified"]["claims"] == {}
    assert EndUser.objects.filter(is_verified=True).count() == 1


def test_a_verified_person_reads_earlier_conversations_and_an_anonymous_with_the_address_none():
    channel = factories.channel(
        context_keys=KEYS,
        before={"questions": [{"name": "email", "label": "E-mail", "kind": "email"}]},
    )
    first, second, stranger = (factories.conversation(channel) for _ in range(3))
    EndUser.objects.filter(pk=stranger.end_user_id).update(email="ann@example.com")
    factories.said(first, "My parcel is lost.")
    for verified in (first, second):
        sent(verified, token(verified))

    [earlier] = history(second)

    assert [line["text"] for line in earlier["lines"] if line["from"] == "user"] == [
        "My parcel is lost."
    ]
    assert history(stranger) == []


def test_a_widget_without_keys_asks_for_nothing():
    plain = factories.conversation(factories.channel())

    assert "context_id" not in plain.events.get(type="SESSION_START").payload


def test_a_key_is_shown_once_and_can_be_removed():
    channel = factories.channel()
    client = client_with(channel.project, widgets=2)
    address = f"/p/{channel.project.public_id}/widget/{channel.pk}/identity/"

    made = client.post(address, {"makes_key": "on"})
    channel.refresh_from_db()
    [(key, secret)] = channel.context_keys.items()
    again = client.get(address).content.decode()
    client.post(address, {"removes": [key]})
    channel.refresh_from_db()

    assert secret in made.content.decode()
    assert made["Cache-Control"] == "no-store"
    assert key in again
    assert secret not in again
    assert channel.context_keys == {}
