"""How the simulated Conversations API reads a request: who asks, about what, with which body."""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from starlette.requests import Request
from starlette.responses import Response

from integrations.simulators.answers import AsciiJSONResponse
from integrations.simulators.simulator import Simulator
from integrations.vendors.zendesk.simulator.answers import list_answer
from integrations.vendors.zendesk.simulator.checks import BODY_BYTES, VendorError
from integrations.vendors.zendesk.simulator.records import Conversation, User
from integrations.vendors.zendesk.simulator.world import ZendeskWorld

PAGE_SIZE = 25
MAX_PAGE_SIZE = 100
# Key prefix -> scope; a service account may what an account key may.
SCOPES = {"int": "integration", "app": "app", "act": "account", "svc": "account"}
SCOPE_ORDER = ("integration", "app", "account")
RATE_WINDOW_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """An authenticated key."""

    key_id: str
    scope: str

    def may(self, scope: str) -> bool:
        """Tell whether the key reaches a scope."""
        return SCOPE_ORDER.index(self.scope) >= SCOPE_ORDER.index(scope)


def authenticate(world: ZendeskWorld, authorization: str) -> Caller:
    """Return the caller; raises VendorError 401 for anything but a good key, 429 above the rate."""
    scheme, _, given = authorization.partition(" ")
    readers = {"basic": _from_basic, "bearer": _from_jwt}
    if scheme.lower() not in readers or world.switches.are_keys_revoked:
        raise VendorError(401, "Unauthorized")
    caller = readers[scheme.lower()](world, given.strip())
    _count(world)
    return caller


def _from_basic(world: ZendeskWorld, given: str) -> Caller:
    try:
        key_id, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise VendorError(401, "Unauthorized") from error
    known = world.switches.keys.get(key_id)
    if known is None or not secrets.compare_digest(known.encode(), secret.encode()):
        raise VendorError(401, "Unauthorized")
    return Caller(key_id=key_id, scope=_scope(key_id))


def _from_jwt(world: ZendeskWorld, given: str) -> Caller:
    try:
        key_id = str(jwt.get_unverified_header(given).get("kid"))
        secret = world.switches.keys[key_id]
        claims = jwt.decode(given, secret, algorithms=["HS256"])
    except (jwt.InvalidTokenError, KeyError) as error:
        raise VendorError(401, "Unauthorized") from error
    # A token of scope user is refused, and a key signs for its own scope only.
    if claims.get("scope") != _scope(key_id):
        raise VendorError(401, "Unauthorized")
    return Caller(key_id=key_id, scope=_scope(key_id))


def _scope(key_id: str) -> str:
    scope = SCOPES.get(key_id.partition("_")[0])
    if scope is None:
        raise VendorError(401, "Unauthorized")
    return scope


def _count(world: ZendeskWorld) -> None:
    limit = world.switches.rate_limit_per_minute
    now = time.monotonic()
    world.calls_at[:] = [at for at in world.calls_at if now - at < RATE_WINDOW_SECONDS]
    if limit is not None and len(world.calls_at) >= limit:
        retry_after = world.switches.rate_limit_retry_after
        raise VendorError(429, "Too many requests", retry_after=retry_after)
    world.calls_at.append(now)


Answer = Mapping[str, Any] | Response


def created(answer: Mapping[str, Any]) -> Response:
    """Answer with something new."""
    return AsciiJSONResponse(answer, status_code=201)


class Endpoints:
    """What all groups of endpoints share; every refusal is a VendorError."""

    def __init__(self, simulator: Simulator, world: ZendeskWorld) -> None:
        self._simulator = simulator
        self._world = world

    def _caller(self, request: Request, scope: str = "integration") -> Caller:
        caller = self._authenticated(request)
        if request.path_params.get("app_id") != self._world.switches.app_id:
            raise VendorError(404, "App not found", code="app_not_found")
        if not caller.may(scope):
            raise VendorError(403, "Forbidden")
        return caller

    def _authenticated(self, request: Request) -> Caller:
        """Return who calls; asked twice about one request, it counts once."""
        known: Caller | None = getattr(request.state, "caller", None)
        if known is None:
            authorization = request.headers.get("authorization", "")
            known = request.state.caller = authenticate(self._world, authorization)
        return known

    def _conversation(self, request: Request) -> Conversation:
        self._caller(request)
        found = self._world.conversations.get(request.path_params["conversation_id"])
        if found is None:
            raise VendorError(404, "Conversation not found", code="conversation_not_found")
        return found

    def _user(self, request: Request) -> User:
        self._caller(request)
        found = self._world.find_user(request.path_params["user_id"])
        if found is None:
            raise VendorError(404, "User not found", code="user_not_found")
        return found

    def _body(self, request: Request, *, is_needed: bool = True) -> Any:
        self._caller(request)
        raw = request.state.raw
        if not raw and not is_needed:
            return {}
        if len(raw) > BODY_BYTES:
            raise VendorError(413, "The body must not exceed 100 kB")
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise VendorError(415, "Content-Type must be application/json")
        try:
            return json.loads(raw)
        except ValueError as error:
            raise VendorError(400, "The body is not JSON") from error

    def _list(self, request: Request, name: str, items: list[dict[str, Any]]) -> Mapping[str, Any]:
        page, has_more = _page(items, request.query_params)
        url = str(request.url.replace(query=""))
        return list_answer(name, page, url=url, has_more=has_more)


def _page(
    items: list[dict[str, Any]], query: Mapping[str, str]
) -> tuple[list[dict[str, Any]], bool]:
    size_text = query.get("page[size]") or str(PAGE_SIZE)
    if not size_text.isdigit() or not 1 <= int(size_text) <= MAX_PAGE_SIZE:
        raise VendorError(400, f"page[size] must be 1 to {MAX_PAGE_SIZE}")
    before, after = query.get("page[before]"), query.get("page[after]")
    if before and after:
        raise VendorError(400, "page[before] and page[after] exclude each other")
    ids = [one["id"] for one in items]
    cursor = before or after
    if cursor and cursor not in ids:
        raise VendorError(400, "The cursor is not known")
    size = int(size_text)
    if before:
        end = ids.index(before)
        return items[max(0, end - size) : end], end > size
    start = ids.index(after) + 1 if after else 0
    return items[start : start + size], start + size < len(items)
