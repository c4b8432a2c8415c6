"""How an operation is described for /api/schema: one decorator, and what all answers share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework import serializers

Handler = TypeVar("Handler", bound=Callable[..., Any])
Answers = dict[int, OpenApiResponse]

SESSION = "b1f3c8de-8d6b-4a59-9a63-1a3a1d0f6a11"
TEXT = "A sentence that names the cause and the cure."
TOKEN = OpenApiParameter(
    "X-Token",
    location=OpenApiParameter.HEADER,
    required=True,
    description="The widget's public key, or the secret connector token of a server.",
    examples=[OpenApiExample("A public key", value="wk_9b1f0c2d7a4e6f8a3c5d")],
)
HOST = OpenApiParameter(
    "X-Host",
    location=OpenApiParameter.HEADER,
    required=True,
    description="The host of the page that opens the chat. It must be one of the widget's own.",
    examples=[OpenApiExample("A shop's page", value="shop.example")],
)
IDEMPOTENCY = OpenApiParameter(
    "Idempotency-Key",
    location=OpenApiParameter.HEADER,
    description="The same key again does nothing twice and answers as the first time.",
)
ACCOUNT_AND_PROJECT = [
    OpenApiParameter(
        "account_id", location=OpenApiParameter.PATH, description="The workspace's id or slug."
    ),
    OpenApiParameter(
        "project_id", location=OpenApiParameter.PATH, description="The project's id or slug."
    ),
]
_MEANINGS = {
    400: "A field or header is missing or wrong; the text names it.",
    401: "The key or token is missing, wrong or too old, or the page may not use the widget.",
    403: "The token or key may not do this; the text says why.",
    404: "There is no such thing, or not for this key or token.",
    409: "It does not fit where things stand.",
    410: "The conversation has ended. Its journal can still be read; open a new one.",
    413: "The file is too large; the text names its size and the limit.",
    415: "Files are not taken here, or not of this type.",
    422: "What was sent cannot be used so; `errors` lists each problem with its path.",
    503: "It cannot be done at the moment. Retry-After says in how many seconds to try again.",
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


def error_example(code: str) -> dict[str, Any]:
    """Return the envelope as an example shows it."""
    return {
        "success": False,
        "error": TEXT,
        "error_id": "6f2b8c1e-54a7-4a5d-93d1-1f0f3f1c9f10",
        "error_code": code,
        "error_message": TEXT,
        "data": None,
    }


class Interface:
    """One API: its name, the keys that open it, what each of its calls may refuse."""

    def __init__(self, tag: str, *keys: Iterable[str], **codes: str) -> None:
        """Take the sets of security schemes that open it, and codes as `refusals` does."""
        self._tag, self._codes = tag, codes
        # Any: the library says texts and means requirements.
        self._keys: Any = [{key: [] for key in together} for together in keys]

    def operation(
        self,
        name: str,
        summary: str,
        about: str,
        *,
        gives: Answers,
        takes: Any = None,
        parameters: Iterable[OpenApiParameter] = (),
        examples: Iterable[OpenApiExample] = (),
        **codes: str,
    ) -> Callable[[Handler], Handler]:
        """Describe a handler: what it takes, what it answers, with which codes it refuses."""
        return extend_schema(
            operation_id=name,
            summary=summary,
            description=about,
            tags=[self._tag],
            auth=self._keys,
            parameters=list(parameters),
            request=takes,
            examples=list(examples),
            # A parameter with a character that no text may hold is refused everywhere.
            responses={
                **gives,
                **self.refusals(**{"_400": "INVALID_REQUEST", **self._codes, **codes}),
            },
        )

    def refusals(self, **codes: str) -> Answers:
        """Return the refusals of a call; an API with errors of another form says so here."""
        return refusals(**codes)


def answer(body: Any, description: str, *examples: OpenApiExample, status: int = 200) -> Answers:
    """Return how a call answers when it is not refused; `None` has no body."""
    return {status: OpenApiResponse(body, description=description, examples=list(examples))}


def refusals(**codes: str) -> Answers:
    """Return the refusals of an operation; each is named by its status, as in `_404`.

    Several codes of one status stand in one text, with blanks between.
    """
    return refusals_as(Error, error_example, codes)


def refusals_as(
    body: Any, example: Callable[[str], Mapping[str, Any]], codes: Mapping[str, str]
) -> Answers:
    """Return refusals with a body of another form."""
    return {
        status: OpenApiResponse(
            body,
            description=f"{_MEANINGS[status]} {_listed(names.split())}",
            examples=[OpenApiExample(code, value=dict(example(code))) for code in names.split()],
        )
        for status, names in sorted((int(name[1:]), names) for name, names in codes.items())
    }


def _listed(codes: list[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes) + "."
