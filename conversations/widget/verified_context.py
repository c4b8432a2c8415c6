"""What a customer's own server vouches for: a signed token bound to one session (HS256, 30 s)."""

from __future__ import annotations

import hmac
import json
import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

import jwt
from django.db import transaction
from django.utils import timezone

from conversations.journal.selectors import transcript_get
from conversations.journal.services import conversation_lock, log_append
from conversations.models import Channel, Conversation, EndUser, LogEntry
from integrations.kit.plain_json import json_cleaned

TOKEN_MAX_BYTES = 16_384
CONTEXT_MAX_BYTES = 8_192
# What a verified person reads of earlier conversations.
CONVERSATIONS_MAX, LINES_MAX = 20, 100
LIFE_SECONDS = 30
# Clocks of two machines are never the same.
LEEWAY_SECONDS = 5
VERIFIED, EXPIRED, FORGED = "verified", "expired", "forged"
_PROBLEMS = {
    EXPIRED: "The token of verified context has expired: the end user counts as anonymous. It "
    "lives 30 seconds; make it when the widget asks for it.",
    FORGED: "The token of verified context was not taken ({why}): the end user counts as "
    "anonymous.",
}


class ContextTokenError(Exception):
    """The token proves nothing; `status` is expired or forged."""

    def __init__(self, status: str, why: str) -> None:
        """Keep what is wrong with it, for the project's log."""
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedContext:
    """What the token says of the end user."""

    claims: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def external_id(self) -> str:
        """Return who it is; empty where the token names nobody."""
        return self._text("external_id") or self._text("email").lower()

    def names(self) -> dict[str, str]:
        """Return what is known of the person, cut to what is kept."""
        found = {"name": 256, "email": 254, "phone": 32}
        return {name: text[:most] for name, most in found.items() if (text := self._text(name))}

    def _text(self, name: str) -> str:
        value = self.claims.get(name)
        # A customer's own id of a person is often a number.
        is_text = isinstance(value, str | int) and not isinstance(value, bool)
        return str(value).strip()[:255] if is_text else ""


def context_key_make(channel: Channel) -> tuple[str, str]:
    """Add a key to the channel's; return its id and its secret, the only time it is known."""
    key_id, secret = f"ck_{secrets.token_hex(4)}", secrets.token_urlsafe(32)
    channel.context_keys = {**(channel.context_keys or {}), key_id: secret}
    return key_id, secret


def context_read(channel: Channel, context_id: str, token: str) -> VerifiedContext:
    """Return what a token says; raises ContextTokenError."""
    if len(token) > TOKEN_MAX_BYTES:
        raise ContextTokenError(FORGED, "it is longer than 16 KB")
    try:
        key_id = str(jwt.get_unverified_header(token).get("kid", ""))
        secret = (channel.context_keys or {}).get(key_id)
        if not secret:
            raise ContextTokenError(FORGED, "its kid names no key of this widget")
        claims = jwt.decode(
            token,
            secret,
            algorithms=["HS256"],
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iat", "sub"], "verify_aud": False},
        )
    except jwt.ExpiredSignatureError as error:
        raise ContextTokenError(EXPIRED, "it has expired") from error
    except (jwt.InvalidTokenError, UnicodeError) as error:
        raise ContextTokenError(FORGED, type(error).__name__) from error
    except (OverflowError, TypeError) as error:
        raise ContextTokenError(FORGED, "its exp or iat is no time") from error
    return _checked(claims, context_id)


def _checked(claims: dict[str, Any], context_id: str) -> VerifiedContext:
    if not hmac.compare_digest(claims["sub"].encode("utf-8", "replace"), context_id.encode()):
        raise ContextTokenError(FORGED, "its sub is not the contextId of this session")
    if int(claims["exp"]) - int(claims["iat"]) > LIFE_SECONDS:
        raise ContextTokenError(FORGED, "it lives longer than 30 seconds")
    # What no database keeps, as a NUL or NaN, is left out.
    found: Any = json_cleaned(claims.get("ctx")) or {}
    is_flat = isinstance(found, dict) and all(
        value is None or isinstance(value, str | int | float | bool) for value in found.values()
    )
    if not is_flat:
        raise ContextTokenError(FORGED, "its ctx holds more than plain values")
    if len(json.dumps(found).encode()) > CONTEXT_MAX_BYTES:
        raise ContextTokenError(FORGED, "its ctx is larger than 8 KB")
    return VerifiedContext(claims=found)


@transaction.atomic
def context_receive(conversation_id: str, token: str) -> str:
    """Take a token for a conversation and return verified, expired or forged.

    It replaces all that was known before: a token that proves nothing leaves an anonymous.
    """
    conversation = conversation_lock(conversation_id)
    channel = conversation.channel
    try:
        found = context_read(channel, conversation.context_id, token)
        status = VERIFIED
    except ContextTokenError as error:
        found, status = VerifiedContext(), error.status
        text = _PROBLEMS[status].format(why=error)
        log_append(conversation, LogEntry.Level.WARNING, text, code=f"context_{status}")
    at = timezone.now().isoformat(timespec="milliseconds")
    verified = {"status": status, "claims": found.claims, "at": at}
    conversation.context = {**conversation.context, "verified": verified}
    conversation.end_user = _end_user(conversation, found)
    conversation.save(update_fields=["context", "end_user"])
    return status


def _end_user(conversation: Conversation, found: VerifiedContext) -> EndUser:
    """Return the person that is vouched for, else an anonymous one who shares nothing with them."""
    if found.external_id:
        person, _ = EndUser.objects.update_or_create(
            project_id=conversation.project_id,
            external_id=found.external_id,
            is_verified=True,
            defaults=found.names(),
        )
        return person
    if not conversation.end_user.is_verified:
        return conversation.end_user
    return EndUser.objects.create(project_id=conversation.project_id, external_id=str(uuid.uuid4()))


def history_of(conversation: Conversation) -> list[dict[str, Any]]:
    """Return earlier conversations of the same verified person; none of an anonymous one."""
    if not conversation.end_user.is_verified:
        return []
    rows = Conversation.objects.filter(
        project_id=conversation.project_id,
        end_user_id=conversation.end_user_id,
        end_user__is_verified=True,
        is_discarded=False,
    ).exclude(pk=conversation.pk)
    return [
        {
            "started_at": row.started_at.isoformat(timespec="milliseconds"),
            "lines": [
                {"at": line["ts"], "from": line["sender"], "text": line["text"]}
                for line in transcript_get(row, limit=LINES_MAX)
            ],
        }
        for row in rows.order_by("-started_at")[:CONVERSATIONS_MAX]
    ]
