"""The Handoff API: context for the live agent's desktop (agent_api section 7)."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from handoffs.api.schema import BY_API_KEY, PARAMETERS, RESPONSES
from handoffs.api.selectors import handoff_find, handoff_transcript
from handoffs.lifecycle.details import handoff_details
from integrations.entry.keys import ApiKeyForbiddenError, ApiKeyUnknownError, api_key_find
from integrations.entry.rate_limit import retry_after
from integrations.models import ApiKey, Project
from integrations.telemetry.metrics import REQUESTS_LIMITED

REQUESTS_PER_MINUTE = 60
EXPANSIONS = frozenset({"handoff", "transcript"})


class HandoffStateView(APIView):
    """Return what was stored at the moment of handoff; errors are {"error_message": text}."""

    def handle_exception(self, exc: Exception) -> Response:
        """Say what the framework refuses in this API's own form."""
        response: Response = super().handle_exception(exc)
        if isinstance(exc, APIException):
            response.data = {"error_message": str(exc.detail)}
        return response

    @extend_schema(
        operation_id="handoff_state_retrieve",
        summary="Read the context of a handoff",
        description="For screen pops: what the tool stored for the live agent's desktop.",
        tags=["Handoff API"],
        auth=BY_API_KEY,
        parameters=PARAMETERS,
        responses=RESPONSES,
    )
    def get(self, request: Request, account_id: str, project_id: str) -> Response:
        """Answer 400, 401, 403, 404 or 429 with the cure in its text."""
        raw = request.headers.get("x-api-key", "")
        if not raw:
            return _error(401, "Send an API key in the header x-api-key.")
        project = _project(account_id, project_id)
        if project is None:
            return _error(404, "No such account or project.")
        try:
            key = api_key_find(raw, ApiKey.Permission.HANDOFF, project)
        except ApiKeyUnknownError as error:
            return _error(401, str(error))
        except ApiKeyForbiddenError as error:
            return _error(403, str(error))
        wait = retry_after(f"handoff:{key.pk}", limit=REQUESTS_PER_MINUTE, window_seconds=60)
        if wait:
            REQUESTS_LIMITED.labels("handoff_api").inc()
            response = _error(429, f"Too many requests. Try again in {wait} seconds.")
            response["Retry-After"] = str(wait)
            return response
        return self._answer(request, project)

    def _answer(self, request: Request, project: Project) -> Response:
        query = {name: _clean(str(value)) for name, value in request.query_params.items()}
        conversation_id, shared_id = query.get("id", ""), query.get("shared_id", "")
        wanted = {name for name in query.get("expand", "").split(",") if name}
        if not conversation_id and not shared_id:
            return _error(400, "Give one of the parameters id and shared_id.")
        if wanted - EXPANSIONS:
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
        return Response(body)


def _project(account_id: str, project_id: str) -> Project | None:
    """Find a project by its ids or slugs, in any mixture."""
    project_id, account_id = _clean(project_id), _clean(account_id)
    return Project.objects.filter(
        Q(public_id=project_id) | Q(slug=project_id),
        Q(workspace__public_id=account_id) | Q(workspace__slug=account_id),
    ).first()


def _clean(value: str) -> str:
    """Drop the one character that PostgreSQL refuses to look for; no id holds it."""
    return value.replace("\x00", "")


def _error(status: int, message: str) -> Response:
    return Response({"error_message": message}, status=status)
