"""The three files of analytics: a row for each handoff, the table of a figure, the definitions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import Http404
from django.urls import reverse

from conversations.models import ConversationFact, ConversationTag, HandoffFact, Survey
from handoffs.models import Handoff
from handoffs.portal.analytics.counting.scope import Scope
from handoffs.portal.analytics.figures import TABS, tab_of
from handoffs.portal.analytics.tabs.failures import class_of
from integrations.contract.integration_keys import vendor_name
from integrations.projects.lists.export import EXPORTED_MAX
from integrations.projects.lists.paging import newest_chunks

ROWS, DEFINITIONS = "rows", "definitions"
ROW_COLUMNS = (
    *("handoff_id", "conversation_id", "url", "environment", "channel", "vendor", "queue"),
    *("topic", "reason", "requested_at_utc", "requested_at_local", "time_zone", "outcome"),
    *("error_code", "error_class", "is_broken_off", "wait_ms", "handle_ms", "accept_ms"),
    *("queue_ms", "first_reply_ms", "accepted_at", "joined_at", "ended_at", "end_reason"),
    *("attempt", "messages_end_user", "messages_live_agent", "undelivered", "queue_asked"),
    *("rating_ai_agent", "rating_live_agent", "tags"),
)
# Of members who may see personal data.
PERSONAL_COLUMNS = ("live_agent", "comment")
DEFINITION_COLUMNS = ("tab", "figure", "title", "definition", "columns", "first_day", "last_day")
_SETTINGS = ("time_zone", "environment", "service_level_seconds", "filter")
File = tuple[str, Sequence[str], Iterable[Mapping[str, Any]]]


def exported(scope: Scope, asked: str, *, shows_people: bool) -> File:
    """Return name, columns and rows of a file; 404 for a figure that there is not."""
    if asked == ROWS:
        columns = (*ROW_COLUMNS, *PERSONAL_COLUMNS) if shows_people else ROW_COLUMNS
        return "handoffs", columns, _rows(scope)
    if asked == DEFINITIONS:
        return DEFINITIONS, (*DEFINITION_COLUMNS, *_SETTINGS), _definitions(scope)
    tab = tab_of(asked)
    if tab is None:
        raise Http404("There is no such figure.")
    figure = next(one for one in tab.read(scope) if one.name == asked)
    rows = [dict(zip(figure.columns, row, strict=True)) for row in figure.rows]
    return figure.name, figure.columns, rows


def _definitions(scope: Scope) -> Iterator[dict[str, Any]]:
    """Yield what each figure means, with the settings that it was counted with."""
    for tab in TABS.values():
        for figure in tab.read(scope):
            yield {
                "tab": tab.label,
                "figure": figure.name,
                "title": figure.title,
                "definition": figure.definition,
                "columns": list(figure.columns),
                "first_day": scope.span.start,
                "last_day": scope.span.end,
                "time_zone": scope.given["tz"],
                "environment": scope.given["environment"],
                "service_level_seconds": scope.project.service_level_seconds,
                "filter": [f"{name}={text}" for name, text in scope.query.items()],
            }


def _rows(scope: Scope) -> Iterator[dict[str, Any]]:
    """Yield the newest handoffs."""
    for chunk in newest_chunks(scope.handoffs(), "requested_at", EXPORTED_MAX):
        yield from _exported_all(chunk, scope)


def _exported_all(facts: Sequence[HandoffFact], scope: Scope) -> Iterator[dict[str, Any]]:
    """Yield facts with what is still known of their handoffs and conversations."""
    talks = {fact.conversation_key for fact in facts}
    rated = ConversationFact.objects.in_bulk(talks)
    kept = Handoff.objects.only("queue", "agent_name").in_bulk([fact.pk for fact in facts])
    comments = dict(
        Survey.objects.filter(conversation__in=talks).values_list("conversation_id", "comment")
    )
    tags: defaultdict[str, list[str]] = defaultdict(list)
    named = ConversationTag.objects.filter(conversation__in=talks).order_by("tag__name")
    for key, name in named.values_list("conversation_id", "tag__name"):
        tags[key].append(name)
    for fact in facts:
        talk, handoff = rated.get(fact.conversation_key), kept.get(fact.pk)
        yield {
            **_exported(fact, scope),
            "queue_asked": handoff.queue if handoff else "",
            "live_agent": handoff.agent_name if handoff else "",
            "rating_ai_agent": talk.rating_ai_agent if talk else None,
            "rating_live_agent": talk.rating_live_agent if talk else None,
            "comment": comments.get(fact.conversation_key, ""),
            "tags": tags[fact.conversation_key],
        }


_PLAIN = (
    *("environment", "channel", "queue", "topic", "reason", "outcome", "error_code"),
    *("is_broken_off", "wait_ms", "handle_ms", "accept_ms", "queue_ms", "first_reply_ms"),
    *("end_reason", "attempt", "messages_end_user", "messages_live_agent", "undelivered"),
)


def _exported(fact: HandoffFact, scope: Scope) -> dict[str, Any]:
    path = reverse("handoff", args=[scope.project.public_id, fact.handoff_key])
    asked_at = fact.requested_at
    return {name: getattr(fact, name) for name in _PLAIN} | {
        "handoff_id": fact.handoff_key,
        "conversation_id": fact.conversation_key,
        "url": f"{settings.PUBLIC_URL.rstrip('/')}{path}",
        "vendor": vendor_name(fact.vendor),
        "requested_at_utc": asked_at.isoformat(),
        "requested_at_local": asked_at.astimezone(scope.zone).isoformat(timespec="seconds"),
        "time_zone": scope.given["tz"],
        "error_class": class_of(fact.error_code) if fact.error_code else "",
        "accepted_at": _after(asked_at, fact.accept_ms),
        "joined_at": _after(asked_at, fact.wait_ms),
        "ended_at": _after(asked_at, fact.total_ms),
    }


def _after(start: datetime, milliseconds: int | None) -> str | None:
    if milliseconds is None:
        return None
    return (start + timedelta(milliseconds=milliseconds)).isoformat()
