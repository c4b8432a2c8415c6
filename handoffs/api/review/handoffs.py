"""The list of handoffs over REST: the same filter and rows as the page."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.access import project_open
from conversations.api.errors import BadFieldError, EnvelopeView, RefusedError
from conversations.api.schema import answer
from conversations.api.strict import count_asked
from handoffs.api.conversation_schema import API
from handoffs.api.review import schema
from handoffs.lifecycle.details import handoff_details
from handoffs.models import Handoff
from handoffs.portal.conversations.search_query import QueryError
from handoffs.portal.lists.handoff_list import HandoffFilter, handoff_list, queue_of
from handoffs.portal.one_handoff.outcomes import handoff_outcome
from integrations.models import ApiKey, Project
from integrations.projects.lists.filters import day_read
from integrations.projects.lists.paging import cursor_is_good, keyset_page

REQUESTS_PER_MINUTE = 60
LIMIT_MAX, LIMIT_DEFAULT = 500, 50
_CHOICES = {"state": "state", "outcome": "outcome", "client_env": "environment"}


class HandoffListView(EnvelopeView):
    """GET …/handoffs."""

    @API.operation(
        "handoffs_list",
        "List handoffs",
        "Newest first, by the filter of the page Handoffs. `next_cursor` leads to the next page.",
        parameters=schema.HANDOFFS_PARAMETERS,
        gives=answer(schema.HandoffsOut, "A page of handoffs.", schema.HANDOFFS_EXAMPLE),
        _400="INVALID_REQUEST INVALID_CURSOR",
    )
    def get(self, request: Request, account_id: str, project_id: str) -> Response:
        """Answer 400 with the parameter at fault."""
        permission = ApiKey.Permission.CONVERSATIONS
        opened = project_open(
            request, account_id, project_id, permission, limit=REQUESTS_PER_MINUTE
        )
        wanted, query = _wanted(request, opened.project), request.query_params
        limit = count_asked(query, "limit", least=1, most=LIMIT_MAX, default=LIMIT_DEFAULT)
        cursor = query.get("cursor", "")
        if cursor and not cursor_is_good(cursor):
            text = "The cursor is not one of this list's: send next_cursor as it came, or none."
            raise RefusedError(400, "INVALID_CURSOR", text)
        rows = handoff_list(project=opened.project, wanted=wanted, sees_personal_data=True)
        # The filter's own list leaves out what only this one shows.
        rows = rows.defer(None).defer("vendor_session", "context_data", "early_changes")
        page = keyset_page(
            rows.prefetch_related("past_attempts"), by="requested_at", cursor=cursor, size=limit
        )
        found = [_item(row) for row in page.rows]
        return Response({"handoffs": found, "next_cursor": page.older or None})


def _wanted(request: Request, project: Project) -> HandoffFilter:
    asked = {name: str(value) for name, value in request.query_params.items()}
    asked = {_CHOICES.get(name, name): value for name, value in asked.items()}
    for name in ("from", "to"):
        if asked.get(name) and day_read(asked[name]) is None:
            raise BadFieldError(f"{name} must be a day such as 2026-11-20.")
    try:
        wanted = HandoffFilter.read(asked, project.zone)
    except QueryError as error:
        raise BadFieldError(str(error)) from error
    for name, kept in _CHOICES.items():
        if asked.get(kept) and not wanted.given[kept]:
            raise BadFieldError(f"{name} has no such value; /api/schema lists them.")
    return wanted


def _item(row: Handoff) -> dict[str, Any]:
    return {
        **handoff_details(row),
        "queue": queue_of(row),
        "conversation_id": row.conversation_id,
        "environment": row.environment,
        "topic": row.topic,
        "outcome": handoff_outcome(row).value,
    }
