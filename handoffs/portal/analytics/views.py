"""Operate > Analytics: five pages of figures, and each as a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from handoffs.models import Handoff
from handoffs.portal.analytics.charts import bar, chart, tint
from handoffs.portal.analytics.counting.figure import Figure
from handoffs.portal.analytics.counting.scope import Scope
from handoffs.portal.analytics.exporting import ROWS, exported
from handoffs.portal.analytics.figures import TABS
from handoffs.portal.conversations.listing import CHANNELS
from handoffs.portal.one_handoff.outcomes import OUTCOME_LABELS
from handoffs.states import OPEN_VALUES
from integrations.contract.integration_keys import payload_keys, vendor_name
from integrations.entry.account.confirming import asked_before_export
from integrations.models import Area, Environment, Project
from integrations.projects.access import may_see_personal_data, project_view
from integrations.projects.audit import audit_record
from integrations.projects.frame.address import ignore
from integrations.projects.lists.export import export_response
from integrations.projects.lists.filters import PERIODS

# What a row of a figure leads to: the list of handoffs with the filter of that name.
_LINKS = ("outcome", "reason", "topic", "vendor", "queue", "code", "day")


@require_GET
@project_view(Area.ANALYTICS)
def analytics(request: HttpRequest, project: Project, tab: str = "overview") -> HttpResponse:
    """Show the figures of one tab."""
    if tab not in TABS:
        raise Http404("There is no such tab.")
    scope = Scope.read(project, request.GET.dict())
    ignore(request, *scope.ignored)
    figures = [_drawn(figure, scope) for figure in TABS[tab].read(scope)]
    query = urlencode(scope.query)
    context = {
        "tab": tab,
        "tabs": [(one.name, one.label) for one in TABS.values()],
        "figures": figures,
        # The few numbers in words always stand there.
        "has_nothing": all(one["is_empty"] or one["is_in_words"] for one in figures),
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
    """Answer with the table of a figure, a row for each handoff, or what the figures mean."""
    shows_people = may_see_personal_data(request)
    asked = request.GET.get("figure", "") or ROWS
    if asked == ROWS and shows_people and (page := asked_before_export(request)):
        return page
    scope = Scope.read(project, request.GET.dict())
    name, columns, rows = exported(scope, asked, shows_people=shows_people)
    audit_record(
        project=project,
        actor=request.user,
        action="analytics.exported",
        subject=asked[:40],
        fields=scope.query,
    )
    return export_response(request, name, request.GET.get("format", ""), columns, rows)


def _open(scope: Scope) -> int:
    """Count what is open yet of the range: its outcome is not known."""
    start, end = scope.bounds
    rows = Handoff.objects.filter(project=scope.project, state__in=OPEN_VALUES)
    rows = rows.filter(requested_at__gte=start, requested_at__lt=end)
    return rows.filter(environment=scope.given["environment"]).count()


def _drawn(figure: Figure, scope: Scope) -> dict[str, Any]:
    """Return a figure as its page draws it: chart, table, and where each row leads."""
    numbers = [value for row in figure.rows for value in row[1:] if isinstance(value, int)]
    most = max(numbers, default=0)
    hrefs = [_href(figure, number, scope) for number in range(len(figure.rows))]
    return {
        "figure": figure,
        "chart": chart(figure, hrefs),
        "rows": [
            _row(figure, row, most, href) for row, href in zip(figure.rows, hrefs, strict=True)
        ],
        "is_open": figure.kind in ("", "bars", "heat"),
        "is_empty": not any(numbers) and not any(len(row) == 2 for row in figure.rows),
        "is_in_words": not numbers and any(len(row) == 2 for row in figure.rows),
    }


def _row(figure: Figure, row: Sequence[Any], most: int, href: str) -> dict[str, Any]:
    first, rest = row[0], row[1:]
    if figure.kind == "heat":
        cells: list[tuple[Any, Any]] = [(value, tint(value, most)) for value in rest]
    else:
        cells = [("—" if value is None else value, "") for value in rest]
    at = 1 if figure.name == "codes" else 0
    is_bar = figure.kind == "bars" and isinstance(rest[at], int)
    return {
        "name": first,
        "href": href,
        "cells": cells,
        "bar": bar(rest[at], most) if is_bar else "",
    }


def _href(figure: Figure, number: int, scope: Scope) -> str:
    """Return the list of what a row counts, with the same filter; empty where there is none."""
    is_as_listed = scope.given["tz"] == scope.project.time_zone
    if figure.link not in _LINKS or number >= len(figure.values) or not is_as_listed:
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
