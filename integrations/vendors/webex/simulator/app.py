"""The calls of Webex Contact Center and of its token host; written from the contract alone."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.contract.errors import ConnectorError
from integrations.http.client import HttpClient
from integrations.simulators.records import file_of
from integrations.vendors.webex.simulator.agents import ci_id_of, id_of
from integrations.vendors.webex.simulator.checks import (
    RefusedError,
    check_append,
    check_create,
    check_subscription,
    refusal,
    webex_refusal,
)
from integrations.vendors.webex.simulator.outbox import Subscription, now_ms
from integrations.vendors.webex.simulator.world import (
    DEFAULT_QUEUE,
    EVENTS,
    ORG_ID,
    Task,
    WebexWorld,
)

if TYPE_CHECKING:
    from integrations.vendors.webex.simulator.simulator import WebexSimulator

TOKEN_PATH = "/v1/access_token"  # noqa: S105 - a path
MAX_SUBSCRIPTIONS = 20
_META = {"orgId": ORG_ID}


def webex_app(simulator: WebexSimulator) -> Starlette:
    """Return the application that speaks the contract."""
    calls = Endpoints(simulator)
    people = "/organization/{org_id}/user"
    return Starlette(
        routes=[
            Route(TOKEN_PATH, calls.access_token, methods=["POST"]),
            Route("/v2/tasks", calls.create, methods=["POST"]),
            Route("/v2/tasks/{task_id}/messages", calls.append, methods=["POST"]),
            Route("/v1/tasks/{task_id}/end", calls.end, methods=["POST"]),
            Route("/v1/tasks", calls.tasks, methods=["GET"]),
            Route("/v2/event-types", calls.event_types, methods=["GET"]),
            Route("/v2/subscriptions", calls.subscriptions, methods=["GET"]),
            Route("/v2/subscriptions", calls.subscribe, methods=["POST"]),
            Route("/v2/subscriptions/{id}", calls.change, methods=["PATCH"]),
            Route("/v2/subscriptions/{id}", calls.unsubscribe, methods=["DELETE"]),
            Route(f"{people}/by-ci-user-id/{{id}}", calls.ci_user, methods=["GET"]),
            Route(f"{people}/{{id}}", calls.user, methods=["GET"]),
            Route("/att/{file_id}", calls.file, methods=["GET"]),
        ],
        exception_handlers={RefusedError: _refuse, HTTPException: _no_such_call},
    )


async def _refuse(request: Request, error: Exception) -> Response:
    assert isinstance(error, RefusedError)
    # The key is a number in the published schemas of subscriptions, and a text in all others.
    is_number = request.url.path.startswith(("/v2/subscriptions", "/v2/event-types"))
    return refusal(error.status, error.description, error.retry_after, is_key_number=is_number)


async def _no_such_call(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refusal(error.status_code, "There is no such call.")


class Endpoints:
    """Answers the portal's calls."""

    def __init__(self, simulator: WebexSimulator) -> None:
        self._simulator = simulator
        self._world: WebexWorld = simulator.world

    # -- Tokens --------------------------------------------------------------------------------

    async def access_token(self, request: Request) -> Response:
        """Give a new pair for a refresh token, which is then worthless where tokens rotate."""
        if not request.headers.get("Content-Type", "").startswith(
            "application/x-www-form-urlencoded"
        ):
            return webex_refusal(400, "The content type is not of a form.")
        form = {
            name: values[0] for name, values in parse_qs((await request.body()).decode()).items()
        }
        switches = self._world.switches
        with self._simulator.change():
            if form.get("grant_type") != "refresh_token":
                return webex_refusal(400, "grant_type is unknown.")
            wanted = (switches.client_id, switches.client_secret)
            if (form.get("client_id"), form.get("client_secret")) != wanted:
                return webex_refusal(401, "The client is unknown.")
            if form.get("refresh_token") != self._world.refresh_token:
                return webex_refusal(400, "The refresh token is invalid or expired.")
            return JSONResponse(self._world.issue_tokens())

    # -- Tasks ---------------------------------------------------------------------------------

    async def create(self, request: Request) -> Response:
        """Accept a task; whether it comes to be is told by an event."""
        self._admit(request, "cjp:task_write")
        body = await _body(request)
        check_create(body, self._world.switches)
        if not self._world.switches.is_feature_enabled:
            raise RefusedError(403, "The feature wxcc_digital_byoc is not enabled.")
        task_id = str(uuid.uuid4())
        with self._simulator.change():
            self._create(task_id, body)
        return JSONResponse({"meta": _META, "data": {"id": task_id}}, status_code=201)

    def _create(self, task_id: str, body: dict[str, Any]) -> None:
        world, message = self._world, body["channelParams"]["message"]
        reason, sentence = self._failure(body)
        if reason:
            world.tell_failed(task_id, body["origin"]["id"], reason, sentence)
            return
        variables = dict(body.get("globalVariables", {}))
        task = Task(
            task_id=task_id,
            origin=body["origin"]["id"],
            name=body["origin"].get("name") or "",
            global_variables=variables,
            queue=variables.get("handoffQueue", DEFAULT_QUEUE),
        )
        world.conversations.add(task)
        world.lifecycle(task, "new")
        world.lifecycle(task, "parked")
        self._said(task, message, body["channelParams"]["type"])

    def _failure(self, body: dict[str, Any]) -> tuple[str, str]:
        world, switches = self._world, self._world.switches
        planned, switches.next_failure = switches.next_failure, ""
        if planned:
            return planned, "The simulator was told to fail."
        if body["destination"]["id"] != switches.business_address:
            return "CHANNEL_ASSET_UNDEFINED", "No asset has this business address."
        if (found := world.open_task(body["origin"]["id"])) is not None:
            sentence = f"A conversation is already open with the task {found.task_id}."
            return "CONVERSATION_ALREADY_OPEN", sentence
        return "", ""

    async def append(self, request: Request) -> Response:
        """Accept a message; what becomes of it is told by an event."""
        self._admit(request, "cjp:task_write")
        body = await _body(request)
        check_append(body)
        task_id, params = request.path_params["task_id"], body["channelParams"]
        with self._simulator.change():
            task = self._world.conversations.get(task_id)
            switches = self._world.switches
            planned, switches.next_append_failure = switches.next_append_failure, ""
            if planned or task is None or task.is_over:
                self._world.tell_not_appended(task_id, planned or "NOT_FOUND")
            else:
                self._said(task, params["message"], params["type"])
        alias = params["message"]["aliasId"]
        event_id = alias if _is_uuid(alias) else str(uuid.uuid4())
        return JSONResponse({"meta": _META, "data": {"id": event_id}}, status_code=202)

    def _said(self, task: Task, message: dict[str, Any], kind: str) -> None:
        """Take a message, once for each alias that is a UUID."""
        world, alias = self._world, message["aliasId"]
        if alias in task.aliases:
            return
        if len(message.get("text", "")) > world.switches.max_text:
            world.tell_not_appended(task.task_id, "INVALID_CONTENT")
            return
        task.aliases.append(alias)
        if not message.get("attachments"):
            world.arrived(task, message, kind, [])
            return
        world.outbox.fetch(task.task_id, lambda client: self._fetch(client, task, message, kind))

    async def _fetch(
        self, client: HttpClient, task: Task, message: dict[str, Any], kind: str
    ) -> None:
        """Fetch the files as Cisco does: the size first; one bad file rejects all."""
        stored = []
        try:
            for one in message["attachments"]:
                url = one["fileUrl"]
                head = await client.request("head", "HEAD", url)
                is_safe = url.startswith("https://") or self._world.switches.allow_insecure
                if not is_safe or not head.headers.get("Content-Length", "").isdigit():
                    raise ValueError(url)
                got = await client.request("get", "GET", url, max_bytes=30_000_000)
                stored.append(
                    file_of(name=one["fileName"], mime_type=one["mimeType"], content=got.body)
                )
        except (ConnectorError, ValueError):
            self._world.tell_not_appended(task.task_id, "INVALID_CONTENT")
            return
        with self._simulator.change():
            kept = [] if self._world.switches.drops_files else stored
            files = [self._world.files.add(one) for one in kept]
            left = message["attachments"] if files else []
            self._world.arrived(task, {**message, "attachments": left}, kind, files)

    async def end(self, request: Request) -> Response:
        """End a task; one that is over is not found."""
        self._admit(request, "cjp:user")
        if await request.body():
            raise RefusedError(400, "The call has no body.")
        task = self._world.conversations.get(request.path_params["task_id"])
        if task is None or task.is_over:
            raise RefusedError(404, "There is no such task.")
        with self._simulator.change():
            self._simulator.agents.close(task, "end_user")
        return Response(status_code=202)

    async def tasks(self, request: Request) -> Response:
        """List tasks by when they were created."""
        self._admit(request, "cjp:task_read")
        query = request.query_params
        if not query.get("from", "").isdigit():
            raise RefusedError(400, "from is mandatory.")
        since, until = int(query["from"]), int(query.get("to", now_ms()))
        size = int(query.get("pageSize", 100))
        if size > 1000 or query.get("channelTypes", "customMessaging") != "customMessaging":
            raise RefusedError(400, "pageSize or channelTypes is wrong.")
        with self._world.lock:
            found = [
                t for t in self._world.conversations.values() if since <= t.created_at <= until
            ]
            data = [self._listed(task) for task in found[:size]]
        return JSONResponse({"meta": _META, "data": data})

    def _listed(self, task: Task) -> dict[str, Any]:
        owner = {"id": id_of(task.owner), "name": task.owner} if task.owner else None
        attributes = {
            "owner": owner,
            "queue": {"id": str(uuid.uuid5(uuid.NAMESPACE_OID, task.queue)), "name": task.queue},
            "channelType": "customMessaging",
            "status": task.status,
            "createdTime": task.created_at,
            "lastUpdatedTime": task.updated_at,
            "captureRequested": False,
            "origin": task.origin,
            "destination": self._world.switches.business_address,
            "direction": "inbound",
        }
        return {"id": task.task_id, "attributes": attributes}

    # -- Subscriptions -------------------------------------------------------------------------

    async def event_types(self, request: Request) -> Response:
        """List the events that can be subscribed to."""
        self._admit(request, "cjp:config_read")
        data = [
            {"name": f"{resource}:{action}", "resource": resource, "action": action}
            for resource, actions in self._world.switches.events.items()
            for action in actions
        ]
        versions = [{"resource": resource, "version": "1.0.0"} for resource in EVENTS]
        return JSONResponse({"data": data, "meta": {**_META, "resourceVersionList": versions}})

    async def subscriptions(self, request: Request) -> Response:
        """List the subscriptions."""
        self._admit(request, "cjp:config_read")
        data = [one.as_data() for one in self._world.subscriptions.values()]
        return JSONResponse({"meta": {**_META, "subscriptionCount": len(data)}, "data": data})

    async def subscribe(self, request: Request) -> Response:
        """Make a subscription."""
        self._admit(request, "cjp:config_write")
        body = await _body(request)
        check_subscription(body, self._world.switches)
        if len(self._world.subscriptions) >= MAX_SUBSCRIPTIONS:
            raise RefusedError(400, "The organization has 20 subscriptions already.")
        given = {name: value for name, value in body.items() if name != "orgId"}
        with self._simulator.change():
            made = self._world.subscriptions.add(
                Subscription(**{"secret": "", **given, "id": str(uuid.uuid4())})
            )
        return JSONResponse({"meta": _META, "data": made.as_data()}, status_code=201)

    async def change(self, request: Request) -> Response:
        """Change a subscription."""
        self._admit(request, "cjp:config_write")
        body = await _body(request)
        check_subscription(body, self._world.switches, is_change=True)
        one = self._subscription(request)
        if body["resourceVersion"] != one.resourceVersion:
            raise RefusedError(400, "resourceVersion is of another resource.")
        with self._simulator.change():
            for name, value in body.items():
                if name != "orgId":
                    setattr(one, name, value)
            one.failures, one.lastUpdatedTime = 0, now_ms()
        return JSONResponse({"meta": _META, "data": one.as_data()})

    async def unsubscribe(self, request: Request) -> Response:
        """Delete a subscription."""
        self._admit(request, "cjp:config_write")
        with self._simulator.change():
            del self._world.subscriptions[self._subscription(request).id]
        return Response(status_code=204)

    def _subscription(self, request: Request) -> Subscription:
        found = self._world.subscriptions.get(request.path_params["id"])
        if found is None:
            raise RefusedError(404, "There is no such subscription.")
        return found

    # -- People ----------------------------------------------------------------------

    async def user(self, request: Request) -> Response:
        """Answer with a person by the contact center's id."""
        return self._person(request, id_of)

    async def ci_user(self, request: Request) -> Response:
        """Answer with a person by the common identity's id."""
        return self._person(request, ci_id_of)

    def _person(self, request: Request, named: Any) -> Response:
        self._admit(request, "cjp:config_read")
        self._own(request)
        known = {name for task in self._world.conversations.values() for name in task.people}
        for name in known:
            if named(name) == request.path_params["id"]:
                first, _, last = name.partition(" ")
                address = f"{first.lower()}@brightside.example"
                return JSONResponse({"firstName": first, "lastName": last, "email": address})
        raise RefusedError(404, "There is no such user.")

    def _own(self, request: Request) -> None:
        if request.path_params["org_id"] != ORG_ID:
            raise RefusedError(404, "There is no such organization.")

    async def file(self, request: Request) -> Response:
        """Give a live agent's file to whoever has its signed address."""
        file_id = request.path_params["file_id"]
        if request.query_params.get("token") != file_id[:8]:
            raise RefusedError(403, "The signature does not fit.")
        return self._simulator.desk_file(file_id)

    def _admit(self, request: Request, scope: str) -> None:
        header = request.headers.get("Authorization", "")
        if not header.startswith("Bearer ") or not header[7:]:
            raise RefusedError(400, "The Authorization header is missing or malformed.")
        if self._world.access_tokens.get(header[7:], 0.0) < time.time():
            raise RefusedError(401, "The token is invalid or expired.")
        if wait := self._world.seconds_to_wait():
            raise RefusedError(429, "There are too many requests.", retry_after=wait)
        if scope not in self._world.switches.scopes:
            raise RefusedError(403, "The token lacks a scope.")


async def _body(request: Request) -> Any:
    if request.headers.get("Content-Type") != "application/json":
        raise RefusedError(400, "The content type is not application/json.")
    try:
        return json.loads(await request.body())
    except ValueError as error:
        raise RefusedError(400, "The body is not JSON.") from error


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
