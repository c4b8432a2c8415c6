"""What /api/schema says of the Messaging API beside its fields: names, errors, examples."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

TAG = "Messaging API"
# Any: the library says texts and means security requirements.
BY_CHANNEL_KEY: Any = [{"channelKey": []}]
BY_ACCESS_TOKEN: Any = [{"accessToken": []}]
SESSION = "b1f3c8de-8d6b-4a59-9a63-1a3a1d0f6a11"
HOST = OpenApiParameter(
    "X-Host",
    location=OpenApiParameter.HEADER,
    required=True,
    description="The host of the page that opens the chat. It must be one of the widget's own.",
    examples=[OpenApiExample("A shop's page", value="shop.example")],
)
_MEANINGS = {
    400: "A field or header is missing or wrong; the text names it.",
    401: "The key or token is missing, wrong or too old, or the page may not use the widget.",
    403: "The token or key may not do this; the text says why.",
    404: "There is no such session or conversation.",
    409: "It does not fit where the conversation stands.",
    410: "The conversation has ended. Its journal can still be read; open a new one.",
    413: "The file is too large; the text names its size and the limit.",
    415: "Files are not taken here, or not of this type.",
    422: "The handoff cannot be opened so; `errors` lists each problem with its path.",
    429: "Too many requests. Retry-After says in how many seconds to try again.",
}


class Error(serializers.Serializer[Any]):
    """Every refusal: `error_code` for programs, `error_message` with the cure for people."""

    success = serializers.BooleanField(default=False)
    error = serializers.CharField(help_text="The same as error_message.")
    error_id = serializers.UUIDField(help_text="Name it when you ask for help.")
    error_code = serializers.CharField()
    error_message = serializers.CharField()
    data = serializers.JSONField(  # type: ignore[assignment]  # the documented name
        allow_null=True, help_text="Always null."
    )


def refusals(**codes: str) -> dict[int, OpenApiResponse]:
    """Return the refusals of an operation; each is named by its status, as in `_404`."""
    return {
        int(name.removeprefix("_")): OpenApiResponse(
            Error, description=_MEANINGS[int(name.removeprefix("_"))], examples=[_example(code)]
        )
        for name, code in codes.items()
    }


def _example(code: str) -> OpenApiExample:
    text = "A sentence that names the cause and the cure."
    body = {
        "success": False,
        "error": text,
        "error_id": "6f2b8c1e-54a7-4a5d-93d1-1f0f3f1c9f10",
        "error_code": code,
        "error_message": text,
        "data": None,
    }
    return OpenApiExample(code, value=body)
