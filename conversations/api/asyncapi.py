"""/api/asyncapi, the document of the socket, and the page that people read of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from conversations.socket.asyncapi import CHANNEL, SENT, TAKEN, asyncapi_document

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
    meaning: str


@require_safe
def asyncapi(request: HttpRequest) -> HttpResponse:
    """Return the document as JSON, or as YAML where that is asked for."""
    wanted = request.GET.get("format") or request.headers.get("Accept", "")
    document = asyncapi_document()
    if "yaml" in wanted:
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
        return HttpResponse(text, content_type="application/yaml")
    return JsonResponse(document)


@require_safe
def socket_page(request: HttpRequest) -> HttpResponse:
    """Show the document: how to connect, the frames both ways, their payloads."""
    document = asyncapi_document()
    channel = document["channels"][CHANNEL]
    messages, schemas = (document["components"][name] for name in ("messages", "schemas"))
    shown = {
        "document": document,
        "channel": channel,
        "query": _rows(channel["bindings"]["ws"]["query"]),
        "refusals": channel["x-handshake-refusals"].items(),
        "closes": channel["x-close-codes"].items(),
        "sent": _frames(messages, SENT, schemas),
        "taken": _frames(messages, TAKEN, schemas),
        "parts": _parts(messages, schemas),
    }
    return render(request, "socket_docs.html", shown)


def _parts(messages: Json, schemas: Json) -> list[tuple[str, str, list[FieldRow], list[str]]]:
    """Return what payloads are made of, beside the payloads themselves."""
    payloads = {_name_in(_payload(message)) for message in messages.values()}
    return [
        (name, one.get("description", ""), _rows(one), one.get("enum", []))
        for name, one in schemas.items()
        if name not in payloads
    ]


def _payload(message: Json) -> Json:
    payload: Json = message["payload"]["properties"]["payload"]
    return payload


def _frames(messages: Json, direction: str, schemas: Json) -> list[Json]:
    return [
        {
            "id": name.replace(".", "-"),
            "name": message["name"],
            "summary": message["summary"],
            "is_journaled": "integer" in str(message["payload"]["properties"].get("sequence")),
            "fields": _rows(schemas[_name_in(_payload(message))]),
        }
        for name, message in messages.items()
        if name.startswith(direction)
    ]


def _rows(schema: Json) -> list[FieldRow]:
    needed = schema.get("required", ())
    return [
        FieldRow(
            name=name,
            type=_type(field),
            refers_to=_name_in(field) or _name_in(field.get("items", {})),
            is_needed=name in needed,
            meaning=field.get("description", ""),
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
