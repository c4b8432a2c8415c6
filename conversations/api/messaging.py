"""The Messaging API's HTTP handshake: an access token, then a session."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.ai_agent.streaming import project_streams
from conversations.api.errors import EnvelopeView, RefusedError, error_response
from conversations.api.schema import HOST, SESSION, TOKEN, Interface, answer
from conversations.api.strict import StrictSerializer, problems_told
from conversations.api.widget_look import page_check
from conversations.journal.frames import CLIENT_EXTENSIONS
from conversations.journal.json_values import has_valid_text
from conversations.journal.services import Visitor, session_create
from conversations.models import Channel, Conversation
from conversations.models.conversation import TEST_PANEL
from conversations.socket.handshake import session_of_token
from conversations.widget.access_token import (
    SECRET_PREFIX,
    AccessToken,
    TokenError,
    channel_for_token,
    token_issue,
    token_verify,
)
from conversations.widget.before import (
    AnswersWrongError,
    ConsentNeededError,
    answers_check,
    consent_check,
)
from conversations.widget.look import look
from integrations.entry.client_address import client_address
from integrations.entry.rate_limit import retry_after
from integrations.projects.lists.time_zones import time_zones
from integrations.telemetry.metrics import REQUESTS_LIMITED

ATTRIBUTES_MAX_BYTES = 65_536
# Sessions that an address may open in a minute in which its widget has opened too many.
SHARE_OF_A_BUSY_WIDGET = 5
_TAG = "Messaging API"
# The old token of a refresh is all that may come as a bearer.
BY_CHANNEL = Interface(_TAG, [], ["accessToken"], _429="RATE_LIMITED")
BY_TOKEN = Interface(_TAG, ["accessToken"], _401="UNAUTHORIZED", _429="RATE_LIMITED")
_TOKEN = OpenApiExample(
    "A token of 15 minutes",
    value={
        "access_token": "eyJhbGciOi…",
        "expires_in": 900,
        "token_type": "Bearer",
        "widget": {"title": "Chat with us", "accent": "#2457d6", "agent_name": "Birch"},
    },
)


class AccessTokenView(EnvelopeView):
    """Mint or refresh an access token."""

    @extend_schema_serializer(component_name="AccessTokenOut")
    class Output(serializers.Serializer[Any]):
        """A token, and how the widget looks that it is for."""

        access_token = serializers.CharField()
        expires_in = serializers.IntegerField(help_text="Seconds.")
        token_type = serializers.CharField()
        widget = serializers.DictField(child=serializers.CharField(allow_blank=True))

    @BY_CHANNEL.operation(
        "access_token_create",
        "Ask for an access token",
        "With an old token as `Authorization: Bearer`, the new one is for the same sessions; "
        "that works up to a day after the old one's end.",
        parameters=[TOKEN, HOST],
        gives=answer(Output, "The token.", _TOKEN),
        _400="MISSING_HEADER",
        _401="UNAUTHORIZED HOST_NOT_ALLOWED",
    )
    def post(self, request: Request) -> Response:
        """Answer 401 unless key, host and origin fit the channel."""
        raw, host = request.headers.get("X-Token", ""), request.headers.get("X-Host", "")
        if not raw or not host:
            return error_response(400, "MISSING_HEADER", "Send the headers X-Token and X-Host.")
        address, is_server = f"token:{client_address(request)}", raw.startswith(SECRET_PREFIX)
        if not is_server:
            count(address, settings.ACCESS_TOKENS_PER_MINUTE)
        try:
            channel, is_trusted = channel_for_token(raw)
            family = _family(request, channel)
        except TokenError as error:
            if is_server:
                count(address, settings.ACCESS_TOKENS_PER_MINUTE)
            return error_response(401, "UNAUTHORIZED", str(error))
        if is_server:
            count(f"tokens:{channel.pk}", settings.SESSIONS_PER_MINUTE_PER_CHANNEL)
        page_check(channel, X_Host=host, Origin=request.headers.get("Origin", ""))
        return Response(_token_body(channel, family, is_trusted))


class SessionEndUser(StrictSerializer):
    """Who the end user is; taken only from a server that holds the secret token."""

    external_id = serializers.CharField(max_length=255)
    name = serializers.CharField(max_length=256, required=False, allow_blank=True)
    email = serializers.EmailField(required=False, allow_blank=True)
    phone = serializers.CharField(max_length=32, required=False, allow_blank=True)


class SessionView(EnvelopeView):
    """Open a session: one session is one conversation."""

    class Input(StrictSerializer):
        """All fields are optional."""

        platform = serializers.ChoiceField(
            ["web", "ios", "android", "ios-web", "android-web", "custom"], default="web"
        )
        streaming_enabled = serializers.BooleanField(default=False)
        variant_id = serializers.CharField(max_length=64, required=False)
        integration_attributes = serializers.DictField(required=False)
        locale = serializers.CharField(max_length=35, required=False, allow_blank=True)
        is_locale_guessed = serializers.BooleanField(
            default=False,
            help_text="The locale is the browser's alone: the language of a variant comes first.",
        )
        page = serializers.DictField(
            child=serializers.CharField(max_length=2000, allow_blank=True), required=False
        )

        time_zone = serializers.CharField(
            max_length=64,
            required=False,
            allow_blank=True,
            help_text="The end user's, as in `Europe/Berlin`: times are told in it. A name that is "
            "not known counts as none.",
        )
        consent = serializers.DictField(
            required=False,
            help_text="`version` of the text that the end user agreed to, where the widget asks "
            "for consent: `GET /api/v1/widget` says which.",
        )
        form = serializers.DictField(
            child=serializers.CharField(max_length=500, allow_blank=True),
            required=False,
            help_text="Answers to the questions that the widget asks first, by their names.",
        )
        extensions = serializers.ListField(
            child=serializers.CharField(max_length=64),
            max_length=20,
            required=False,
            help_text="What the client reads beyond PolyAI's frames: `rich_content`, "
            "`message_changes`. Others are ignored. SESSION_START echoes what is taken.",
        )

        def to_internal_value(self, data: Any) -> Any:
            """Take null for a field that was not sent: many languages write what is absent so."""
            if isinstance(data, Mapping):
                data = {name: value for name, value in data.items() if value is not None}
            return super().to_internal_value(data)

        def validate_time_zone(self, value: str) -> str:
            """Take a zone's name, and nothing else."""
            return value if value in time_zones() else ""

        def validate_extensions(self, value: list[str]) -> tuple[str, ...]:
            """Take what is known, each once."""
            return tuple(name for name in CLIENT_EXTENSIONS if name in value)

        def validate_integration_attributes(self, value: dict[str, Any]) -> dict[str, Any]:
            """Keep attributes within what a tool's state may hold."""
            if len(json.dumps(value)) > ATTRIBUTES_MAX_BYTES:
                raise serializers.ValidationError(f"At most {ATTRIBUTES_MAX_BYTES} bytes.")
            return _with_valid_text(value)

        def validate_page(self, value: dict[str, str]) -> dict[str, str]:
            """Refuse names that cannot be stored, and drop the portal's own mark of a trial."""
            given = _with_valid_text(value)
            return {name: text for name, text in given.items() if name != TEST_PANEL}

    @extend_schema_serializer(component_name="SessionCreate")
    class Documented(Input):
        """All fields are optional; `end_user` needs a token made with the secret token."""

        end_user = SessionEndUser(required=False)

        def get_fields(self) -> dict[str, Any]:
            """Let every field be null."""
            fields = super().get_fields()
            for field in fields.values():
                field.allow_null = True
            return fields

    @extend_schema_serializer(component_name="SessionOut")
    class Output(serializers.Serializer[Any]):
        """The id of the session to connect to."""

        session_id = serializers.UUIDField()

    @BY_TOKEN.operation(
        "sessions_create",
        "Open a session",
        "One session is one conversation. Connect to it at `/ws?session_id=…&cursor=0` with the "
        "access token; `/api/asyncapi` says what is spoken there.",
        takes=Documented,
        examples=[
            OpenApiExample(
                "A page in German",
                value={"platform": "web", "locale": "de", "page": {"url": "https://shop.example/"}},
                request_only=True,
            )
        ],
        gives=answer(
            Output, "The session.", OpenApiExample("A session", value={"session_id": SESSION})
        ),
        _400="INVALID_REQUEST",
        _401="UNAUTHORIZED HOST_NOT_ALLOWED",
        _403="FORBIDDEN CONSENT_REQUIRED",
    )
    def post(self, request: Request) -> Response:
        """Answer 401 for a bad token, 400 with the field at fault for a bad body."""
        try:
            token = token_verify(bearer(request))
        except TokenError as error:
            return error_response(401, "UNAUTHORIZED", str(error))
        _count_visitor(request, token)
        channel = Channel.objects.select_related("project").filter(pk=token.channel_id).first()
        if channel is None or not channel.is_enabled:
            return error_response(401, "UNAUTHORIZED", "The channel is switched off.")
        # Apps send none.
        page_check(channel, Origin=request.headers.get("Origin", ""))
        return self._open(request, channel, token)

    def _open(self, request: Request, channel: Channel, token: AccessToken) -> Response:
        form = self.Input(data=request.data)
        user = request.data.get("end_user") if isinstance(request.data, dict) else None
        user_form = SessionEndUser(data=user) if user is not None else None
        if user_form is not None and not token.is_trusted:
            return error_response(
                403, "FORBIDDEN", "end_user needs a token made with the secret connector token."
            )
        for checked in (form, user_form):
            if checked is not None and not checked.is_valid():
                return error_response(400, "INVALID_REQUEST", problems_told(checked.errors))
        fields = form.validated_data
        fields["is_streaming"] = fields["streaming_enabled"] and project_streams(channel.project_id)
        if not token.is_trusted:
            _check_before(channel, fields)
        visitor = _visitor(fields, user_form.validated_data if user_form else None)
        conversation = session_create(channel=channel, token_family=token.family, visitor=visitor)
        return Response({"session_id": str(conversation.session_id)})


def _check_before(channel: Channel, fields: dict[str, Any]) -> None:
    """Put what was agreed to and answered into the fields; raises RefusedError.

    A server that vouches for its end users has asked them itself.
    """
    try:
        fields["consent"] = consent_check(channel, fields.get("consent"), fields.get("locale", ""))
        fields["form"] = answers_check(channel, fields.get("form"))
    except ConsentNeededError as error:
        raise RefusedError(403, "CONSENT_REQUIRED", str(error)) from error
    except AnswersWrongError as error:
        raise RefusedError(400, "INVALID_REQUEST", str(error)) from error


def bearer(request: Request) -> str:
    """Return the bearer token of a request, or the empty string."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def session_opened(request: Request, session_id: uuid.UUID) -> Conversation:
    """Return the conversation that the request's token and page may use.

    Raises HandshakeError, which an EnvelopeView answers.
    """
    origin = request.headers.get("Origin", "")
    return session_of_token(str(session_id), bearer(request), origin)


def _family(request: Request, channel: Channel) -> uuid.UUID:
    old = bearer(request)
    if not old:
        return uuid.uuid4()
    token = token_verify(old, for_refresh=True)
    if token.channel_id != channel.pk:
        raise TokenError("The old access token belongs to another channel.")
    return token.family


def _token_body(channel: Channel, family: uuid.UUID, is_trusted: bool) -> dict[str, Any]:
    return {
        "access_token": token_issue(channel, family=family, is_trusted=is_trusted),
        "expires_in": settings.ACCESS_TOKEN_SECONDS,
        "token_type": "Bearer",
        "widget": look(channel),
    }


def _visitor(fields: dict[str, Any], user: dict[str, Any] | None) -> Visitor:
    return Visitor(
        **(user or {}),
        is_verified=user is not None,
        locale=fields.get("locale", ""),
        is_locale_guessed=fields["is_locale_guessed"],
        time_zone=fields.get("time_zone", ""),
        extensions=fields.get("extensions", ()),
        platform=fields["platform"],
        is_streaming=fields["is_streaming"],
        variant_id=fields.get("variant_id", ""),
        page=fields.get("page", {}),
        integration_attributes=fields.get("integration_attributes", {}),
        consent=fields.get("consent") or {},
        answers=fields.get("form") or {},
    )


def _with_valid_text(value: dict[str, Any]) -> dict[str, Any]:
    if not has_valid_text(value):
        raise serializers.ValidationError("It holds a character that no text may hold.")
    return value


def count(name: str, limit: int) -> None:
    """Count a request; raises RefusedError above so many in a minute."""
    if wait := retry_after(name, limit=limit, window_seconds=60):
        REQUESTS_LIMITED.labels("messaging").inc()
        text = f"Too many requests. Try again in {wait} seconds."
        raise RefusedError(429, "RATE_LIMITED", text, wait=wait)


def _count_visitor(request: Request, token: AccessToken) -> None:
    """Count a session of its address and of its widget; a server's is counted by its key alone.

    Few addresses use up what a widget may open, and then each has only a share: so nobody locks
    the others out.
    """
    total, limit = f"sessions:{token.channel_id}", settings.SESSIONS_PER_MINUTE_PER_CHANNEL
    if token.is_trusted:
        count(f"server-{total}", limit)
        return
    address = client_address(request)
    count(f"session:{address}", settings.SESSIONS_PER_MINUTE)
    if retry_after(total, limit=limit, window_seconds=60):
        count(f"busy-{total}:{address}", SHARE_OF_A_BUSY_WIDGET)
