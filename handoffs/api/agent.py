"""REST for an AI agent that drives a conversation by itself (agent_api section 22, `api`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from drf_spectacular.utils import (
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.ai_agent.outside.answers import OfferProblem, offers_read, problems_text
from conversations.ai_agent.sandbox.results import MAX_SAID_CHARS
from conversations.ai_agent.turn import AgentMessage
from conversations.api.access import clean, project_open
from conversations.api.errors import BadFieldError, EnvelopeView, error_response
from conversations.api.schema import refusals
from conversations.errors import ConversationEndedError
from conversations.models import Conversation
from handoffs.api.schema import BY_API_KEY
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

TAG = "Agent API"
REQUESTS_PER_MINUTE = 600
KEY_MAX = 255
_IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    location=OpenApiParameter.HEADER,
    description="The same key again does nothing and answers as the first time.",
)
# What a handoff may not become, most special first.
_REFUSALS: tuple[tuple[type[Exception], int, str], ...] = (
    (NotInChargeError, 409, "NOT_IN_CHARGE"),
    (AlreadyActiveError, 409, "HANDOFF_ALREADY_ACTIVE"),
    (NothingOpenError, 409, "NOTHING_TO_CANCEL"),
    (NotConnectedError, 409, "HANDOFF_NOT_CONNECTED"),
    (InvalidPayloadError, 422, "HANDOFF_INVALID_PAYLOAD"),
    (NoDefaultError, 422, "HANDOFF_INVALID_PAYLOAD"),
)


class Offers(serializers.Serializer[Any]):
    """What a message offers beside its text, as clients get it (agent_api 11.2)."""

    response_suggestions = serializers.ListField(child=serializers.DictField(), required=False)
    attachments = serializers.ListField(child=serializers.DictField(), required=False)
    chat_call_actions = serializers.ListField(child=serializers.DictField(), required=False)


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

    @extend_schema_serializer(component_name="AgentMessageCreate")
    class Input(Offers):
        """A text, or something offered, or both."""

        text = serializers.CharField(required=False, max_length=MAX_SAID_CHARS)

    @extend_schema_serializer(component_name="AgentMessageOut")
    class Output(serializers.Serializer[Any]):
        """The line in the journal."""

        message_id = serializers.UUIDField()
        sequence = serializers.IntegerField()

    @extend_schema(
        operation_id="agent_message_create",
        summary="Say something as the AI agent",
        description="While the AI agent is in charge: 409 NOT_IN_CHARGE between POLY_AGENT_LEFT "
        "and POLY_AGENT_JOINED.",
        tags=[TAG],
        auth=BY_API_KEY,
        parameters=[_IDEMPOTENCY],
        request=Input,
        responses={
            201: OpenApiResponse(Output, description="It is in the journal."),
            **refusals(
                _400="INVALID_REQUEST",
                _401="UNAUTHORIZED",
                _403="FORBIDDEN",
                _404="NOT_FOUND",
                _409="NOT_IN_CHARGE",
                _410="CONVERSATION_ENDED",
                _429="RATE_LIMITED",
            ),
        },
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

    @extend_schema(
        operation_id="agent_typing_create",
        summary="Show that the AI agent is thinking",
        description="Shown until the next message; losing it is harmless.",
        tags=[TAG],
        auth=BY_API_KEY,
        request=None,
        responses={
            204: OpenApiResponse(description="Done."),
            **refusals(
                _401="UNAUTHORIZED",
                _403="FORBIDDEN",
                _404="NOT_FOUND",
                _409="NOT_IN_CHARGE",
                _410="CONVERSATION_ENDED",
                _429="RATE_LIMITED",
            ),
        },
    )
    def post(
        self, request: Request, account_id: str, project_id: str, conversation_id: str
    ) -> Response:
        """Show it to whoever is looking."""

        def do(conversation: str, body: Mapping[str, Any]) -> Response:
            agent_type(conversation)
            return Response(status=204)

        return self.act(request, account_id, project_id, conversation_id, do)


@extend_schema_serializer(component_name="AgentHandoffOut")
class HandoffOutput(serializers.Serializer[Any]):
    """The handoff, and where it stands."""

    handoff_id = serializers.CharField()
    status = serializers.CharField()


@extend_schema_serializer(component_name="AgentHandoffCancelOut")
class CancelOutput(HandoffOutput):
    """The handoff that was cancelled."""


class AgentHandoffView(AgentView):
    """POST …/handoff."""

    @extend_schema_serializer(component_name="AgentHandoffCreate")
    class Input(Offers):
        """What a tool would return (agent_api section 3)."""

        handoff = serializers.JSONField()
        utterance = serializers.CharField(required=False, max_length=MAX_SAID_CHARS)
        reason = serializers.CharField(required=False, max_length=128)
        summary = serializers.CharField(required=False, max_length=4000)
        data = serializers.DictField(required=False)  # type: ignore[assignment]

    @extend_schema(
        operation_id="agent_handoff_create",
        summary="Hand off to a live agent",
        description="Takes the dict of a tool: `handoff` in every shape, `utterance`, `data`, "
        "`reason`. Nothing has happened where it is refused.",
        tags=[TAG],
        auth=BY_API_KEY,
        parameters=[_IDEMPOTENCY],
        request=Input,
        responses={
            202: OpenApiResponse(HandoffOutput, description="Where the handoff stands."),
            **refusals(
                _400="INVALID_REQUEST",
                _401="UNAUTHORIZED",
                _403="FORBIDDEN",
                _404="NOT_FOUND",
                _409="HANDOFF_NOT_CONNECTED",
                _410="CONVERSATION_ENDED",
                _422="HANDOFF_INVALID_PAYLOAD",
                _429="RATE_LIMITED",
            ),
        },
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

    @extend_schema(
        operation_id="agent_handoff_cancel",
        summary="Take the end user out of the queue",
        description="While nobody has joined; the AI agent is in charge again.",
        tags=[TAG],
        auth=BY_API_KEY,
        request=None,
        responses={
            202: OpenApiResponse(CancelOutput, description="Where the handoff stands."),
            **refusals(
                _401="UNAUTHORIZED",
                _403="FORBIDDEN",
                _404="NOT_FOUND",
                _409="NOTHING_TO_CANCEL",
                _410="CONVERSATION_ENDED",
                _429="RATE_LIMITED",
            ),
        },
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

    @extend_schema_serializer(component_name="AgentEnd")
    class Input(Offers):
        """A last word, if there is one."""

        utterance = serializers.CharField(required=False, max_length=MAX_SAID_CHARS)

    @extend_schema(
        operation_id="agent_conversation_end",
        summary="End the conversation",
        description="With a last word, if there is one. Ending twice is fine.",
        tags=[TAG],
        auth=BY_API_KEY,
        request=Input,
        responses={
            204: OpenApiResponse(description="Done."),
            **refusals(
                _400="INVALID_REQUEST",
                _401="UNAUTHORIZED",
                _403="FORBIDDEN",
                _404="NOT_FOUND",
                _409="NOT_IN_CHARGE",
                _429="RATE_LIMITED",
            ),
        },
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
