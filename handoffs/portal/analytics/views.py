"""Operate > Analytics: five pages of figures, and each as a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from conversations.models import HandoffFact
from handoffs.models import Handoff
from handoffs.portal.analytics.charts import bar, chart, tint
from handoffs.portal.analytics.figures import TABS, Figure, class_of, local
from handoffs.portal.analytics.scope import Scope
from handoffs.portal.conversations.listing import CHANNELS
from handoffs.portal.one_handoff.outcomes import OUTCOME_LABELS
from handoffs.states import OPEN_STATES
from integrations.contract.integration_keys import payload_keys, vendor_name
from integrations.models import Area, Environment, Project
from integrations.projects.access import project_view
from integrations.projects.audit import audit_record
from integrations.projects.lists.export import EXPORTED_MAX, export_response
from integrations.projects.lists.filters import PERIODS

ROWS = "rows"
ROW_COLUMNS = (
    *("handoff_id", "conversation_id", "url", "environment", "channel", "vendor", "queue"),
    *("topic", "reason", "requested_at_utc", "requested_at_local", "time_zone", "outcome"),
    *("error_code", "error_class", "is_broken_off", "wait_ms", "handle_ms"),
)
# What a row of a figure leads to: the list of handoffs with the filter of that name.
_LINKS = ("outcome", "reason", "topic", "vendor", "queue", "code", "day")


@require_GET
@project_view(Area.ANALYTICS)
def analytics(request: HttpRequest, project: Project, tab: str = "overview") -> HttpResponse:
    """Show the figures of one tab."""
    if tab not in TABS:
        raise Http404("There is no such tab.")
    scope = Scope.read(project, request.GET.dict())
    figures = TABS[tab][1](scope)
    query = urlencode(scope.query)
    context = {
        "tab": tab,
        "tabs": [(name, label) for name, (label, _) in TABS.items()],
        "figures": [_drawn(figure, scope) for figure in figures],
        "scope": scope,
        "given": scope.given,
        "first_day": scope.span.start,
        "last_day": scope.span.end,
        "chips": scope.chips(),
        "query": query,
        "open": _open(scope),
        "periods": [(name, label) for name, (label, _) in PERIODS.items()],
        "environments": Environment.choices,
        "channels": CHANNELS.items(),
        "outcomes": OUTCOME_LABELS.items(),
        "vendors": [(key, vendor_name(key)) for key in payload_keys()],
    }
    return render(request, "handoffs/analytics.html", context)


@require_GET
@project_view(Area.ANALYTICS)
def analytics_export(request: HttpRequest, project: Project) -> HttpResponseBase:
    """Answer with the table of a figure, or with a row for each handoff."""
    scope = Scope.read(project, request.GET.dict())
    name = request.GET.get("figure", "")
    audit_record(
        project=project,
        actor=request.user,
        action="analytics.exported",
        subject=name[:40] or ROWS,
        fields=scope.query,
    )
    form = request.GET.get("format", "")
    if name in ("", ROWS):
        return export_response(request, "handoffs", form, ROW_COLUMNS, _rows(scope))
    figure = _figure(scope, name)
    rows = [dict(zip(figure.columns, row, strict=True)) for row in figure.rows]
    return export_response(request, figure.name, form, figure.columns, rows)


def _figure(scope: Scope, name: str) -> Figure:
    tab = next((key for key, names in FIGURES.items() if name in names), "")
    if not tab:
        raise Http404("There is no such figure.")
    return next(figure for figure in TABS[tab][1](scope) if figure.name == name)


FIGURES = {
    "overview": ("summary", "outcomes", "by_day"),
    "waiting": ("times", "wait_by_day", "hours"),
    "why": ("reason", "topic", "vendor", "queue"),
    "quality": ("containment", "ratings_ai_agent", "ratings_live_agent"),
    "failures": ("classes", "codes", "refused"),
}


def _open(scope: Scope) -> int:
    """Count what is open yet of the range: its outcome is not known."""
    start, end = scope.bounds
    states = [state.value for state in OPEN_STATES]
    rows = Handoff.objects.filter(project=scope.project, state__in=states)
    rows = rows.filter(requested_at__gte=start, requested_at__lt=end)
    return rows.filter(environment=scope.given["environment"]).count()


def _drawn(figure: Figure, scope: Scope) -> dict[str, Any]:
    """Return a figure as its page draws it: chart, table, and where each row leads."""
    numbers = [value for row in figure.rows for value in row[1:] if isinstance(value, int)]
    most = max(numbers, default=0)
    return {
        "figure": figure,
        "chart": chart(figure),
        "rows": [_row(figure, number, row, most, scope) for number, row in enumerate(figure.rows)],
        "is_open": figure.kind in ("", "bars", "heat"),
        "is_empty": not any(numbers) and not any(len(row) == 2 for row in figure.rows),
    }


def _row(
    figure: Figure, number: int, row: Sequence[Any], most: int, scope: Scope
) -> dict[str, Any]:
    first, rest = row[0], row[1:]
    if figure.kind == "heat":
        cells: list[tuple[Any, Any]] = [(value, tint(value, most)) for value in rest]
    else:
        cells = [("—" if value is None else value, "") for value in rest]
    at = 1 if figure.name == "codes" else 0
    is_bar = figure.kind == "bars" and isinstance(rest[at], int)
    return {
        "name": first,
        "href": _href(figure, number, scope),
        "cells": cells,
        "bar": bar(rest[at], most) if is_bar else "",
    }


def _href(figure: Figure, number: int, scope: Scope) -> str:
    """Return the list of what a row counts, with the same filter; empty where there is none."""
    if figure.link not in _LINKS or number >= len(figure.values) or scope.given["tz"] != "UTC":
        return ""
    value = figure.values[number]
    if not value:
        return ""
    kept = {name: text for name, text in scope.given.items() if text and name != "tz"}
    first, last = scope.span.start, scope.span.end
    kept |= {"period": "", "from": str(first), "to": str(last)}
    kept |= {"from": value, "to": value} if figure.link == "day" else {figure.link: value}
    query = urlencode({name: text for name, text in kept.items() if text})
    return f"{reverse('handoffs', args=[scope.project.public_id])}?{query}"


def _rows(scope: Scope) -> Iterator[dict[str, Any]]:
    facts = scope.handoffs().order_by("-requested_at", "-pk")[:EXPORTED_MAX]
    for fact in facts:
        yield _exported(fact, scope)


def _exported(fact: HandoffFact, scope: Scope) -> dict[str, Any]:
    return {
        "handoff_id": fact.handoff_key,
        "conversation_id": fact.conversation_key,
        "url": reverse("handoff", args=[scope.project.public_id, fact.handoff_key]),
        "environment": fact.environment,
        "channel": fact.channel,
        "vendor": vendor_name(fact.vendor),
        "queue": fact.queue,
        "topic": fact.topic,
        "reason": fact.reason,
        "requested_at_utc": fact.requested_at.isoformat(),
        "requested_at_local": local(fact.requested_at, scope),
        "time_zone": scope.given["tz"],
        "outcome": fact.outcome,
        "error_code": fact.error_code,
        "error_class": class_of(fact.error_code) if fact.error_code else "",
        "is_broken_off": fact.is_broken_off,
        "wait_ms": fact.wait_ms,
        "handle_ms": fact.handle_ms,
    }
