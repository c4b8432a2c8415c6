"""REST for an AI agent that drives a conversation by itself (agent_api section 22, `api`)."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from conversations.ai_agent.conv.offers import OfferProblem, offers_read, problems_text
from conversations.ai_agent.sandbox.results import MAX_SAID_CHARS
from conversations.ai_agent.turn import AgentMessage
from conversations.api.access import clean, project_open
from conversations.api.errors import BadFieldError, EnvelopeView, error_response
from conversations.api.schema import ACCOUNT_AND_PROJECT, IDEMPOTENCY, Interface, answer
from conversations.errors import ConversationEndedError
from conversations.models import Conversation
from handoffs.api import agent_schema as schema
from handoffs.errors import HandoffError, InvalidPayloadError, NoDefaultError, NotConnectedError
from handoffs.models import Handoff
from handoffs.starting.agent_acts import (
    AgentActError,
    AlreadyActiveError,
    NothingOpenError,
    NotInChargeError,
    NotStreamingError,
    PieceOrderError,
    agent_cancel,
    agent_end,
    agent_hand_off,
    agent_piece,
    agent_say,
    agent_type,
)
from integrations.entry.envelope import envelope
from integrations.models import ApiKey

REQUESTS_PER_MINUTE = 600
KEY_MAX = 255
PIECES_MAX = 100_000
_API = Interface(
    "Agent API",
    ["apiKey"],
    _401="UNAUTHORIZED",
    _403="FORBIDDEN",
    _404="NOT_FOUND",
    _429="RATE_LIMITED",
)
_PLACE = [*ACCOUNT_AND_PROJECT, schema.CONVERSATION]
# What a handoff may not become, most special first.
_REFUSALS: tuple[tuple[type[Exception], int, str], ...] = (
    (NotInChargeError, 409, "NOT_IN_CHARGE"),
    (AlreadyActiveError, 409, "HANDOFF_ALREADY_ACTIVE"),
    (NothingOpenError, 409, "NOTHING_TO_CANCEL"),
    (PieceOrderError, 409, "CHUNK_OUT_OF_ORDER"),
    (NotStreamingError, 409, "NOT_STREAMING"),
    (NotConnectedError, 409, "HANDOFF_NOT_CONNECTED"),
    (InvalidPayloadError, 422, "HANDOFF_INVALID_PAYLOAD"),
    (NoDefaultError, 422, "HANDOFF_INVALID_PAYLOAD"),
)


class AgentView(EnvelopeView):
    """A call about one conversation of the key's project."""

    def act(
        self,
        request: Request,
        account_id: str,
        project_id: str,
        conversation_id: str,
        do: Callable[[str, Mapping[str, Any]], Response],
    ) -> Response:
        """Open the project, find the conversation, do it; every refusal has the envelope."""
        try:
            opened = project_open(
                request,
                account_id,
                project_id,
                ApiKey.Permission.CHAT,
                limit=REQUESTS_PER_MINUTE,
            )
            rows = Conversation.objects.filter(project=opened.project, pk=clean(conversation_id))
            found = rows.values_list("pk", flat=True).first()
            if found is None:
                return error_response(404, "NOT_FOUND", "This project has no such conversation.")
            return do(found, _body(request))
        except ConversationEndedError as error:
            return error_response(410, "CONVERSATION_ENDED", str(error))
        except (HandoffError, AgentActError) as error:
            return handoff_refused(error)


class AgentMessageView(AgentView):
    """POST …/messages."""

    @_API.operation(
        "messages_create",
        "Say something as the AI agent",
        "While the AI agent is in charge: 409 NOT_IN_CHARGE between POLY_AGENT_LEFT and "
        "POLY_AGENT_JOINED.",
        parameters=[*_PLACE, IDEMPOTENCY],
        takes=schema.MessageCreate,
        gives=answer(schema.MessageCreated, "It is in the journal.", schema.LINE, status=201),
        _400="INVALID_REQUEST",
        _409="NOT_IN_CHARGE",
        _410="CONVERSATION_ENDED",
    )
    def post(
        self, request: Request, account_id: str, project_id: str, conversation_id: str
    ) -> Response:
        """Journal the message."""

        def do(conversation: str, body: Mapping[str, Any]) -> Response:
            messages = [replace(one, id=_message_id(body)) for one in _messages(body, "text")]
            if not messages:
                raise BadFieldError("text is missing, and nothing else is offered.")
            line = agent_say(conversation, messages, key=_key(request))[0]
            return Response({"message_id": str(line.pk), "sequence": line.sequence}, status=201)

        return self.act(request, account_id, project_id, conversation_id, do)


class AgentPieceView(AgentView):
    """POST …/messages/chunks."""

    @_API.operation(
        "chunks_create",
        "Show a piece of a text that grows",
        "In order from 1, under a `message_id` of your own; a piece that comes twice is shown "
        "once. Then POST …/messages with the whole text and the same `message_id`: the journal "
        "has that alone. Only for an agent that is set to send texts in pieces, and seen by "
        "clients that asked for it.",
        parameters=_PLACE,
        takes=schema.PieceCreate,
        gives=answer(None, "Done.", status=204),
        _400="INVALID_REQUEST",
        _409="NOT_IN_CHARGE CHUNK_OUT_OF_ORDER NOT_STREAMING",
        _410="CONVERSATION_ENDED",
    )
    def post(
        self, request: Request, account_id: str, project_id: str, conversation_id: str
    ) -> Response:
        """Show it to whoever is looking."""

        def do(conversation: str, body: Mapping[str, Any]) -> Response:
            piece, index, is_last = _piece(body)
            message_id = _message_id(body)
            if message_id is None:
                raise BadFieldError("message_id is missing: a UUID of your own.")
            agent_piece(conversation, message_id, piece, index, is_last=is_last)
            return Response(status=204)

        return self.act(request, account_id, project_id, conversation_id, do)


class AgentTypingView(AgentView):
    """POST …/typing."""

    @_API.operation(
        "typing_create",
        "Show that the AI agent is thinking",
        "Shown until the next message; losing it is harmless.",
        parameters=_PLACE,
        gives=answer(None, "Done.", status=204),
        _409="NOT_IN_CHARGE",
        _410="CONVERSATION_ENDED",
    )
    def post(
        self, request: Request, account_id: str, project_id: str, conversation_id: str
    ) -> Response:
        """Show it to whoever is looking."""

        def do(conversation: str, body: Mapping[str, Any]) -> Response:
            agent_type(conversation)
            return Response(status=204)

        return self.act(request, account_id, project_id, conversation_id, do)


class AgentHandoffView(AgentView):
    """POST …/handoff."""

    @_API.operation(
        "handoff_create",
        "Hand off to a live agent",
        "Takes the dict of a tool: `handoff` in every shape, `utterance`, `data`, `reason`. "
        "Nothing has happened where it is refused.",
        parameters=[*_PLACE, IDEMPOTENCY],
        takes=schema.HandoffCreate,
        gives=answer(schema.HandoffCreated, "Where the handoff stands.", schema.HOF, status=202),
        _400="INVALID_REQUEST",
        _409="HANDOFF_NOT_CONNECTED HANDOFF_ALREADY_ACTIVE NOT_IN_CHARGE",
        _410="CONVERSATION_ENDED",
        _422="HANDOFF_INVALID_PAYLOAD",
    )
    def post(
        self, request: Request, account_id: str, project_id: str, conversation_id: str
    ) -> Response:
        """Say the utterance, then open the handoff."""

        def do(conversation: str, body: Mapping[str, Any]) -> Response:
            if body.get("handoff") in (None, False):
                raise BadFieldError("handoff is missing: send true, a name, or an object.")
            found = agent_hand_off(
                conversation,
                _returned(body),
                messages=_messages(body, "utterance"),
                key=_key(request),
            )
            return _handoff(found)

        return self.act(request, account_id, project_id, conversation_id, do)


class AgentHandoffCancelView(AgentView):
    """POST …/handoff/cancel."""

    @_API.operation(
        "handoff_cancel",
        "Take the end user out of the queue",
        "While nobody has joined; the AI agent is in charge again.",
        parameters=_PLACE,
        gives=answer(schema.HandoffCancelled, "It is cancelled.", schema.CANCELLED, status=202),
        _409="NOTHING_TO_CANCEL NOT_IN_CHARGE",
        _410="CONVERSATION_ENDED",
    )
    def post(
        self, request: Request, account_id: str, project_id: str, conversation_id: str
    ) -> Response:
        """Cancel while nobody has joined."""

        def do(conversation: str, body: Mapping[str, Any]) -> Response:
            return _handoff(agent_cancel(conversation))

        return self.act(request, account_id, project_id, conversation_id, do)


class AgentEndView(AgentView):
    """POST …/end."""

    @_API.operation(
        "conversations_end",
        "End the conversation",
        "With a last word, if there is one. Ending twice is fine.",
        parameters=_PLACE,
        takes=schema.ConversationEnd,
        gives=answer(None, "Done.", status=204),
        _400="INVALID_REQUEST",
        _409="NOT_IN_CHARGE",
    )
    def post(
        self, request: Request, account_id: str, project_id: str, conversation_id: str
    ) -> Response:
        """Say the last word, then write SESSION_END."""

        def do(conversation: str, body: Mapping[str, Any]) -> Response:
            agent_end(conversation, _messages(body, "utterance"))
            return Response(status=204)

        return self.act(request, account_id, project_id, conversation_id, do)


def handoff_refused(error: HandoffError | AgentActError) -> Response:
    """Return why a handoff is not opened; every problem of a payload with its path."""
    status, code = next(
        ((status, code) for kind, status, code in _REFUSALS if isinstance(error, kind)),
        (409, "HANDOFF_NOT_CONNECTED"),
    )
    body = envelope(code, str(error))
    if isinstance(error, InvalidPayloadError):
        body["errors"] = [{"path": path, "message": text} for path, text in error.problems]
    return Response(body, status=status)


_OFFERED = frozenset({"response_suggestions", "attachments", "chat_call_actions"})
_BESIDE = ("reason", "data")
_SUMMARY = "summary"


def _body(request: Request) -> Mapping[str, Any]:
    body = request.data
    if not isinstance(body, Mapping):
        raise BadFieldError("The body must be a JSON object.")
    return body


def _returned(body: Mapping[str, Any]) -> dict[str, Any]:
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


def _messages(body: Mapping[str, Any], field: str) -> list[AgentMessage]:
    text = body.get(field) or ""
    if not isinstance(text, str) or len(text) > MAX_SAID_CHARS:
        raise BadFieldError(f"{field} must be a text of up to {MAX_SAID_CHARS} characters.")
    extra, problems = offers_read(body)
    _refuse(problems)
    if not text.strip() and not any(extra.values()):
        return []
    return [AgentMessage(text=text, extra=extra)]


def _piece(body: Mapping[str, Any]) -> tuple[str, int, bool]:
    """Return a piece, its place, and whether it is the last."""
    piece, index, is_last = body.get("text"), body.get("chunk_index"), body.get("is_complete")
    if not isinstance(piece, str) or len(piece) > MAX_SAID_CHARS:
        raise BadFieldError(f"text must be a text of up to {MAX_SAID_CHARS} characters.")
    if type(index) is not int or not 1 <= index <= PIECES_MAX:
        raise BadFieldError("chunk_index must be a whole number from 1.")
    if is_last not in (None, True, False):
        raise BadFieldError("is_complete must be true or false.")
    return piece, index, bool(is_last)


def _message_id(body: Mapping[str, Any]) -> uuid.UUID | None:
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


def _key(request: Request) -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > KEY_MAX:
        raise BadFieldError(f"Idempotency-Key may have {KEY_MAX} characters.")
    return key


def _handoff(handoff: Handoff) -> Response:
    return Response({"handoff_id": handoff.pk, "status": handoff.state}, status=202)
