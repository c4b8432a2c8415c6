"""The Conversations API, version 3: what was said, and where it went (agent_api section 9)."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import reduce
from operator import or_

from django.db.models import OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.access import project_open
from conversations.api.errors import BadFieldError, EnvelopeView, RefusedError
from conversations.api.schema import answer
from conversations.api.strict import count_asked
from conversations.models import Conversation, ConversationSearch, Variant
from handoffs.api.conversation_items import conversation_items
from handoffs.api.conversation_schema import (
    API,
    CHANNELS,
    PAGE,
    PARAMETERS,
    ConversationPage,
)
from handoffs.lifecycle.reasons import reason_is
from handoffs.models import Handoff
from handoffs.portal.conversations.listing import OUTCOMES, TEXT_DAYS, ConversationFilter
from handoffs.portal.conversations.search_query import QueryError, found_among
from integrations.models import ApiKey, Environment, Project

REQUESTS_PER_MINUTE = 60
LIMIT_MAX, LIMIT_DEFAULT = 5000, 5
_OFFSET_MAX = 1_000_000
_SOUGHT = ("q", "outcome", "topic", "vendor", "queue", "agent", "tag", "rating")
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the list is narrowed to, and which part of it is asked for."""

    matching: Q
    limit: int
    offset: int
    after: tuple[datetime, str] | None


class ConversationListView(EnvelopeView):
    """GET /v3/…/conversations."""

    @API.operation(
        "conversations_retrieve",
        "List conversations with their turns and handoffs",
        "Newest first. `next_cursor` leads to the next page, also while new conversations begin; "
        "it is null on the last one.",
        parameters=PARAMETERS,
        gives=answer(ConversationPage, "A page of conversations.", PAGE),
        _400="INVALID_REQUEST INVALID_CURSOR",
    )
    def get(self, request: Request, account_id: str, project_id: str) -> Response:
        """Answer 400 with the parameter at fault."""
        permission = ApiKey.Permission.CONVERSATIONS
        opened = project_open(
            request, account_id, project_id, permission, limit=REQUESTS_PER_MINUTE
        )
        wanted = wanted_read(request.query_params)
        page, has_more = conversations_page(opened.project, wanted)
        cursor = cursor_of(page[-1]) if has_more else None
        return Response({"conversations": conversation_items(page), "next_cursor": cursor})


def conversations_page(project: Project, wanted: Wanted) -> tuple[Sequence[Conversation], bool]:
    """Return a page of a project's conversations, and whether more follow."""
    rows: QuerySet[Conversation] = Conversation.objects.filter(wanted.matching, project=project)
    if wanted.after is not None:
        at, pk = wanted.after
        rows = rows.filter(Q(started_at__lt=at) | Q(started_at=at, pk__lt=pk))
    rows = rows.select_related("project__workspace", "channel", "end_user", "survey", "search")
    rows = rows.defer("page", "search__words", "search__masked")
    last = wanted.offset + wanted.limit
    found = list(rows.order_by("-started_at", "-pk")[wanted.offset : last + 1])
    return found[: wanted.limit], len(found) > wanted.limit


def cursor_of(conversation: Conversation) -> str:
    """Return what asks for the conversations after this one."""
    place = json.dumps([conversation.started_at.isoformat(), conversation.pk])
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def wanted_read(query: QueryDict) -> Wanted:
    """Return what is asked for; raises RefusedError."""
    cursor = query.get("cursor", "")
    return Wanted(
        matching=_environment(query)
        & _channels(query)
        & _others(query)
        & _reasons(query)
        & _sought(query),
        limit=count_asked(query, "limit", least=1, most=LIMIT_MAX, default=LIMIT_DEFAULT),
        # The cursor is preferred where both are given.
        offset=0 if cursor else count_asked(query, "offset", most=_OFFSET_MAX),
        after=_cursor_read(cursor) if cursor else None,
    )


def _cursor_read(cursor: str) -> tuple[datetime, str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, pk = json.loads(base64.b64decode(padded.encode("ascii"), b"-_", validate=True))
        moment = datetime.fromisoformat(at)
        if not isinstance(pk, str) or "\x00" in pk or moment.tzinfo is None:
            raise ValueError
    except (ValueError, TypeError, binascii.Error, RecursionError) as error:
        text = "The cursor is not one of this list's: send next_cursor as it came, or none."
        raise RefusedError(400, "INVALID_CURSOR", text) from error
    return moment, pk


def _environment(query: QueryDict) -> Q:
    wanted = query.get("client_env") or Environment.LIVE.value
    if wanted not in Environment.values:
        raise BadFieldError(f"client_env is one of {', '.join(Environment.values)}.")
    return Q(environment=wanted)


def _times(query: QueryDict) -> Q:
    start, end = _time(query, "start_time"), _time(query, "end_time")
    if start and end and start > end:
        raise BadFieldError("start_time is after end_time.")
    return (Q(started_at__gte=start) if start else Q()) & (Q(started_at__lt=end) if end else Q())


def _channels(query: QueryDict) -> Q:
    found = Q()
    for name in query.getlist("channel"):
        if name.upper() not in CHANNELS:
            raise BadFieldError(f"channel is one of {', '.join(CHANNELS)}.")
        found |= _channel(name.lower())
    return found


def _channel(name: str) -> Q:
    if name == "chat":
        return Q(api_channel="api")
    return Q(api_channel=name) | Q(api_channel="", channel__kind=name)


def _others(query: QueryDict) -> Q:
    found = Q()
    if value := query.get("variant_id", "").replace("\x00", ""):
        found &= Q(variant_id=value)
    if value := query.get("variant_name", "").replace("\x00", ""):
        named = Variant.objects.filter(project=OuterRef("project"), name=value)
        # A variant that is gone is shown by its id.
        found &= Q(variant_id__in=named.values("public_id")) | Q(variant_id=value)
    if (text := query.get("in_progress", "")) != "":
        if text.lower() not in _BOOLEANS:
            raise BadFieldError("in_progress is true or false.")
        is_over = Q(state=Conversation.State.ENDED)
        found &= ~is_over if _BOOLEANS[text.lower()] else is_over
    return found


def _reasons(query: QueryDict) -> Q:
    """Match conversations of which any handoff has one of the reasons."""
    wanted = [text.replace("\x00", "") for text in query.getlist("reason") if text]
    if not wanted:
        return Q()
    found = reduce(or_, map(reason_is, wanted))
    return Q(pk__in=Handoff.objects.filter(found).values("conversation_id"))


def _sought(query: QueryDict) -> Q:
    """Match what the search box of the page would find in these times, and the fields beside it."""
    asked = {name: query.get(name, "") for name in _SOUGHT}
    if asked["outcome"] and asked["outcome"] not in OUTCOMES:
        raise BadFieldError(f"outcome is one of {', '.join(OUTCOMES)}.")
    try:
        wanted = ConversationFilter.read(asked)
    except QueryError as error:
        raise BadFieldError(str(error)) from error
    started = _times(query)
    if asked["q"] and not started:
        started = Q(started_at__gte=timezone.now() - TEXT_DAYS)
    found = started
    if wanted.groups:
        among = ConversationSearch.objects.filter(started)
        found &= Q(pk__in=found_among(among, wanted.groups, sees_personal_data=True))
    if asked["outcome"] == "open":
        found &= ~Q(state=Conversation.State.ENDED)
    return found


def _time(query: QueryDict, name: str) -> datetime | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        # A plus that was not escaped arrives as a blank.
        moment = parse_datetime(text.replace(" ", "+") if "T" in text else text)
        moment = moment or datetime.fromisoformat(text)
        # At the ends of the calendar another zone has no such time.
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        problem = f"{name} must be a time such as 2026-11-20T09:00:00Z."
        raise BadFieldError(problem) from error
