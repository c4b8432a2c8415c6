"""POST /v1/outbound-sms: another system has the AI agent write to somebody first."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    extend_schema_serializer,
)
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conversations.api.access import key_opened
from conversations.api.errors import RefusedError
from conversations.api.schema import Answers, Interface, answer, refusals_as
from conversations.api.strict import StrictSerializer, problems_told
from conversations.sms.starting import OutboundRefusedError, outbound_number, outbound_say
from integrations.entry.rate_limit import retry_after
from integrations.models import ApiKey

REQUESTS_PER_MINUTE = 100
_E164 = r"^\+[1-9][0-9]{6,14}$"
_KEY, _TOKEN = "X-PolyAi-Auth-Token", "X-TOKEN-ID"
_MOST = 1600


class OutboundError(serializers.Serializer[Any]):
    """Every refusal, with the cure in its text."""

    detail = serializers.CharField()


class OutboundSms(Interface):
    """The documented form of this API's refusals."""

    def refusals(self, **codes: str) -> Answers:
        """Return the refusals of the call."""
        return refusals_as(
            OutboundError, lambda code: {"detail": "What is wrong, in words."}, codes
        )


API = OutboundSms(
    "Outbound SMS",
    ["apiKey"],
    _401="UNAUTHORIZED",
    _403="FORBIDDEN",
    _429="RATE_LIMITED",
)


class OutboundSmsView(APIView):
    """Write to an end user; errors are {"detail": text}."""

    @extend_schema_serializer(component_name="OutboundSmsCreate")
    class Input(StrictSerializer):
        """Who is written to, and what."""

        message = serializers.CharField(max_length=_MOST)
        user_number = serializers.RegexField(_E164, help_text="E.164, such as +15550100101.")
        agent_number = serializers.RegexField(
            _E164, required=False, help_text="One of yours; the first of the connection unless set."
        )

    def handle_exception(self, exc: Exception) -> Response:
        """Say what the framework refuses in this API's own form."""
        response: Response = super().handle_exception(exc)
        if isinstance(exc, APIException):
            response.data = {"detail": str(exc.detail)}
        return response

    @API.operation(
        "outbound_sms_create",
        "Write to an end user first",
        "Goes on in the thread of this pair of numbers, or opens one: the message stands where the "
        "greeting would, and the answer goes to the AI agent. The key may also come as "
        "`x-api-key`, the token as `X-TOKEN`.",
        parameters=[
            OpenApiParameter(
                _TOKEN,
                location=OpenApiParameter.HEADER,
                description="The public key of a channel: its environment's numbers are used. It "
                "may be missing where only one environment has numbers.",
            )
        ],
        takes=Input,
        examples=[
            OpenApiExample(
                "A reminder",
                value={"message": "Your table is ready.", "user_number": "+15550100101"},
                request_only=True,
            )
        ],
        gives=answer(None, "It is on its way.", status=202),
        _400="INVALID_REQUEST",
        _404="NOT_FOUND",
    )
    def post(self, request: Request) -> Response:
        """Answer 202 once it is written down; 400, 401, 403, 404 or 429 with the cure."""
        raw = request.headers.get(_KEY, "") or request.headers.get("x-api-key", "")
        token = request.headers.get(_TOKEN, "") or request.headers.get("x-token", "")
        try:
            opened = key_opened(request, raw, ApiKey.Permission.CHAT, limit=REQUESTS_PER_MINUTE)
            form = self.Input(data=request.data)
            if not form.is_valid():
                return _refused(400, problems_told(form.errors))
            fields = form.validated_data
            if wait := retry_after(
                f"outbound-sms:{opened.project.pk}:{fields['user_number']}",
                limit=10,
                window_seconds=60,
            ):
                raise RefusedError(429, "RATE_LIMITED", "Too many to this number.", wait=wait)
            number = outbound_number(opened.project, token, fields.get("agent_number", ""))
            outbound_say(number, to=fields["user_number"], message=fields["message"])
        except RefusedError as error:
            answered = _refused(error.status, str(error))
            if error.wait:
                answered.headers["Retry-After"] = str(error.wait)
            return answered
        except OutboundRefusedError as error:
            return _refused(error.status, str(error))
        return Response(status=202)


def _refused(status: int, text: str) -> Response:
    return Response({"detail": text}, status=status)
