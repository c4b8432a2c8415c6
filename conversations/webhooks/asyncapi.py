"""The part of /api/asyncapi that is about /ws/agent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from conversations.webhooks.event_types import WebhookType
from conversations.webhooks.payloads import DATA, Told
from integrations.models import Environment

Json = dict[str, Any]
CHANNEL, SECURITY = "agent", "apiKey"
HEARD, SAID = "heard", "said"
CURSOR: Json = {"type": "string", "description": "Keep it, and connect again with the newest one."}
CLOSE_CODES = {
    1000: "The client has closed the socket.",
    1012: "The portal restarts: connect again with the newest cursor.",
    1013: "The database is away, or this client does not read: connect again later.",
    4401: "The API key does not work any more.",
}
HANDSHAKE_REFUSALS = {
    400: "A parameter is unknown or wrong, or the cursor is none of this stream.",
    401: "The API key is missing, unknown, revoked or expired.",
    403: "The API key has not the permission Chat.",
    429: "Too many sockets, handshakes or wrong keys; Retry-After says when to try again.",
    503: "The database is away; Retry-After says when to try again.",
}
_ABOUT = (
    "A project's AI agent that drives by REST hears here what webhooks tell, in the same bodies: "
    "each once or more, in one order, the lines of a conversation in theirs. Each frame has a "
    "cursor. After a break, connect again with the newest one, and nothing is missing; without a "
    "cursor the stream begins now, with 0 at the oldest event that is kept."
)


def agent_channel(messages: Iterable[str]) -> Json:
    """Return the channel."""
    return {
        "address": "/ws/agent",
        "title": "What a project's agent hears",
        "description": f"{_ABOUT} {_bounds()}",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"ws": {"method": "GET", "query": _query(), "bindingVersion": "0.1.0"}},
        "x-close-codes": {str(code): meaning for code, meaning in CLOSE_CODES.items()},
        "x-handshake-refusals": {str(code): text for code, text in HANDSHAKE_REFUSALS.items()},
    }


def agent_security() -> Json:
    """Return how a socket is let in."""
    return {
        "type": "httpApiKey",
        "in": "header",
        "name": "x-api-key",
        "description": "An API key of the project with the permission Chat.",
    }


def frames_heard(schemas: Json) -> Json:
    """Return the messages to the client, by name; puts what they refer to among the schemas."""
    found = {
        f"{HEARD}.{kind.value}": _message(kind.value, kind.label, _told(kind, schemas))
        for kind in WebhookType
    }
    found[f"{HEARD}.stream.opened"] = _message("stream.opened", "The first frame.", _OPENED)
    found[f"{HEARD}.heartbeat"] = _message("heartbeat", "The answer to one.", _BEAT)
    found[f"{HEARD}.error"] = _message("error", "A frame of the client's was refused.", _ERROR)
    return found


def frames_said() -> Json:
    """Return the messages from the client."""
    beat = _message("heartbeat", "Asks for a sign of life.", {"type": {"const": "heartbeat"}})
    return {f"{SAID}.heartbeat": beat}


def _bounds() -> str:
    return (
        f"A project may have {settings.SOCKETS_PER_SESSION} such sockets, and each of them hears "
        f"everything. Events are kept for {settings.WEBHOOK_DELIVERY_KEEP_DAYS} days, from the "
        "first connection on."
    )


def _query() -> Json:
    text = {"type": "string"}
    return {
        "type": "object",
        "properties": {
            "cursor": {**text, "description": "Of the newest frame; 0 is the oldest that is kept."},
            "events": {
                **text,
                "description": f"Those alone, with commas: {', '.join(WebhookType.values)}.",
            },
            "client_env": {
                **text,
                "enum": list(Environment.values),
                "description": "Of this environment alone.",
            },
        },
    }


class _Plain(GenerateJsonSchema):
    """Names of fields are not repeated as titles."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Set none."""
        return False


def _told(kind: WebhookType, schemas: Json) -> Json:
    frame = TypeAdapter(Told).json_schema(schema_generator=_Plain)["properties"]
    payload = DATA[kind]
    made = TypeAdapter(payload).json_schema(
        ref_template="#/components/schemas/{model}", schema_generator=_Plain
    )
    schemas.update(made.pop("$defs", {}))
    schemas[payload.__name__] = made
    data = {"$ref": f"#/components/schemas/{payload.__name__}"}
    return {"cursor": CURSOR, **frame, "type": {"const": kind.value}, "data": data}


_OPENED: Json = {
    "type": {"const": "stream.opened"},
    "cursor": CURSOR,
    "project_id": {"type": "string"},
    "has_missed": {
        "type": "boolean",
        "description": "Events after your cursor are not kept any more: read the conversations.",
    },
}
_BEAT: Json = {"type": {"const": "heartbeat"}, "cursor": CURSOR}
_ERROR: Json = {
    "type": {"const": "error"},
    "error_code": {"const": "UNKNOWN_FRAME"},
    "error_message": {"type": "string"},
}


def _message(name: str, summary: str, properties: Json) -> Json:
    return {
        "name": name,
        "title": name,
        "summary": summary if summary.endswith(".") else f"{summary}.",
        "payload": {"type": "object", "required": list(properties), "properties": properties},
    }
