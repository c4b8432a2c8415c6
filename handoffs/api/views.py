"""The Handoff API: context for the live agent's desktop (agent_api section 7)."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from conversations.api.access import clean, project_open
from conversations.api.errors import RefusedError
from handoffs.api.schema import API, EXPANSIONS, OUT, PARAMETERS
from handoffs.api.selectors import handoff_find, handoff_summary, handoff_transcript
from handoffs.lifecycle.details import handoff_details
from integrations.models import ApiKey, Project
from integrations.telemetry.metrics import REQUESTS_LIMITED

REQUESTS_PER_MINUTE = 60


class HandoffStateView(APIView):
    """Return what was stored at the moment of handoff; errors are {"error_message": text}."""

    def handle_exception(self, exc: Exception) -> Response:
        """Say what the framework refuses in this API's own form."""
        response: Response = super().handle_exception(exc)
        if isinstance(exc, APIException):
            response.data = {"error_message": str(exc.detail)}
        return response

    @API.operation(
        "handoff_state_retrieve",
        "Read the context of a handoff",
        "For screen pops: what the tool stored for the live agent's desktop.",
        parameters=PARAMETERS,
        gives=OUT,
        _400="INVALID_REQUEST",
        _404="NOT_FOUND",
    )
    def get(self, request: Request, account_id: str, project_id: str) -> Response:
        """Answer 400, 401, 403, 404 or 429 with the cure in its text."""
        try:
            opened = project_open(
                request,
                account_id,
                project_id,
                ApiKey.Permission.HANDOFF,
                limit=REQUESTS_PER_MINUTE,
            )
        except RefusedError as error:
            return _key_refused(error)
        return self._answer(request, opened.project)

    def _answer(self, request: Request, project: Project) -> Response:
        query = {name: clean(str(value)) for name, value in request.query_params.items()}
        conversation_id, shared_id = query.get("id", ""), query.get("shared_id", "")
        wanted = {name for name in query.get("expand", "").split(",") if name}
        if not conversation_id and not shared_id:
            return _error(400, "Give one of the parameters id and shared_id.")
        if wanted.difference(EXPANSIONS):
            return _error(400, f"expand knows {', '.join(sorted(EXPANSIONS))}.")
        handoff = handoff_find(
            project,
            conversation_id=conversation_id,
            shared_id=shared_id,
            handoff_id=query.get("handoff_id", ""),
        )
        if handoff is None:
            return _error(404, "No handoff is known under this id.")
        body: dict[str, Any] = {"id": handoff.conversation_id, "data": handoff.context_data}
        if handoff.shared_id:
            body["shared_id"] = handoff.shared_id
        if "handoff" in wanted:
            body["handoff"] = handoff_details(handoff)
        if "transcript" in wanted:
            body["transcript"] = handoff_transcript(handoff)
        if "summary" in wanted:
            body["summary"] = handoff_summary(handoff)
        return Response(body)


def _key_refused(error: RefusedError) -> Response:
    response = _error(error.status, str(error))
    if error.wait:
        REQUESTS_LIMITED.labels("handoff_api").inc()
        response["Retry-After"] = str(error.wait)
    return response


def _error(status: int, message: str) -> Response:
    return Response({"error_message": message}, status=status)
