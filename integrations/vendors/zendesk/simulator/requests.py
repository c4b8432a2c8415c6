"""How the simulated Conversations API reads a request: who asks, about what, with which body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from starlette.requests import Request

from integrations.simulators.simulator import Simulator
from integrations.vendors.zendesk.simulator.answers import list_answer
from integrations.vendors.zendesk.simulator.auth import Caller, authenticate
from integrations.vendors.zendesk.simulator.checks import BODY_BYTES, VendorError
from integrations.vendors.zendesk.simulator.state import Conversation, User
from integrations.vendors.zendesk.simulator.world import World

T = TypeVar("T")
PAGE_SIZE = 25
MAX_PAGE_SIZE = 100


class Endpoints:
    """What all groups of endpoints share; every refusal is a VendorError."""

    def __init__(self, simulator: Simulator, world: World) -> None:
        self._simulator = simulator
        self._world = world
        self._account = world.account

    def _caller(self, request: Request, scope: str = "integration") -> Caller:
        caller = self._authenticated(request)
        if request.path_params.get("app_id") != self._account.switches.app_id:
            raise VendorError(404, "App not found", code="app_not_found")
        if not caller.may(scope):
            raise VendorError(403, "Forbidden")
        return caller

    def _authenticated(self, request: Request) -> Caller:
        """Return who calls; asked twice about one request, it counts once."""
        known: Caller | None = getattr(request.state, "caller", None)
        if known is None:
            authorization = request.headers.get("authorization", "")
            known = request.state.caller = authenticate(self._account, authorization)
        return known

    def _conversation(self, request: Request) -> Conversation:
        self._caller(request)
        found = self._account.conversations.get(request.path_params["conversation_id"])
        if found is None:
            raise VendorError(404, "Conversation not found", code="conversation_not_found")
        return found

    def _user(self, request: Request) -> User:
        self._caller(request)
        found = self._account.find_user(request.path_params["user_id"])
        if found is None:
            raise VendorError(404, "User not found", code="user_not_found")
        return found

    async def _body(self, request: Request, *, is_needed: bool = True) -> Any:
        self._caller(request)
        raw = await request.body()
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
