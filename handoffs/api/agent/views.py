"""REST for an AI agent that drives a conversation by itself (agent_api section 22, `api`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.access import clean, project_open
from conversations.api.errors import BadFieldError, EnvelopeView, error_response
from conversations.api.schema import ACCOUNT_AND_PROJECT, IDEMPOTENCY, Interface, answer
from conversations.api.strict import ClosedSerializer
from conversations.errors import ConversationEndedError
from conversations.models import Conversation
from handoffs.api.agent import schema
from handoffs.api.agent.bodies import (
    body_read,
    key_read,
    message_id_read,
    messages_read,
    piece_read,
    returned_read,
)
from handoffs.errors import HandoffError, InvalidPayloadError, NoDefaultError, NotConnectedError
from handoffs.models import Handoff
from handoffs.starting.turns.agent_acts import (
    AgentActError,
    AlreadyActiveError,
    NoAgentsError,
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
    agents_require,
)
from integrations.entry.envelope import envelope
from integrations.models import ApiKey

REQUESTS_PER_MINUTE = 600
API = Interface(
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
    (NoAgentsError, 409, "HANDOFF_NO_AGENTS"),
    (NothingOpenError, 409, "NOTHING_TO_CANCEL"),
    (PieceOrderError, 409, "CHUNK_OUT_OF_ORDER"),
    (NotStreamingError, 409, "NOT_STREAMING"),
    (NotConnectedError, 409, "HANDOFF_NOT_CONNECTED"),
    (InvalidPayloadError, 422, "HANDOFF_INVALID_PAYLOAD"),
    (NoDefaultError, 422, "HANDOFF_INVALID_PAYLOAD"),
)


class AgentView(EnvelopeView):
    """A call about one conversation of the key's project; `takes` names its fields."""

    takes: type[ClosedSerializer] | None = None

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
            return do(found, body_read(request, self.takes))
        except ConversationEndedError as error:
            return error_response(410, "CONVERSATION_ENDED", str(error))
        except (HandoffError, AgentActError) as error:
            return handoff_refused(error)


class AgentMessageView(AgentView):
    """POST …/messages."""

    takes = schema.MessageCreate

    @API.operation(
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
            messages = [
                replace(one, id=message_id_read(body)) for one in messages_read(body, "text")
            ]
            if not messages:
                raise BadFieldError("text is missing, and nothing else is offered.")
            line = agent_say(conversation, messages, key=key_read(request))[0]
            return Response({"message_id": str(line.pk), "sequence": line.sequence}, status=201)

        return self.act(request, account_id, project_id, conversation_id, do)


class AgentPieceView(AgentView):
    """POST …/messages/chunks."""

    takes = schema.PieceCreate

    @API.operation(
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
            piece, index, is_last = piece_read(body)
            message_id = message_id_read(body)
            if message_id is None:
                raise BadFieldError("message_id is missing: a UUID of your own.")
            agent_piece(conversation, message_id, piece, index, is_last=is_last)
            return Response(status=204)

        return self.act(request, account_id, project_id, conversation_id, do)


class AgentTypingView(AgentView):
    """POST …/typing."""

    @API.operation(
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

    takes = schema.HandoffCreate

    @API.operation(
        "handoff_create",
        "Hand off to a live agent",
        "Takes the dict of a tool: `handoff` in every shape, `utterance`, `data`, `reason`. "
        "Nothing has happened where it is refused. Where the connection is set to fail without "
        "live agents, it is asked first: 409 HANDOFF_NO_AGENTS.",
        parameters=[*_PLACE, IDEMPOTENCY],
        takes=schema.HandoffCreate,
        gives=answer(schema.HandoffCreated, "Where the handoff stands.", schema.HOF, status=202),
        _400="INVALID_REQUEST",
        _409="HANDOFF_NOT_CONNECTED HANDOFF_ALREADY_ACTIVE HANDOFF_NO_AGENTS NOT_IN_CHARGE",
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
            asked, key = returned_read(body), key_read(request)
            messages = messages_read(body, "utterance")
            agents_require(conversation, asked, key=key)
            found = agent_hand_off(conversation, asked, messages=messages, key=key)
            return _handoff(found)

        return self.act(request, account_id, project_id, conversation_id, do)


class AgentHandoffCancelView(AgentView):
    """POST …/handoff/cancel."""

    @API.operation(
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

    takes = schema.ConversationEnd

    @API.operation(
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
            agent_end(conversation, messages_read(body, "utterance"))
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


def _handoff(handoff: Handoff) -> Response:
    return Response({"handoff_id": handoff.pk, "status": handoff.state}, status=202)
