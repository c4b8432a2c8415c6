"""Tell a page whether it may carry a widget, and how the widget looks, before anybody opens it."""

from __future__ import annotations

from typing import Any

from django.utils.decorators import method_decorator
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import conditional_page
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.errors import BadFieldError, EnvelopeView, RefusedError
from conversations.api.schema import Interface, answer
from conversations.models import Channel
from conversations.widget.access_token import channel_by_key, host_allowed
from conversations.widget.look import spoken_look

# A page of a browser asks once in a while, however many of its pages are opened.
LOOK_SECONDS = 60
LOCALE_MAX = 35
_OPEN = Interface("Messaging API", [])
_LOOK = {
    "title": "Chat with us",
    "accent": "#2457d6",
    "agent_name": "Birch",
    "language": "en",
    "words": {"send": "Send message", "typing": "{name} is typing"},
}


def page_check(channel: Channel, **pages: str) -> None:
    """Refuse a page that may not carry the channel's widget; each is named by what told of it."""
    for name, page in pages.items():
        if page and not host_allowed(channel, page):
            told = name.replace("_", "-")
            raise RefusedError(
                401,
                "HOST_NOT_ALLOWED",
                f"The page named by {told} may not use this channel. "
                "Add its host under Configure > Widget > Allowed pages.",
            )


class WidgetLookView(EnvelopeView):
    """How a widget looks: for every visitor of a page alike, so that anybody may keep it."""

    @extend_schema_serializer(component_name="WidgetLookOut")
    class Output(serializers.Serializer[Any]):
        """What is drawn before a token is asked for."""

        widget = serializers.DictField()

    @_OPEN.operation(
        "widget_retrieve",
        "Ask how a widget looks, and whether a page may carry it",
        "Needs no token and may be kept for a minute: a page asks it when it loads, and for an "
        "access token when its visitor opens the chat.",
        parameters=[
            OpenApiParameter("key", str, required=True, description="The widget's public key."),
            OpenApiParameter("host", str, required=True, description="The host of the page."),
            OpenApiParameter("locale", str, description="The language of its words, such as de."),
        ],
        gives=answer(Output, "How it looks.", OpenApiExample("A look", value={"widget": _LOOK})),
        _400="INVALID_REQUEST",
        _401="UNAUTHORIZED HOST_NOT_ALLOWED",
    )
    # A page asks again after a while: what is the same is not sent again, and what is sent is
    # small. A refusal is left as it is, for whoever puts it into the envelope.
    @method_decorator([gzip_page, conditional_page])
    def get(self, request: Request) -> Response:
        """Answer 401 unless key, host and origin fit the channel."""
        key, host = (request.query_params.get(name, "").strip() for name in ("key", "host"))
        if not key or not host:
            raise BadFieldError("Name the widget's key and the page's host as key and host.")
        channel = channel_by_key(key)
        if channel is None or not channel.is_enabled:
            text = "key is not the public key of a channel that is switched on."
            raise RefusedError(401, "UNAUTHORIZED", text)
        page_check(channel, host=host, Origin=request.headers.get("Origin", ""))
        keeping = {"Cache-Control": f"public, max-age={LOOK_SECONDS}"}
        locale = request.query_params.get("locale", "")[:LOCALE_MAX]
        return Response({"widget": spoken_look(channel, locale)}, headers=keeping)
