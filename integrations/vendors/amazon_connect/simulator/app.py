"""Every path of the simulated services: one server stands for them all, the path decides.

Imitates the rest-json protocol of docs.aws.amazon.com/connect/latest/APIReference, the query
protocol of STS, the object storage behind attachments, and the frames that the vendor's own browser
client exchanges with the participant WebSocket.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from botocore.model import OperationModel  # type: ignore[import-untyped]
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from integrations.simulators.simulator import Simulator
from integrations.vendors.amazon_connect.simulator.connect import CONNECT
from integrations.vendors.amazon_connect.simulator.customer import (
    PARTICIPANT,
    authorized,
    start_chat_contact,
)
from integrations.vendors.amazon_connect.simulator.files import STORAGE_PATH, FileEndpoints
from integrations.vendors.amazon_connect.simulator.identity import SOCKET_PATH, answer_sts
from integrations.vendors.amazon_connect.simulator.protocol import (
    AwsError,
    ModelError,
    SignedRequest,
    check,
    json_answer,
    json_error,
    operation,
)
from integrations.vendors.amazon_connect.simulator.rich import PICTURE_PATH
from integrations.vendors.amazon_connect.simulator.state import forbidden
from integrations.vendors.amazon_connect.simulator.world import (
    Body,
    Instance,
    Socket,
    connect_customer,
    end_overdue,
)

Endpoint = Callable[[Request], Awaitable[Response]]
Call = Callable[[OperationModel, SignedRequest, Body], Body]
CONNECT_SERVICE = {"StartChatContact": start_chat_contact, **CONNECT}
JSON_TYPES = ("application/json", "application/x-amz-json-1.1", "application/x-amz-json-1.0")
# Service -> what it calls a request that is merely wrong, and one that came too fast.
PLAIN_REFUSALS = {"connect": "InvalidRequestException", "connectparticipant": "ValidationException"}
TOO_FAST = {"connect": "TooManyRequestsException", "connectparticipant": "ThrottlingException"}
LONG_SECONDS = 3600.0
TOPICS = {"aws/chat"}


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
        *services.routes("connect", [*CONNECT_SERVICE], services.control),
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
        handler = CONNECT_SERVICE[found.name]
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


# -- The participant WebSocket: handshake, subscription, heartbeats, frames out ------------------


def socket_endpoint(
    simulator: Simulator, instance: Instance
) -> Callable[[WebSocket], Awaitable[None]]:
    """Return the endpoint that serves one participant's socket."""

    async def serve(websocket: WebSocket) -> None:
        grant = instance.tokens.good("socket", websocket.query_params.get("X-Amz-Signature", ""))
        if grant is None or instance.conversations[grant.chat_id].has_ended:
            await _refuse(websocket)
            return
        socket = Socket(chat_id=grant.chat_id, participant_id=grant.participant_id)
        if not instance.sockets.add(socket):
            await _refuse(websocket)
            return
        try:
            await websocket.accept()
            await _run(_Session(simulator, instance, websocket, socket))
        finally:
            instance.sockets.remove(socket)

    return serve


async def _refuse(websocket: WebSocket) -> None:
    await websocket.send_denial_response(PlainTextResponse("Forbidden", status_code=403))


async def _run(session: _Session) -> None:
    reader = asyncio.ensure_future(session.read())
    writer = asyncio.ensure_future(session.write())
    try:
        await asyncio.wait({reader, writer}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (reader, writer):
            task.cancel()
        await asyncio.gather(reader, writer, return_exceptions=True)


class _Session:
    """One open socket: reads the client's frames and writes ours."""

    def __init__(
        self, simulator: Simulator, instance: Instance, websocket: WebSocket, socket: Socket
    ) -> None:
        self._simulator = simulator
        self._instance = instance
        self._websocket = websocket
        self._socket = socket
        self._opened_at = time.monotonic()

    async def read(self) -> None:
        """Answer frames until the client goes."""
        try:
            while True:
                frame = await self._websocket.receive_text()
                with self._simulator.change():
                    self._take(frame)
        except (WebSocketDisconnect, KeyError):
            # KeyError: a binary frame; the service speaks text only.
            return

    async def write(self) -> None:
        """Send what is in the outbox until the socket is to be closed."""
        socket = self._socket
        while socket.close_code is None:
            socket.wake.clear()
            wait = self._silence()
            if wait <= 0:
                while socket.outbox and socket.close_code is None:
                    await self._websocket.send_text(socket.outbox.pop(0))
            left = self._left()
            if left is not None and left <= 0:
                socket.close_with()
                continue
            waits = [seconds for seconds in (wait if wait > 0 else None, left) if seconds]
            await socket.rest(min(waits, default=LONG_SECONDS))
        await self._websocket.close(socket.close_code)

    def _silence(self) -> float:
        return self._socket.stalled_until - time.monotonic()

    def _left(self) -> float | None:
        lifetime = self._instance.switches.socket_lifetime_seconds
        return self._opened_at + lifetime - time.monotonic() if lifetime else None

    def _take(self, text: str) -> None:
        end_overdue(self._instance)
        frame = _parsed(text)
        topic = frame.get("topic")
        if topic == "aws/subscribe":
            self._subscribe(frame.get("content"))
        elif topic == "aws/unsubscribe":
            self._socket.topics -= set(_topics(frame.get("content")))
        elif topic == "aws/heartbeat":
            if self._instance.switches.answer_heartbeats:
                self._answer({"topic": "aws/heartbeat"})
        elif topic == "aws/ping":
            self._answer_ping()
        else:
            self._answer(forbidden())

    def _answer_ping(self) -> None:
        if not self._instance.switches.answer_heartbeats:
            return
        status = self._instance.switches.deep_heartbeat_status
        text = "OK" if status == 200 else "Internal Server Error"
        self._answer({"topic": "aws/ping", "statusCode": status, "statusContent": text})

    def _subscribe(self, content: Any) -> None:
        topics = _topics(content)
        switches = self._instance.switches
        is_good = bool(topics) and set(topics) <= TOPICS
        if switches.failing_subscriptions:
            switches.failing_subscriptions -= 1
            is_good = False
        status = "success" if is_good else "failure"
        self._answer({"topic": "aws/subscribe", "content": {"status": status, "topics": topics}})
        if is_good:
            self._socket.topics |= set(topics)
            connect_customer(self._instance, self._instance.conversations[self._socket.chat_id])

    def _answer(self, frame: dict[str, Any]) -> None:
        self._socket.send(json.dumps(frame))


def _parsed(text: str) -> dict[str, Any]:
    try:
        frame = json.loads(text)
    except (ValueError, TypeError):
        return {}
    return frame if isinstance(frame, dict) else {}


def _topics(content: Any) -> list[str]:
    topics = content.get("topics") if isinstance(content, dict) else None
    if not isinstance(topics, list):
        return []
    return [topic for topic in topics if isinstance(topic, str)]
