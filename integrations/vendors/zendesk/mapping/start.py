"""What Zendesk is told when a handoff starts: user, conversation, context and transcript."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping

from integrations.contract.connector import HandoffRequest
from integrations.kit.cutting import pieces, shortened, utf16_units
from integrations.kit.hints import hint_list, hint_pairs, hint_text, identity_of
from integrations.kit.json_values import Json
from integrations.kit.transcript import Limits, opening_texts
from integrations.vendors.zendesk.mapping.messages import HANDOFF_KEY, MAX_TEXT_UNITS, SESSION_KEY

MAX_TRANSCRIPT_PARTS = 12
_LIMITS = Limits(size=MAX_TEXT_UNITS, measure=utf16_units, parts=MAX_TRANSCRIPT_PARTS)
_MAX_PROFILE = 128
_MAX_LOCALE = 64
_MAX_EXTERNAL_ID = 1000
_SHOWN_HINTS = ("reason", "queue", "skills", "department", "priority", "language")
_OPENING = "The end user asked for a live agent."


def user_external_id(request: HandoffRequest) -> str:
    """Name the end user the same way every time; a visitor's claim never meets a verified one."""
    if known := identity_of(request).external_id:
        name = f"portal:{known}"
    elif claimed := request.end_user.external_id:
        name = f"portal:unverified:{claimed}"
    else:
        name = f"portal:conversation:{request.conversation_id}"
    if len(name) > _MAX_EXTERNAL_ID:
        return f"portal:sha256:{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()}"
    return name


def user_body(request: HandoffRequest) -> Json:
    """Return the user to create; name and e-mail only where somebody vouches for them."""
    identity = identity_of(request)
    profile = {
        "givenName": shortened(identity.first_name, _MAX_PROFILE),
        "surname": shortened(identity.last_name, _MAX_PROFILE),
        "email": identity.email[:_MAX_PROFILE],
        "locale": hint_text(request.routing.get("language") or request.locale)[:_MAX_LOCALE],
    }
    kept = {name: value for name, value in profile.items() if value}
    return {"externalId": user_external_id(request), **({"profile": kept} if kept else {})}


def conversation_body(request: HandoffRequest) -> Json:
    """Return the conversation to create; its marks let a second try find it."""
    participant = {"userExternalId": user_external_id(request), "subscribeSDKClient": False}
    return {
        "type": "personal",
        "participants": [participant],
        "metadata": {HANDOFF_KEY: request.handoff_id, SESSION_KEY: request.conversation_id},
    }


def opening_lines(request: HandoffRequest) -> list[str]:
    """Return context, summary and transcript; never nothing, or Zendesk makes no ticket."""
    return [*_context(request.routing), *opening_texts(request, _LIMITS)] or [_OPENING]


def _context(routing: Mapping[str, object]) -> Iterator[str]:
    shown = {name.capitalize(): hint_list(routing.get(name)) for name in _SHOWN_HINTS}
    lines = [f"{name}: {', '.join(values)}" for name, values in shown.items() if values]
    attributes = hint_pairs(routing.get("attributes"))
    lines += [f"{name}: {hint_text(value)}" for name, value in attributes.items()]
    if lines:
        text = "\n".join(["Details of the handoff", *lines])
        yield from pieces(text, MAX_TEXT_UNITS, utf16_units)
