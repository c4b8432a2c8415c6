"""Refreshed and forged access tokens."""

from __future__ import annotations

import hmac
import json
import time
import uuid
from typing import Any

import jwt
import pytest
from jwt.utils import base64url_encode

from conversations.models import Channel, Conversation
from conversations.widget import access_token
from conversations.widget.access_token import TokenError, token_issue, token_verify
from tests import factories
from tests.conversations.handshake_calls import (
    SESSIONS,
    ask_token,
    error,
    open_session,
    post,
    token_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    return factories.channel()


# ---- refreshing ----


def aged(channel: Channel, family: uuid.UUID, seconds: int) -> str:
    """Return a token that was issued so long ago."""
    claims = {"chn": channel.pk, "fam": str(family), "tru": False}
    issued = int(time.time()) - seconds
    times = {"iat": issued, "exp": issued + 900}
    return jwt.encode(claims | times, access_token._key(), algorithm="HS256")


def test_an_expired_token_is_refreshed_within_a_day_and_keeps_its_sessions(channel):
    family = uuid.uuid4()
    old = aged(channel, family, 3600)
    assert error(open_session(old)) == (
        401,
        "UNAUTHORIZED",
        "The access token has expired. Request a new one.",
    )

    new = token_of(channel, Authorization=f"Bearer {old}")

    assert token_verify(new).family == family
    assert open_session(new).status_code == 200


def test_a_token_expired_for_more_than_a_day_is_not_refreshed(channel):
    old = aged(channel, uuid.uuid4(), 900 + 86400 + 60)

    assert error(ask_token(channel, Authorization=f"Bearer {old}"))[:2] == (401, "UNAUTHORIZED")


def test_a_token_without_an_old_one_begins_a_family_of_its_own(channel):
    families = {token_verify(token_of(channel)).family for _ in range(3)}

    assert len(families) == 3


def test_another_channels_token_is_not_refreshed(channel):
    foreign = token_of(factories.channel())

    assert error(ask_token(channel, Authorization=f"Bearer {foreign}")) == (
        401,
        "UNAUTHORIZED",
        "The old access token belongs to another channel.",
    )


def test_refreshing_with_the_public_key_takes_trust_away(channel):
    trusted = token_of(channel, X_Token=factories.secret_token(channel))

    refreshed = token_of(channel, Authorization=f"Bearer {trusted}")

    assert token_verify(trusted).is_trusted
    assert not token_verify(refreshed).is_trusted


# ---- forged tokens ----


def _claims(channel: Channel, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    claims = {"chn": channel.pk, "fam": str(uuid.uuid4()), "tru": True, "iat": now}
    return {key: value for key, value in {**claims, "exp": now + 900, **changes}.items() if value}


def _signed_with_sha512(claims: dict[str, object], key: bytes) -> str:
    """Sign as PyJWT would, which warns of so short a key."""
    parts = ({"alg": "HS512", "typ": "JWT"}, claims)
    signed = b".".join(base64url_encode(json.dumps(part).encode()) for part in parts)
    signature = base64url_encode(hmac.digest(key, signed, "sha512"))
    return f"{signed.decode()}.{signature.decode()}"


def _forged(channel: Channel) -> dict[str, str]:
    key = access_token._key()
    head, body, signature = token_issue(channel, family=uuid.uuid4(), is_trusted=False).split(".")
    return {
        "another key": jwt.encode(_claims(channel), b"k" * 32, algorithm="HS256"),
        "no signature": jwt.encode(_claims(channel), None, algorithm="none"),
        "another algorithm": _signed_with_sha512(_claims(channel), key),
        "cut off": f"{head}.{body}.",
        "another body": f"{head}.{body[:-2]}xx.{signature}",
        "no channel": jwt.encode(_claims(channel, chn=None), key, algorithm="HS256"),
        "no family": jwt.encode(_claims(channel, fam="x"), key, algorithm="HS256"),
        "no expiry": jwt.encode(_claims(channel, exp=None), key, algorithm="HS256"),
        "the secret key of Django": jwt.encode(_claims(channel), "s" * 50, algorithm="HS256"),
        "not a token": "x.y.z",
        "empty": "",
    }


@pytest.mark.parametrize("forgery", list(_forged(Channel(pk=1))))
def test_a_forged_token_opens_no_session(channel, forgery):
    token = _forged(channel)[forgery]

    with pytest.raises(TokenError):
        token_verify(token)
    assert error(open_session(token)) == (
        401,
        "UNAUTHORIZED",
        "The access token is not valid. Request a new one.",
    )
    assert not Conversation.objects.exists()


@pytest.mark.parametrize("header", ["", "Basic {}", "{}", "Bearer"])
def test_a_token_must_be_a_bearer_token(channel, header):
    value = header.format(token_of(channel))

    assert error(post(SESSIONS, {}, Authorization=value))[:2] == (401, "UNAUTHORIZED")
