"""The simulated routing and directory calls: recipients, queues, waiting times, users."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from integrations.vendors.genesys.simulator import checks, rest
from integrations.vendors.genesys.simulator.checks import Body
from integrations.vendors.genesys.simulator.errors import MALFORMED, VendorError
from integrations.vendors.genesys.simulator.requests import Endpoints, accepted, listing
from integrations.vendors.genesys.simulator.state import Integration, named_id

QUEUE_MEMBERS = 3
SUCCESS = 200


class RoutingEndpoints(Endpoints):
    """What tells where conversations go, and whether somebody is there."""

    async def recipient(self, request: Request) -> Response:
        """GET /api/v2/routing/message/recipients/{recipientId}"""
        self._authorise(request, "routing:message:manage")
        return accepted(rest.recipient_object(self._org, self._recipient(request)), SUCCESS)

    async def update_recipient(self, request: Request) -> Response:
        """PUT /api/v2/routing/message/recipients/{recipientId}"""
        self._authorise(request, "routing:message:manage")
        body = await self._body(request)
        flow = body.get("flow")
        with self._simulator.change():
            integration = self._recipient(request)
            integration.flow_id = checks.text(checks.member(body, "flow"), "id") if flow else None
            if integration.id == self._org.switches.integration_id:
                self._org.switches.flow_attached = bool(flow)
        return accepted(rest.recipient_object(self._org, integration), SUCCESS)

    async def queues(self, request: Request) -> Response:
        """GET /api/v2/routing/queues"""
        self._authorise(request, "routing:queue:view")
        wanted = request.query_params.get("name", "").lower()
        names = [one for one in self._org.queue_names() if wanted in one.lower()]
        return listing([rest.queue_object(self._org, one) for one in names], request)

    async def queue(self, request: Request) -> Response:
        """GET /api/v2/routing/queues/{queueId}"""
        self._authorise(request, "routing:queue:view")
        return accepted(rest.queue_object(self._org, self._queue(request)), SUCCESS)

    async def estimated_wait(self, request: Request) -> Response:
        """GET /api/v2/routing/queues/{queueId}/[mediatypes/{mediaType}/]estimatedwaittime"""
        self._authorise(request, "routing:queue:view")
        self._queue(request)
        media_type = request.path_params.get("media_type", "message")
        if media_type.lower() not in ("all", "call", "callback", "chat", "email", "message"):
            raise VendorError(400, MALFORMED, field="mediaType")
        seconds = self._org.switches.estimated_wait_seconds
        result: dict[str, Any] = {"intent": media_type.upper(), "formula": "BEST"}
        if seconds is not None:
            result["estimatedWaitTimeSeconds"] = seconds
        return accepted({"results": [result]}, SUCCESS)

    async def observations(self, request: Request) -> Response:
        """POST /api/v2/analytics/queues/observations/query"""
        self._authorise(request, "analytics:queueObservation:view")
        body = await self._body(request)
        wanted = _queue_ids(checks.member(body, "filter"))
        metrics = body.get("metrics") or ["oOnQueueUsers", "oWaiting", "oInteracting"]
        results = [
            self._observation(name, metrics)
            for name in self._org.queue_names()
            if named_id("queue", name) in wanted
        ]
        return accepted({"results": results}, SUCCESS)

    async def user(self, request: Request) -> Response:
        """GET /api/v2/users/{userId}"""
        self._authorise(request)
        wanted = request.path_params["user_id"]
        for name in self._org.user_names():
            if named_id("user", name) == wanted:
                return accepted(rest.user_object(name), SUCCESS)
        raise VendorError(404, "The requested user was not found.")

    def _observation(self, name: str, metrics: list[str]) -> dict[str, Any]:
        talking = [one for one in self._org.talking() if one.queue == name and one.agents]
        counts = {
            "oOnQueueUsers": 0 if self._org.switches.agents_offline else QUEUE_MEMBERS,
            "oWaiting": len(self._org.waiting_in(name)),
            "oInteracting": len(talking),
        }
        data = [
            {"metric": one, "stats": {"count": counts[one]}, **_qualifier(one)}
            for one in metrics
            if one in counts
        ]
        group = {"queueId": named_id("queue", name), "mediaType": "message"}
        return {"group": group, "data": data}

    def _recipient(self, request: Request) -> Integration:
        found = self._org.by_recipient(request.path_params["recipient_id"])
        if found is None:
            raise VendorError(404, "The requested recipient was not found.")
        return found

    def _queue(self, request: Request) -> str:
        found = self._org.queue_by_id(request.path_params["queue_id"])
        if found is None:
            raise VendorError(404, "The requested queue was not found.")
        return found


def _qualifier(metric: str) -> dict[str, str]:
    return {"qualifier": "IDLE"} if metric == "oOnQueueUsers" else {}


def _queue_ids(found: Body) -> set[str]:
    """Return the queues a filter names, in its predicates or in clauses of them."""
    predicates = list(checks.items(found, "predicates"))
    for clause in checks.items(found, "clauses"):
        predicates += checks.items(clause, "predicates")
    ids = {str(one.get("value")) for one in predicates if one.get("dimension") == "queueId"}
    if not ids:
        raise VendorError(400, MALFORMED, field="filter")
    return ids
