"""What every operation of /api/schema has: a correlation id, a bounded body, honest failures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from conversations.api.schema import error_example
from integrations.telemetry.correlation import HEADER

Json = dict[str, Any]
_ANSWERS = {
    "BodyTooLarge": ("The body has too many bytes; the text names the limit.", "PAYLOAD_TOO_LARGE"),
    "BodyOfOtherType": ("The body is of a type that is not read here.", "UNSUPPORTED_MEDIA_TYPE"),
    "Failure": (
        "A fault of the portal: its log has the cause under the correlation id.",
        "INTERNAL_SERVER_ERROR",
    ),
    "NoDatabase": ("The database is away for a moment. Try again.", "DATABASE_UNAVAILABLE"),
}
_ALWAYS = {"500": "Failure", "503": "NoDatabase"}
_WITH_BODY = {"413": "BodyTooLarge", "415": "BodyOfOtherType"}
_CORRELATION = "CorrelationId"
_RETRY = "RetryAfter"


def common_answers(result: Json, **kwargs: Any) -> Json:
    """Add to the schema what no view says of itself; a hook of drf-spectacular."""
    components = result["components"]
    components["headers"] = _headers()
    components["parameters"] = {_CORRELATION: _correlation_parameter()}
    components["responses"] = {name: _answer(*told) for name, told in _ANSWERS.items()}
    for operation in _operations(result):
        _complete(operation)
    return result


def _operations(result: Json) -> Iterator[Json]:
    for methods in result["paths"].values():
        yield from methods.values()


def _complete(operation: Json) -> None:
    parameters = operation.setdefault("parameters", [])
    parameters.append({"$ref": f"#/components/parameters/{_CORRELATION}"})
    for status, response in operation["responses"].items():
        response["headers"] = _headers_of(status)
    common = _ALWAYS | (_WITH_BODY if "requestBody" in operation else {})
    for status, name in common.items():
        operation["responses"].setdefault(status, {"$ref": f"#/components/responses/{name}"})


def _headers_of(status: str) -> Json:
    names = {HEADER: _CORRELATION} | ({"Retry-After": _RETRY} if status in ("429", "503") else {})
    return {header: {"$ref": f"#/components/headers/{name}"} for header, name in names.items()}


def _headers() -> Json:
    return {
        _CORRELATION: {
            "description": "Names the request in every log line that it leads to.",
            "required": True,
            "schema": {"type": "string"},
        },
        _RETRY: {
            "description": "Seconds to wait before the next try.",
            "required": True,
            "schema": {"type": "integer", "minimum": 1},
        },
    }


def _correlation_parameter() -> Json:
    return {
        "in": "header",
        "name": HEADER,
        "description": "An id of yours, of up to 64 letters, digits and `._:-`, which the answer "
        "and the logs carry; without one the portal makes it.",
        "schema": {"type": "string"},
    }


def _answer(description: str, code: str) -> Json:
    schema = {"$ref": "#/components/schemas/Error"}
    example = {"value": error_example(code), "summary": code}
    return {
        "description": f"{description} `{code}`.",
        "headers": _headers_of("503" if code == "DATABASE_UNAVAILABLE" else ""),
        "content": {"application/json": {"schema": schema, "examples": {code: example}}},
    }
