"""The page that people read of /api/asyncapi, the document of the sockets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from conversations.socket.asyncapi import CHANNEL, SENT, TAKEN, asyncapi_document
from conversations.webhooks import asyncapi as agent

Json = Mapping[str, Any]
_BOUNDS = (
    ("minimum", "from"),
    ("minLength", "from"),
    ("maxLength", "up to"),
    ("maxItems", "up to"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    """A field of a payload, as a row of a table."""

    name: str
    type: str
    refers_to: str
    is_needed: bool
    meaning: SafeString


@require_safe
def socket_page(request: HttpRequest) -> HttpResponse:
    """Show for each socket how to connect and the frames both ways, then the parts."""
    document = asyncapi_document()
    messages, schemas = (document["components"][name] for name in ("messages", "schemas"))
    frames = {
        name: _frames(messages, name, schemas) for name in (SENT, TAKEN, agent.HEARD, agent.SAID)
    }
    security = document["components"]["securitySchemes"]
    shown = {
        "document": document,
        "about": _prose(document["info"]["description"]),
        "session": _channel(document, CHANNEL, security["accessToken"]),
        "agent": _channel(document, agent.CHANNEL, security[agent.SECURITY]),
        "frames": frames,
        "parts": _parts(messages, schemas),
    }
    return render(request, "socket_docs.html", shown)


def _channel(document: Json, name: str, security: Json) -> Json:
    """Return how to connect to one socket."""
    channel = document["channels"][name]
    server = document["servers"]["portal"]
    return {
        "url": f"{server['protocol']}://{server['host']}{channel['address']}",
        "about": _prose(channel["description"]),
        "security": _prose(security["description"]),
        "query": _rows(channel["bindings"]["ws"]["query"]),
        "refusals": channel["x-handshake-refusals"].items(),
        "closes": channel["x-close-codes"].items(),
    }


def _prose(text: str) -> SafeString:
    """Return a text of the document for a page: what stands between backticks is code."""
    pieces = enumerate(text.split("`"))
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", one) if at % 2 else one,) for at, one in pieces)
    )


def _parts(messages: Json, schemas: Json) -> list[tuple[str, str, list[FieldRow], list[str]]]:
    """Return what payloads are made of, beside the payloads themselves."""
    payloads = {_name_in(_payload(message)) for message in messages.values()}
    return [
        (name, _prose(one.get("description", "")), _rows(one), one.get("enum", []))
        for name, one in schemas.items()
        if name not in payloads
    ]


def _payload(message: Json) -> Json:
    """Return what a frame of a session carries; those of an agent's socket have no payload."""
    payload: Json = message["payload"]["properties"].get("payload", {})
    return payload


def _frames(messages: Json, direction: str, schemas: Json) -> list[Json]:
    return [
        {
            "id": name.replace(".", "-"),
            "name": message["name"],
            "summary": _prose(message["summary"]),
            "is_journaled": "integer" in str(message["payload"]["properties"].get("sequence")),
            "fields": _rows(schemas.get(_name_in(_payload(message)), message["payload"])),
        }
        for name, message in messages.items()
        if name.startswith(f"{direction}.")
    ]


def _rows(schema: Json) -> list[FieldRow]:
    needed = schema.get("required", ())
    return [
        FieldRow(
            name=name,
            type=_type(field),
            refers_to=_name_in(field) or _name_in(field.get("items", {})),
            is_needed=name in needed,
            meaning=_prose(field.get("description", "")),
        )
        for name, field in schema.get("properties", {}).items()
    ]


def _name_in(schema: Json) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _type(schema: Json) -> str:
    """Return the words for a type, as in `list of Choice` or `text, up to 16`."""
    if name := _name_in(schema):
        return name
    if "anyOf" in schema:
        return " or ".join(map(_type, schema["anyOf"]))
    if values := schema.get("enum") or ([schema["const"]] if "const" in schema else []):
        return " or ".join(map(str, values))
    words = {"string": "text", "integer": "whole number", "boolean": "true or false"}
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        kind = f"list of {_type(schema.get('items', {}))}"
    bounds = [f"{word} {schema[key]}" for key, word in _BOUNDS if key in schema]
    return ", ".join([words.get(kind, kind), *bounds])
