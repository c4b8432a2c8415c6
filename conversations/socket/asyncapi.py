"""The AsyncAPI document of /ws, made of the types and bounds that the socket itself uses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from conversations.journal.frames import EXTENSIONS, PREFIX, EventType, Frame
from conversations.journal.payloads import PAYLOADS, TRANSIENT
from conversations.socket.client_frames import (
    METADATA_MAX_BYTES,
    RESEND_KEY_MAX_CHARACTERS,
    RESEND_KEYS,
)
from conversations.socket.client_payloads import CLIENT_PAYLOADS
from conversations.socket.handshake import SUBPROTOCOL
from conversations.webhooks import asyncapi as agent

Json = dict[str, Any]
SENT, TAKEN = "sent", "taken"
CHANNEL = "session"
_REF = "#/components/schemas/{model}"
# What a socket ends with. Only an end that the client asked for is no reason to connect again.
CLOSE_CODES = {
    1000: "The client has closed the socket.",
    1002: "The client has broken the WebSocket protocol.",
    1007: "A text frame is no UTF-8.",
    1009: "A frame is far beyond max_message_size_bytes.",
    1012: "The portal restarts: connect again.",
    1013: "The database is away, or this client does not read: connect again later.",
}
HANDSHAKE_REFUSALS = {
    400: "session_id or the access token is missing.",
    401: "The token is wrong, too old or of another session, or the page may not use the channel.",
    404: "There is no such session: open a new one.",
    429: "The session has too many sockets; Retry-After says when to try again.",
    503: "The database is away; Retry-After says when to try again.",
}
_MANY_WORDS = {
    "client_event_id": "a message with the same key is taken once; its first echo comes again",
    "local_id": "the same, as PolyAI's mobile SDKs name it",
}


class _Plain(GenerateJsonSchema):
    """Names of fields are not repeated as titles."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Set none."""
        return False


def asyncapi_document() -> Json:
    """Return the document; the portal is the application that it describes."""
    schemas: Json = {}
    sent = {_name(SENT, kind): _sent(kind, of, schemas) for kind, of in PAYLOADS.items()}
    taken = {_name(TAKEN, kind): _taken(kind, of, schemas) for kind, of in CLIENT_PAYLOADS.items()}
    heard, said = agent.frames_heard(schemas), agent.frames_said()
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Baton: its sockets", "version": "1", "description": _ABOUT},
        "defaultContentType": "application/json",
        "servers": {"portal": _server()},
        "channels": {
            CHANNEL: _channel([*sent, *taken]),
            agent.CHANNEL: agent.agent_channel([*heard, *said]),
        },
        "operations": {
            "sendFrames": _operation(CHANNEL, "send", "What the portal sends.", sent),
            "receiveFrames": _operation(CHANNEL, "receive", "What the portal takes.", taken),
            "tellAgent": _operation(agent.CHANNEL, "send", "What the portal tells.", heard),
            "hearAgent": _operation(agent.CHANNEL, "receive", "What the portal takes.", said),
        },
        "components": {
            "messages": {**sent, **taken, **heard, **said},
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {**_SECURITY, agent.SECURITY: agent.agent_security()},
        },
    }


_ABOUT = (
    "`/ws` is the socket of a session, for the end user; `/ws/agent` tells a project's AI agent. "
    "Open a session by REST (`access_token_create`, `sessions_create` of `/api/schema`), then "
    "connect. Each frame is one JSON text. Frames of the journal have a `sequence`, without a gap "
    "and without a repeat: after a break, connect again with the highest one as `cursor`. Ignore "
    "types and fields that you do not know."
)
_SECURITY = {
    "accessToken": {
        "type": "httpApiKey",
        "in": "query",
        "name": "access_token",
        "description": f"Or, so that no log has it, as subprotocols: `{SUBPROTOCOL}` and "
        "`bearer.<access token>`.",
    }
}


def _server() -> Json:
    address = urlsplit(settings.PUBLIC_URL)
    names = [*_SECURITY, agent.SECURITY]
    return {
        "host": address.netloc,
        "protocol": "wss" if address.scheme == "https" else "ws",
        "security": [{"$ref": f"#/components/securitySchemes/{name}"} for name in names],
    }


def _channel(messages: Iterable[str]) -> Json:
    return {
        "address": "/ws",
        "title": "A session",
        "description": _bounds(),
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"ws": {"method": "GET", "query": _query(), "bindingVersion": "0.1.0"}},
        "x-close-codes": {str(code): meaning for code, meaning in CLOSE_CODES.items()},
        "x-handshake-refusals": {str(code): text for code, text in HANDSHAKE_REFUSALS.items()},
    }


def _bounds() -> str:
    return (
        f"A frame may have {settings.FRAME_MAX_BYTES} bytes, a text "
        f"{settings.MESSAGE_MAX_CHARACTERS} characters. A socket may send "
        f"{settings.SOCKET_FRAMES_PER_SECOND:g} frames a second, and "
        f"{settings.SOCKET_FRAMES_BURST} at once; a session may have "
        f"{settings.SOCKETS_PER_SESSION} sockets and connect {settings.HANDSHAKES_PER_MINUTE} "
        f"times a minute. Whoever pulls more than {settings.JOURNAL_BYTES_PER_MINUTE} bytes of a "
        "journal in a minute is closed with 1013: go on from the cursor when Retry-After of the "
        "refused handshake has passed. Send HEARTBEAT every "
        f"{settings.SOCKET_HEARTBEAT_SECONDS} seconds: a session without a handoff from which "
        f"nothing comes for {settings.SESSION_IDLE_SECONDS} seconds ends. With one the end user is "
        "away, and place and live agent are kept. A frame that is refused is answered by "
        "SYSTEM_MESSAGE of level ERROR with its `metadata`, and the socket stays open."
    )


def _query() -> Json:
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["session_id"],
        "properties": {
            "session_id": {**text, "format": "uuid", "description": "Of `sessions_create`."},
            "access_token": {**text, "description": "Needed, unless it is a subprotocol."},
            "cursor": {
                **text,
                "default": "0",
                "description": "The highest sequence received; `seq:` may stand before it. What is "
                "no sequence of this session counts as 0, with a warning.",
            },
        },
    }


def _operation(channel_name: str, action: str, summary: str, messages: Iterable[str]) -> Json:
    channel = f"#/channels/{channel_name}"
    return {
        "action": action,
        "summary": summary,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in messages],
    }


def _name(direction: str, kind: EventType) -> str:
    return f"{direction}.{kind.value}"


def _sent(kind: EventType, payload: type, schemas: Json) -> Json:
    """Return the message of a frame to the client."""
    in_journal = {"type": "integer", "minimum": 1}
    sequence: Json = {"type": "null"} if kind in TRANSIENT else in_journal
    if kind is EventType.SYSTEM_MESSAGE:
        sequence = {"anyOf": [in_journal, {"type": "null"}]}
    return _message(
        kind,
        _summary(payload),
        {
            "id": {"type": "string", "format": "uuid"},
            "sequence": sequence,
            "timestamp": {"type": "string", "format": "date-time"},
            "type": {"const": PREFIX + kind},
            "payload": _schema(payload, schemas),
            "metadata": _METADATA,
        },
        sorted(TypeAdapter(Frame).json_schema()["required"]),
    )


def _taken(kind: EventType, payload: type, schemas: Json) -> Json:
    """Return the message of a frame from the client."""
    inner = _schema(payload, schemas)
    is_needed = "required" in schemas[payload.__name__] or kind is EventType.USER_MESSAGE
    required = ["type", "payload"] if is_needed else ["type"]
    note = " An extension: sent only where SESSION_START lists it." if kind in EXTENSIONS else ""
    properties = {"type": {"const": PREFIX + kind}, "payload": inner, "metadata": _METADATA}
    return _message(kind, _summary(payload) + note, properties, required)


def _message(kind: EventType, summary: str, properties: Json, required: list[str]) -> Json:
    return {
        "name": PREFIX + kind,
        "title": kind.value,
        "summary": summary,
        "payload": {"type": "object", "required": required, "properties": properties},
    }


def _summary(payload: type) -> str:
    return (payload.__doc__ or "").strip().split("\n")[0]


def _schema(payload: type, schemas: Json) -> Json:
    """Put a payload's schema, and what it refers to, among the components; return a reference."""
    made = TypeAdapter(payload).json_schema(ref_template=_REF, schema_generator=_Plain)
    inner: Mapping[str, Json] = made.pop("$defs", {})
    schemas.update(inner)
    schemas[payload.__name__] = made
    return {"$ref": _REF.format(model=payload.__name__)}


_METADATA: Json = {
    "type": "object",
    "description": "What the client sent along; it comes back with the echo and with a refusal. "
    f"`custom` may have {METADATA_MAX_BYTES} bytes. Of its names, "
    + "; ".join(f"`{name}`: {_MANY_WORDS[name]}" for name in RESEND_KEYS)
    + f" (up to {RESEND_KEY_MAX_CHARACTERS} characters).",
    "properties": {"custom": {"type": "object", "additionalProperties": {"type": "string"}}},
}
