"""The simulated hosts in one: how a request is read, and which function answers it.

Imitates developer.genesys.cloud; the operations and their permissions are those of the SDK's docs.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from integrations.simulators.answers import AsciiJSONResponse
from integrations.vendors.genesys.simulator.checks import (
    CORRELATION_HEADER,
    MALFORMED,
    Body,
    VendorError,
    answer_refusal,
    error_answer,
)
from integrations.vendors.genesys.simulator.state import AccessToken, Conversation, Integration

if TYPE_CHECKING:
    from integrations.simulators.simulator import Simulator
    from integrations.vendors.genesys.simulator.world import Org

READING = ("GET", "HEAD")
T = TypeVar("T")
Change = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, with what every operation asks of it; a refusal is a VendorError."""

    org: Org
    # For what is to be done later.
    change: Change
    request: Request
    content: bytes
    token: AccessToken | None = None

    @property
    def client_id(self) -> str:
        """Return the OAuth client that calls."""
        return self.token.client_id if self.token else ""

    @property
    def json(self) -> Any:
        """Return the body, whatever JSON it is."""
        header = self.request.headers.get("content-type", "")
        if header.split(";")[0].strip() != "application/json":
            raise VendorError(415, "Unsupported media type.")
        try:
            return json.loads(self.content)
        except (ValueError, RecursionError) as error:
            raise VendorError(400, MALFORMED) from error

    @property
    def body(self) -> Body:
        """Return the body, an object."""
        found = self.json
        if not isinstance(found, dict):
            raise VendorError(400, MALFORMED)
        return found

    def named(self, name: str) -> str:
        """Return a part of the path."""
        return str(self.request.path_params[name])

    def query(self, name: str, default: str = "") -> str:
        """Return a parameter of the address."""
        return self.request.query_params.get(name, default)

    def integration(self, integration_id: str | None = None) -> Integration:
        """Return the integration that the path names, or this one."""
        found = self.org.integration(integration_id or self.named("integration_id"))
        return known(found, "integration")

    def conversation(self) -> Conversation:
        """Return the conversation that the path names."""
        return known(self.org.conversations.get(self.named("conversation_id")), "conversation")

    def listing(self, entities: list[Any]) -> dict[str, Any]:
        """Return one page of entities in the vendor's envelope."""
        size, number = self._number("pageSize", "25"), self._number("pageNumber", "1")
        last = max(1, -(-len(entities) // size))
        pages = {"firstUri": 1, "selfUri": number, "lastUri": last}
        pages |= {"nextUri": number + 1} if number < last else {}
        pages |= {"previousUri": number - 1} if number > 1 else {}
        path = self.request.url.path
        return {
            "entities": entities[(number - 1) * size : number * size],
            "pageSize": size,
            "pageNumber": number,
            "total": len(entities),
            "pageCount": last,
            **{k: f"{path}?pageSize={size}&pageNumber={page}" for k, page in pages.items()},
        }

    def _number(self, name: str, default: str) -> int:
        given = self.query(name, default)
        if re.fullmatch("[1-9][0-9]{0,8}", given) is None:
            raise VendorError(400, MALFORMED, field=name)
        return int(given)


# Returns a body, a whole response, or nothing.
Answerer = Callable[[Call], object]
A = TypeVar("A", bound=Answerer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the API; any one of its permissions is enough, none means none."""

    method: str
    path: str
    answerer: Answerer
    permissions: tuple[str, ...] = ()
    status: int = 200
    needs_token: bool = True

    def route(self, simulator: Simulator, org: Org) -> BaseRoute:
        """Return where it is answered."""

        async def endpoint(request: Request) -> Response:
            content = await request.body()
            token = _authorised(org, request, self.permissions) if self.needs_token else None
            call = Call(
                org=org, change=simulator.change, request=request, content=content, token=token
            )
            with simulator.lock if self.method in READING else simulator.change():
                answer = _answer(self.answerer(call), self.status)
            answer.headers.setdefault(CORRELATION_HEADER, str(uuid.uuid4()))
            return answer

        return Route(self.path, endpoint, methods=[self.method])


class Operations(list[Operation]):
    """A group of operations, each with the function that answers it."""

    def __call__(self, method: str, path: str, *permissions: str, **more: Any) -> Callable[[A], A]:
        """Have a function answer an operation; `more` are fields of Operation."""

        def keep(answerer: A) -> A:
            made = Operation(
                method=method, path=path, answerer=answerer, permissions=permissions, **more
            )
            self.append(made)
            return answerer

        return keep


def genesys_app(
    simulator: Simulator, org: Org, operations: Iterable[Operation], sockets: Iterable[BaseRoute]
) -> ASGIApp:
    """Return the ASGI application that speaks the contract for one org."""
    return Starlette(
        routes=[*(one.route(simulator, org) for one in operations), *sockets],
        exception_handlers={VendorError: answer_refusal, HTTPException: _answer_http_error},
    )


def known(found: T | None, kind: str) -> T:
    """Return what was found; refuses what is not there."""
    if found is None:
        raise VendorError(404, f"The requested {kind} was not found.")
    return found


def _authorised(org: Org, request: Request, permissions: tuple[str, ...]) -> AccessToken:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    token = org.tokens.find(value.strip()) if scheme.lower() == "bearer" else None
    if token is None:
        raise VendorError(401, "Invalid login credentials.")
    limit = org.switches.rate_limit_per_minute
    if wait := org.tokens.seconds_to_wait(token.client_id, limit=limit):
        told = org.switches.wait_told
        raise VendorError(429, "", retry_after=wait, limit=limit, told=told)
    if permissions and not set(permissions) & set(org.switches.permissions):
        names = ", ".join(permissions)
        text = "Unable to perform the requested action. You are missing the following permission(s)"
        raise VendorError(403, f"{text}: {names}", messageParams={"permissions": names})
    return token


def _answer(found: object, status: int) -> Response:
    if isinstance(found, Response):
        return found
    if found is None:
        return Response(status_code=status)
    return AsciiJSONResponse(found, status_code=status)


async def _answer_http_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return error_answer(error.status_code, error.detail)
