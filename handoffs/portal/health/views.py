"""The health of one integration: is it them or us, since when, and is it getting better."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from handoffs.portal.health.calls import calls_counted
from handoffs.portal.health.figures import drawn
from handoffs.portal.health.period import PERIODS, USUAL, Period
from handoffs.portal.health.talk import STREAMS_MAX, talk_of
from handoffs.portal.health.wording import checks_words, total, troubles, verdict
from handoffs.portal.one_handoff.wording import BADGES
from integrations.connect.views.tiles import integration_or_404
from integrations.connections.destinations import connection_title
from integrations.contract.registry import manifest_get
from integrations.models import (
    Area,
    ConnectionName,
    Environment,
    Integration,
    Project,
)
from integrations.projects.access import may_edit, project_view
from integrations.projects.frame.address import asked


@require_GET
@project_view(Area.INTEGRATIONS)
def health(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Show how an integration did in a period, from what is stored already."""
    row = integration_or_404(project, environment, connection)
    if row.status == Integration.Status.NOT_CONNECTED:
        return redirect("integration", project.public_id, environment, connection)
    period = PERIODS[asked(request, "range", PERIODS, USUAL)]
    context = {
        "integration": row,
        "environment": Environment(environment),
        "connection": connection,
        "title": connection_title(row),
        "manifest": manifest_get(row.connector_key),
        "periods": PERIODS.values(),
        "period": period,
        "may_edit_here": may_edit(request, Area.INTEGRATIONS),
        "streams_max": STREAMS_MAX,
        **_told(row, period, timezone.now()),
    }
    return render(request, "handoffs/health.html", context)


def _told(row: Integration, period: Period, now: datetime) -> dict[str, object]:
    manifest, begin = manifest_get(row.connector_key), period.begin(now)
    found = calls_counted(row, period, now)
    talk = talk_of(
        row, begin=begin, alive_after=now - timedelta(seconds=settings.RELAY_DEAD_AFTER_SECONDS)
    )
    calls = total(list(found.steps.values()))
    limited = [one for one in found.errors if one.code == "rate_limited" or one.status == 429]
    return {
        "verdict": verdict(
            row, manifest.name, calls=calls, talk=talk, period=period.label, now=now
        ),
        "checks": checks_words(row, now),
        "calls": calls,
        "talk": talk,
        "streams": [(one, BADGES[one.state]) for one in talk.streams],
        "by_state": [(BADGES[state], number) for state, number in talk.open_by_state.items()],
        "operations": found.operations,
        "troubles": troubles(manifest, found.errors, talk.failed),
        "limited": sum(one.count for one in limited),
        "limited_at": max((one.last_at for one in limited), default=None),
        "figures": drawn(found.steps, period, manifest.name),
    }
