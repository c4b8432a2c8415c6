"""How the simulated API reads a request: whose token, which permission, which body."""

from __future__ import annotations

import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from integrations.simulators.answers import AsciiJSONResponse
from integrations.simulators.simulator import Simulator
from integrations.vendors.genesys.simulator.checks import MALFORMED, Body, VendorError
from integrations.vendors.genesys.simulator.state import AccessToken, Conversation, Integration
from integrations.vendors.genesys.simulator.world import Org


class Endpoints:
    """What all groups of endpoints share; every refusal is a VendorError."""

    def __init__(self, simulator: Simulator, org: Org) -> None:
        self._simulator = simulator
        self._org = org

    def _authorise(self, request: Request, *permissions: str) -> AccessToken:
        """Return the caller's token; any one of the permissions is enough, none means none."""
        scheme, _, value = request.headers.get("authorization", "").partition(" ")
        token = self._org.tokens.find(value.strip()) if scheme.lower() == "bearer" else None
        if token is None:
            raise VendorError(401, "Invalid login credentials.")
        limit = self._org.switches.rate_limit_per_minute
        wait = self._org.tokens.seconds_to_wait(token.client_id, limit=limit)
        if wait:
            raise VendorError(429, "", retry_after=wait, limit=limit)
        if permissions and not set(permissions) & set(self._org.switches.permissions):
            raise VendorError(
                403,
                "Unable to perform the requested action. You are missing the following "
                f"permission(s): {', '.join(permissions)}",
                messageParams={"permissions": ", ".join(permissions)},
            )
        return token

    async def _json(self, request: Request) -> Any:
        if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
            raise VendorError(415, "Unsupported media type.")
        try:
            return json.loads(await request.body())
        except (ValueError, RecursionError) as error:
            raise VendorError(400, MALFORMED) from error

    async def _body(self, request: Request) -> Body:
        found = await self._json(request)
        if not isinstance(found, dict):
            raise VendorError(400, MALFORMED)
        return found

    def _integration(self, integration_id: str) -> Integration:
        found = self._org.integration(integration_id)
        if found is None:
            raise VendorError(404, "The requested integration was not found.")
        return found

    def _conversation(self, request: Request) -> Conversation:
        found = self._org.conversations.get(request.path_params["conversation_id"])
        if found is None:
            raise VendorError(404, "The requested conversation was not found.")
        return found


def accepted(body: object, status: int = 202) -> Response:
    """Return an answer with a body."""
    return AsciiJSONResponse(body, status_code=status)


def listing(entities: list[Any], request: Request) -> Response:
    """Return one page of entities in the vendor's envelope."""
    size = _number(request, "pageSize", 25)
    number = _number(request, "pageNumber", 1)
    pages = max(1, -(-len(entities) // size))
    path = request.url.path

    def uri(page: int) -> str:
        return f"{path}?pageSize={size}&pageNumber={page}"

    body: dict[str, Any] = {
        "entities": entities[(number - 1) * size : number * size],
        "pageSize": size,
        "pageNumber": number,
        "total": len(entities),
        "pageCount": pages,
        "firstUri": uri(1),
        "selfUri": uri(number),
        "lastUri": uri(pages),
    }
    if number < pages:
        body["nextUri"] = uri(number + 1)
    if number > 1:
        body["previousUri"] = uri(number - 1)
    return AsciiJSONResponse(body)


def _number(request: Request, name: str, default: int) -> int:
    given = request.query_params.get(name, str(default))
    if re.fullmatch("[1-9][0-9]{0,8}", given) is None:
        raise VendorError(400, MALFORMED, field=name)
    return int(given)
