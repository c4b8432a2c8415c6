"""Reads the bodies of the Agent API: what an agent says, and the dict of a tool."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request

from conversations.ai_agent.conv.offers import OfferProblem, offers_read, problems_text
from conversations.ai_agent.sandbox.results import MAX_SAID_CHARS
from conversations.ai_agent.turn import AgentMessage
from conversations.api.errors import BadFieldError
from conversations.api.strict import ClosedSerializer, unknown_fields

KEY_MAX = 255
PIECES_MAX = 100_000
_OFFERED = frozenset({"response_suggestions", "attachments", "chat_call_actions"})
_BESIDE = ("reason", "data")
_SUMMARY = "summary"


def body_read(request: Request, form: type[ClosedSerializer] | None) -> Mapping[str, Any]:
    """Return a body whose fields are those of its form; raises BadFieldError, which names them."""
    body = request.data
    if not isinstance(body, Mapping):
        raise BadFieldError("The body must be a JSON object.")
    known = list(form().fields) if form is not None else []
    for name, texts in unknown_fields(known, body).items():
        raise BadFieldError(f"{name}: {texts[0]}")
    return body


def returned_read(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the dict of a tool: what stands beside `handoff` joins what is in it."""
    wanted, beside = body["handoff"], {key: body[key] for key in _BESIDE if key in body}
    rest = {key: body[key] for key in body.keys() - _OFFERED - {*_BESIDE, _SUMMARY}}
    if isinstance(wanted, str):
        wanted = {"destination": wanted}
    elif wanted is True and (beside or _SUMMARY in body):
        wanted, beside = {}, {"reason": "", **beside}
    if not isinstance(wanted, Mapping):
        return rest
    wanted = {**beside, **wanted}
    if _SUMMARY in body:
        wanted = _with_summary(wanted, body[_SUMMARY])
    return {**rest, "handoff": wanted}


def _with_summary(wanted: Mapping[str, Any], summary: object) -> Mapping[str, Any]:
    """Put the summary among the hints, where the shape has them."""
    chat = wanted.get("text_chat")
    if isinstance(chat, Mapping):
        told = {
            key: {_SUMMARY: summary, **hints} if isinstance(hints, Mapping) else hints
            for key, hints in chat.items()
        }
        return {**wanted, "text_chat": told}
    hints = wanted.get("hints") or {}
    if "type" in wanted or not isinstance(hints, Mapping):
        return wanted
    return {**wanted, "hints": {_SUMMARY: summary, **hints}}


def messages_read(body: Mapping[str, Any], field: str) -> list[AgentMessage]:
    """Return what is to be said: a text in `field`, what is offered, or nothing."""
    text = "" if body.get(field) is None else body[field]
    if not isinstance(text, str) or len(text) > MAX_SAID_CHARS:
        raise BadFieldError(f"{field} must be a text of up to {MAX_SAID_CHARS} characters.")
    extra, problems = offers_read(body)
    _refuse(problems)
    if not text.strip() and not any(extra.values()):
        return []
    return [AgentMessage(text=text, extra=extra)]


def piece_read(body: Mapping[str, Any]) -> tuple[str, int, bool]:
    """Return a piece, its place, and whether it is the last."""
    piece, index, is_last = body.get("text"), body.get("chunk_index"), body.get("is_complete")
    if not isinstance(piece, str) or len(piece) > MAX_SAID_CHARS:
        raise BadFieldError(f"text must be a text of up to {MAX_SAID_CHARS} characters.")
    if type(index) is not int or not 1 <= index <= PIECES_MAX:
        raise BadFieldError("chunk_index must be a whole number from 1.")
    if not isinstance(is_last, bool | None):
        raise BadFieldError("is_complete must be true or false.")
    return piece, index, bool(is_last)


def message_id_read(body: Mapping[str, Any]) -> uuid.UUID | None:
    """Return the UUID that the caller gives a message."""
    given = body.get("message_id")
    if given is None:
        return None
    try:
        return uuid.UUID(given if isinstance(given, str) else "")
    except ValueError as error:
        raise BadFieldError("message_id must be a UUID.") from error


def _refuse(problems: list[OfferProblem]) -> None:
    if problems:
        raise BadFieldError(problems_text(problems) + ".")


def key_read(request: Request) -> str:
    """Return the key under which the call may come again."""
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > KEY_MAX:
        raise BadFieldError(f"Idempotency-Key may have {KEY_MAX} characters.")
    return key
