"""How the simulated APIs read a request and answer: who asks, about what, with which body.

Imitates the official OpenAPI file of Sunshine Conversations (github.com/zendesk/
sunshine-conversations-api-spec): Basic and JWT keys with their scopes, and lists in pages.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from integrations.simulators.answers import AsciiJSONResponse, endpoints_of
from integrations.simulators.simulator import Simulator
from integrations.vendors.zendesk.simulator.checks import BODY_BYTES, Check, VendorError, require
from integrations.vendors.zendesk.simulator.records import Conversation
from integrations.vendors.zendesk.simulator.world import ZendeskWorld

APP = "/sc/v2/apps/{app_id}"
PAGE_SIZE = 25
MAX_PAGE_SIZE = 100
# Key prefix -> scope; a service account may what an account key may.
SCOPES = {"int": "integration", "app": "app", "act": "account", "svc": "account"}
SCOPE_ORDER = ("integration", "app", "account")
RATE_WINDOW_SECONDS = 60.0

Answer = Mapping[str, Any] | Response
Listed = list[dict[str, Any]]


def zendesk_app(
    simulator: Simulator, world: ZendeskWorld, groups: Iterable[type[Endpoints]]
) -> Starlette:
    """Return the ASGI application that speaks the contract for one world."""
    return Starlette(
        routes=[
            Route(world.path_prefix + path, _answering(simulator, found), methods=[method])
            for group in groups
            for method, path, found in endpoints_of(group(simulator, world))
        ],
        exception_handlers={VendorError: _answer_refusal, HTTPException: _answer_http_error},
    )


def _answering(
    simulator: Simulator, answers: Callable[[Request], Any]
) -> Callable[[Request], Coroutine[Any, Any, Response]]:
    """Read the body first; the endpoint then has the account to itself.

    One that reads a form has to wait for its pieces, so it takes the account by itself.
    """

    async def answer(request: Request) -> Response:
        request.state.raw = await request.body()
        with simulator.change():
            found = answers(request)
        if isinstance(found, Coroutine):
            found = await found
        return found if isinstance(found, Response) else AsciiJSONResponse(found)

    return answer


async def _answer_refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, VendorError)
    return error.response()


async def _answer_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return VendorError(error.status_code, error.detail).response()


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
    key_id = readers.get(scheme.lower(), lambda _world, _given: "")(world, given.strip())
    scope = SCOPES.get(key_id.partition("_")[0])
    if scope is None or world.switches.are_keys_revoked:
        raise VendorError(401, "Unauthorized")
    _count(world)
    return Caller(key_id=key_id, scope=scope)


def _from_basic(world: ZendeskWorld, given: str) -> str:
    try:
        key_id, _, secret = base64.b64decode(given, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return ""
    known = world.switches.keys.get(key_id)
    is_right = known is not None and secrets.compare_digest(known.encode(), secret.encode())
    return key_id if is_right else ""


def _from_jwt(world: ZendeskWorld, given: str) -> str:
    try:
        key_id = str(jwt.get_unverified_header(given).get("kid"))
        claims = jwt.decode(given, world.switches.keys[key_id], algorithms=["HS256"])
    except (jwt.InvalidTokenError, KeyError):
        return ""
    # A token of scope user is refused, and a key signs for its own scope only.
    return key_id if claims.get("scope") == SCOPES.get(key_id.partition("_")[0]) else ""


def _count(world: ZendeskWorld) -> None:
    limit = world.switches.rate_limit_per_minute
    now = time.monotonic()
    world.calls_at[:] = [at for at in world.calls_at if now - at < RATE_WINDOW_SECONDS]
    if limit is not None and len(world.calls_at) >= limit:
        retry_after = world.switches.rate_limit_retry_after
        raise VendorError(429, "Too many requests", retry_after=retry_after)
    world.calls_at.append(now)


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

    def _body(self, request: Request, check: Check, *, is_needed: bool = True) -> dict[str, Any]:
        """Return the checked body; where none is needed it may be missing."""
        self._caller(request)
        body = self._parsed(request) if request.state.raw or is_needed else {}
        require(check, body)
        return body

    def _parsed(self, request: Request) -> Any:
        raw = request.state.raw
        if len(raw) > BODY_BYTES:
            raise VendorError(413, "The body must not exceed 100 kB")
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise VendorError(415, "Content-Type must be application/json")
        try:
            return json.loads(raw)
        except ValueError as error:
            raise VendorError(400, "The body is not JSON") from error

    def _list(
        self, request: Request, name: str, items: Listed, *, size: int = 0
    ) -> Mapping[str, Any]:
        """Answer with a page of a list; with a fixed `size` the newest page comes first."""
        query = request.query_params
        page, has_more = _page(items, query, size or _page_size(query), is_newest=bool(size))
        answer: dict[str, Any] = {name: page, "meta": {"hasMore": has_more}, "links": {}}
        if page:
            first, last, url = page[0]["id"], page[-1]["id"], str(request.url.replace(query=""))
            answer["meta"] |= {"afterCursor": last, "beforeCursor": first}
            answer["links"] = {
                "prev": f"{url}?page[before]={first}",
                "next": f"{url}?page[after]={last}",
            }
        return answer


def _page_size(query: Mapping[str, str]) -> int:
    size = query.get("page[size]") or str(PAGE_SIZE)
    if not size.isdigit() or not 1 <= int(size) <= MAX_PAGE_SIZE:
        raise VendorError(400, f"page[size] must be 1 to {MAX_PAGE_SIZE}")
    return int(size)


def _page(
    items: Listed, query: Mapping[str, str], size: int, *, is_newest: bool
) -> tuple[Listed, bool]:
    before, after = query.get("page[before]"), query.get("page[after]")
    if before and after:
        raise VendorError(400, "page[before] and page[after] exclude each other")
    ids = [one["id"] for one in items]
    if (before or after) and (before or after) not in ids:
        raise VendorError(400, "The cursor is not known")
    if before or (is_newest and not after):
        end = ids.index(before) if before else len(ids)
        return items[max(0, end - size) : end], end > size
    start = ids.index(after) + 1 if after else 0
    return items[start : start + size], start + size < len(items)
