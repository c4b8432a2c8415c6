"""What Webex asks of a body, as its published schema and guide say; what fits neither is a 400."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.responses import JSONResponse, Response

from integrations.vendors.webex.simulator.world import EVENTS, Switches

MAX_TEXT, MAX_FILES, MAX_URL = 20_000, 5, 2000
_MIME = re.compile(r"[\w.+-]+/[\w.+-]+")
_TEXT_KEYS = {"aliasId", "text", "timestamp"}


class RefusedError(Exception):
    """A call is refused; says why."""

    def __init__(self, status: int, description: str, *, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.status, self.description, self.retry_after = status, description, retry_after


def refusal(
    status: int, description: str, retry_after: int | None = None, *, is_key_number: bool = False
) -> Response:
    """Return a refusal in the shape that the contact center's calls share."""
    key = status if is_key_number else str(status)
    body = {
        "trackingId": f"SIM_{uuid.uuid4()}",
        "error": {"key": key, "message": [{"description": description}]},
    }
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JSONResponse(body, status_code=status, headers=headers)


def webex_refusal(status: int, message: str) -> Response:
    """Return a refusal in the shape of the hosts that all of Webex shares."""
    body = {
        "message": message,
        "errors": [{"description": message}],
        "trackingId": f"ROUTER_{uuid.uuid4()}",
    }
    return JSONResponse(body, status_code=status)


def check_create(body: Any, switches: Switches) -> None:
    """Judge the body of Create Task."""
    _keys(
        body,
        needed={"origin", "destination", "channelType", "channel", "channelParams"},
        allowed={"globalVariables", "flowSettings"},
    )
    origin, destination = body["origin"], body["destination"]
    _need(isinstance(origin, dict) and _is_text(origin.get("id")), "origin.id must not be empty")
    _need(isinstance(destination, dict), "destination must be an object")
    _need(destination.get("type") == "businessAddress", "destination.type is unknown")
    _need(_is_text(destination.get("id")), "destination.id must not be empty")
    _need(body["channelType"] == "customMessaging", "channelType is unknown")
    is_there = body["channel"] == switches.channel_name and switches.is_channel_active
    _need(is_there, "channel is not an active configured channel")
    _variables(body.get("globalVariables", {}), 30, 1024, "globalVariables")
    _variables(body.get("flowSettings", {}), 15, 512, "flowSettings")
    _params(body["channelParams"])


def check_append(body: Any) -> None:
    """Judge the body of Append Task Message."""
    _keys(body, needed={"mediaType", "channelParams"}, allowed=set())
    _need(body["mediaType"] == "customMessaging", "mediaType is unknown")
    _params(body["channelParams"])


def check_subscription(body: Any, switches: Switches, *, is_change: bool = False) -> None:
    """Judge the body that makes or changes a subscription."""
    needed = {"name", "eventTypes", "destinationUrl", "resourceVersion"}
    allowed = {"description", "secret", "orgId", "status"}
    if is_change:
        needed, allowed = {"resourceVersion"}, allowed | needed
    _keys(body, needed=needed, allowed=allowed)
    resource, _, version = str(body["resourceVersion"]).partition(":")
    _need(resource in EVENTS and version == "1.0.0", "resourceVersion is unknown")
    if "name" in body:
        _need(4 <= len(str(body["name"])) <= 64, "name must have 4 to 64 characters")
    if "eventTypes" in body:
        _event_types(body["eventTypes"], resource, switches)
    if "secret" in body:
        _need(32 <= len(str(body["secret"])) <= 256, "secret must have 32 to 256 characters")
    if "destinationUrl" in body:
        _destination(str(body["destinationUrl"]), switches)
    _need(body.get("status", "active") in ("active", "inactive"), "status is unknown")


def _event_types(names: Any, resource: str, switches: Switches) -> None:
    _need(isinstance(names, list) and 1 <= len(names) <= 32, "eventTypes must have 1 to 32 items")
    known = {f"{resource}:{action}" for action in switches.events[resource]}
    _need(set(names) <= known, "eventTypes names an event of another resource")


def _destination(url: str, switches: Switches) -> None:
    parts = urlsplit(url)
    _need(bool(parts.path.strip("/")), "destinationUrl must have a path")
    _need(not (parts.query or parts.fragment or parts.username), "destinationUrl is too much")
    if not switches.allow_insecure:
        is_public = parts.scheme == "https" and parts.port in (None, 443)
        _need(is_public and "." in (parts.hostname or ""), "destinationUrl must be public https")


def _params(params: Any) -> None:
    _keys(params, needed={"type", "message"}, allowed=set())
    message, kind = params["message"], params["type"]
    _need(isinstance(message, dict), "message must be an object")
    _need(_is_text(message.get("aliasId")), "aliasId must not be empty")
    is_time = isinstance(message.get("timestamp"), int) and message["timestamp"] > 0
    _need(is_time, "timestamp must be a positive integer")
    text = message.get("text", "")
    _need(isinstance(text, str) and _units(text) <= MAX_TEXT, "text is too long")
    if kind == "text":
        _need(set(message) <= _TEXT_KEYS, "a text message has no such property")
        _need(bool(text), "text must not be empty")
    elif kind == "text-with-attachments":
        _need(isinstance(message.get("attachments"), list), "attachments must be a list")
        _files(message["attachments"])
        _need(bool(text or message["attachments"]), "text must not be empty")
    else:
        _need(False, "channelParams.type is unknown")


def _files(files: list[Any]) -> None:
    _need(len(files) <= MAX_FILES, "there are more than 5 attachments")
    for one in files:
        _keys(one, needed={"fileName", "mimeType", "fileUrl"}, allowed=set())
        _need("." in str(one["fileName"]), "fileName needs an extension")
        _need(bool(_MIME.fullmatch(str(one["mimeType"]))), "mimeType is none")
        _need(len(str(one["fileUrl"])) <= MAX_URL, "fileUrl is too long")


def _variables(given: Any, most: int, most_bytes: int, name: str) -> None:
    is_map = isinstance(given, dict) and all(isinstance(v, str) for v in given.values())
    _need(is_map, f"{name} must map strings to strings")
    _need(len(given) <= most, f"{name} has more than {most} entries")
    for key, value in given.items():
        fits = len(key.encode()) <= 200 and len(value.encode()) <= most_bytes
        _need(fits, f"{name} has an entry that is too long")


def _keys(value: Any, *, needed: set[str], allowed: set[str]) -> None:
    _need(isinstance(value, dict), "the body must be an object")
    present: Mapping[str, Any] = value
    _need(needed <= set(present), f"a property is missing of {', '.join(sorted(needed))}")
    _need(set(present) <= needed | allowed, "there is a property that nobody knows")


def _need(is_so: bool, description: str) -> None:
    if not is_so:
        raise RefusedError(400, description)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
