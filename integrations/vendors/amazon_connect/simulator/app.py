"""Every HTTP path of the simulated services: one server stands for them all, the path decides.

Imitates the rest-json protocol of docs.aws.amazon.com/connect/latest/APIReference, the query
protocol of STS, and the object storage behind attachments.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from botocore.model import OperationModel  # type: ignore[import-untyped]
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from integrations.simulators.simulator import Simulator
from integrations.vendors.amazon_connect.simulator.control import CONTROL
from integrations.vendors.amazon_connect.simulator.directory import DIRECTORY
from integrations.vendors.amazon_connect.simulator.files import STORAGE_PATH, FileEndpoints
from integrations.vendors.amazon_connect.simulator.identity import SOCKET_PATH, SignedRequest
from integrations.vendors.amazon_connect.simulator.participant import PARTICIPANT, authorized
from integrations.vendors.amazon_connect.simulator.protocol import (
    AwsError,
    ModelError,
    check,
    json_answer,
    json_error,
    operation,
)
from integrations.vendors.amazon_connect.simulator.rich import PICTURE_PATH
from integrations.vendors.amazon_connect.simulator.socket import socket_endpoint
from integrations.vendors.amazon_connect.simulator.sts import answer_sts
from integrations.vendors.amazon_connect.simulator.world import Body, Instance, end_overdue

Endpoint = Callable[[Request], Awaitable[Response]]
Call = Callable[[OperationModel, SignedRequest, Body], Body]
JSON_TYPES = ("application/json", "application/x-amz-json-1.1", "application/x-amz-json-1.0")
# Service -> what it calls a request that is merely wrong, and one that came too fast.
PLAIN_REFUSALS = {"connect": "InvalidRequestException", "connectparticipant": "ValidationException"}
TOO_FAST = {"connect": "TooManyRequestsException", "connectparticipant": "ThrottlingException"}


def aws_app(simulator: Simulator, instance: Instance) -> Starlette:
    """Return the application that speaks the contract for one account and instance."""
    services = _Services(simulator, instance)
    files = FileEndpoints(simulator, instance)
    routes: list[BaseRoute] = [
        Route("/", services.security_tokens, methods=["POST"]),
        WebSocketRoute(SOCKET_PATH, socket_endpoint(simulator, instance)),
        Route(STORAGE_PATH, files.store, methods=["PUT"]),
        Route(STORAGE_PATH, files.fetch, methods=["GET"]),
        Route(PICTURE_PATH, files.picture, methods=["GET"]),
        *services.routes("connect", [*CONTROL, *DIRECTORY], services.control),
        *services.routes("connectparticipant", [*PARTICIPANT], services.participant),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _unknown_operation})
    app.router.redirect_slashes = False
    return app


class _Services:
    """Reads, checks and answers the calls of the three services."""

    def __init__(self, simulator: Simulator, instance: Instance) -> None:
        self._simulator = simulator
        self._instance = instance

    def routes(self, service: str, names: list[str], call: Call) -> list[BaseRoute]:
        """Return a route for each operation, at the path its model gives."""
        found = [operation(service, name) for name in names]
        return [
            Route(o.http["requestUri"], self._endpoint(o, call), methods=[o.http["method"]])
            for o in found
        ]

    async def security_tokens(self, request: Request) -> Response:
        """Answer a call of STS."""
        signed = await _signed(request)
        with self._simulator.change():
            return answer_sts(self._instance, signed, time.time())

    def control(self, found: OperationModel, signed: SignedRequest, given: Body) -> Body:
        """Answer a signed call of the connect service."""
        instance = self._instance
        caller = instance.identities.caller(signed, "connect", time.time())
        self._limit(found)
        check(found.input_shape, given)
        arn = instance.switches.instance_arn
        instance.identities.check_may(caller, f"connect:{found.name}", arn)
        is_here = caller.region == instance.switches.region
        if given["InstanceId"] != instance.switches.instance_id or not is_here:
            raise AwsError(
                "ResourceNotFoundException", f"The instance does not exist in {caller.region}."
            )
        handler = {**CONTROL, **DIRECTORY}[found.name]
        return handler(instance, given)

    def participant(self, found: OperationModel, signed: SignedRequest, given: Body) -> Body:
        """Answer a call of the participant service; only the bearer counts."""
        instance = self._instance
        bearer = signed.headers.get("x-amz-bearer", "")
        chat = authorized(instance, found.name, bearer)
        self._limit(found)
        is_first = found.name == "CreateParticipantConnection"
        member = "ParticipantToken" if is_first else "ConnectionToken"
        check(found.input_shape, {**given, member: bearer})
        return PARTICIPANT[found.name](instance, chat, given)

    def _limit(self, found: OperationModel) -> None:
        instance = self._instance
        if instance.switches.enforce_rate_limits and not instance.limits.takes(found.name):
            raise AwsError(TOO_FAST[_service(found)], "Rate exceeded")

    def _endpoint(self, found: OperationModel, call: Call) -> Endpoint:
        async def answer(request: Request) -> Response:
            signed = await _signed(request)
            try:
                given = _given(found, request, signed.body)
                with self._simulator.change():
                    end_overdue(self._instance)
                    return json_answer(call(found, signed, given))
            except AwsError as error:
                name = error.name or PLAIN_REFUSALS[_service(found)]
                return json_error(name, error.message, error.status_in(found))
            except ModelError as error:
                return json_error(PLAIN_REFUSALS[_service(found)], str(error), 400)

        return answer


def _service(found: OperationModel) -> str:
    return str(found.service_model.service_name)


async def _signed(request: Request) -> SignedRequest:
    raw_path: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return SignedRequest(
        method=request.method,
        raw_path=raw_path.decode("ascii"),
        query=request.scope["query_string"].decode("ascii"),
        headers=dict(request.headers),
        body=await request.body(),
    )


def _given(found: OperationModel, request: Request, body: bytes) -> Body:
    """Return a request's members from wherever the model places them."""
    given: dict[str, Any] = _json_members(request, body)
    for name, member in found.input_shape.members.items():
        location, placed = member.serialization.get("location"), member.serialization.get("name")
        if location is None:
            continue
        given.pop(name, None)
        if location == "uri":
            given[name] = request.path_params[placed]
        elif location == "querystring" and placed in request.query_params:
            given[name] = _query_value(member.type_name, request.query_params.getlist(placed))
    return given


def _json_members(request: Request, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    content_type = request.headers.get("content-type", "").partition(";")[0].strip()
    if content_type not in JSON_TYPES:
        raise AwsError("UnsupportedMediaTypeException", "The body must be application/json.")
    try:
        given = json.loads(body)
    except ValueError as error:
        raise AwsError("SerializationException", "The body is not JSON.") from error
    if not isinstance(given, dict):
        raise AwsError("SerializationException", "The body is not a JSON object.")
    return {name: value for name, value in given.items() if value is not None}


def _query_value(kind: str, values: list[str]) -> Any:
    if kind == "list":
        return values
    return int(values[0]) if kind == "integer" and values[0].isdigit() else values[0]


async def _unknown_operation(request: Request, error: Exception) -> Response:
    return json_error("UnknownOperationException", "There is no such operation.", 404)
