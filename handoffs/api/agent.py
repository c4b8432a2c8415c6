"""REST for an AI agent that drives a conversation by itself (agent_api section 22, `api`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from conversations.ai_agent.outside.answers import OfferProblem, offers_read, problems_text
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
    agent_cancel,
    agent_end,
    agent_hand_off,
    agent_say,
    agent_type,
)
from integrations.entry.envelope import envelope
from integrations.models import ApiKey

REQUESTS_PER_MINUTE = 600
KEY_MAX = 255
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
            messages = _messages(body, "text")
            if not messages:
                raise BadFieldError("text is missing, and nothing else is offered.")
            line = agent_say(conversation, messages, key=_key(request))[0]
            return Response({"message_id": str(line.pk), "sequence": line.sequence}, status=201)

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
            asked = {key: value for key, value in body.items() if key not in _OFFERED}
            found = agent_hand_off(
                conversation, asked, messages=_messages(body, "utterance"), key=_key(request)
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


_OFFERED = ("response_suggestions", "attachments", "chat_call_actions")


def _body(request: Request) -> Mapping[str, Any]:
    body = request.data
    if not isinstance(body, Mapping):
        raise BadFieldError("The body must be a JSON object.")
    return body


def _messages(body: Mapping[str, Any], field: str) -> list[AgentMessage]:
    text = body.get(field) or ""
    if not isinstance(text, str) or len(text) > MAX_SAID_CHARS:
        raise BadFieldError(f"{field} must be a text of up to {MAX_SAID_CHARS} characters.")
    extra, problems = offers_read(body)
    _refuse(problems)
    if not text.strip() and not any(extra.values()):
        return []
    return [AgentMessage(text=text, extra=extra)]


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
