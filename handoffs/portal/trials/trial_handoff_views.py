"""Send test handoff: says first that live agents will see it, then shows each step as it comes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from functools import partial

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from handoffs.receiving.inbox import webhooks_take_out
from integrations.connect.steps import CheckView
from integrations.connect.testing import TooManyTestsError
from integrations.connect.trial_handoff import (
    STEPS,
    TrialHandoff,
    trial_finish,
    trial_run,
    trial_start,
)
from integrations.connect.views.page import flow_view
from integrations.connect.views.tiles import integration_or_404
from integrations.connections.destinations import connection_title
from integrations.connections.outcomes import has_passed
from integrations.contract.connector import CheckResult, WebhookItem
from integrations.contract.failures import answer_word
from integrations.contract.registry import manifest_get
from integrations.models import Access, Area, ConnectionName, Environment, Integration, Project
from integrations.projects.access import project_for


@flow_view
def trial_handoff(
    request: HttpRequest, project: Project, environment: str, connection: ConnectionName
) -> HttpResponse:
    """Ask before anything is sent."""
    row = _row_or_404(project, environment, connection)
    return _page(request, row, [])


@require_POST
@login_required
async def trial_handoff_run(
    request: HttpRequest, project_id: str, environment: str, connection: ConnectionName
) -> HttpResponseBase:
    """Send it, and answer with JSON lines (to the script) or with the page."""
    is_streaming = request.headers.get("Accept") == "application/x-ndjson"
    try:
        trial = await sync_to_async(_start)(request, project_id, environment, connection)
    except TooManyTestsError as error:
        text = f"Three a minute are allowed. Wait {error.wait_seconds} s and send it again."
        if is_streaming:
            return JsonResponse({"error": text}, status=429)
        await sync_to_async(messages.error)(request, text)
        return redirect("trial_handoff", project_id, environment, connection)
    if is_streaming:
        return StreamingHttpResponse(
            _lines(trial), content_type="application/x-ndjson", headers={"X-Accel-Buffering": "no"}
        )
    async for _ in trial_run(trial):
        pass
    await sync_to_async(trial_finish)(trial)
    return await sync_to_async(_page)(request, trial.integration, trial.results)


async def _lines(trial: TrialHandoff) -> AsyncIterator[str]:
    async for result in trial_run(trial):
        yield json.dumps({"kind": "check", **_line(result)}) + "\n"
    await sync_to_async(trial_finish)(trial)
    yield json.dumps({"kind": "done", "is_ok": has_passed(trial.results)}) + "\n"


def _start(
    request: HttpRequest, project_id: str, environment: str, connection: ConnectionName
) -> TrialHandoff:
    project = project_for(request, project_id, Area.INTEGRATIONS, Access.EDIT)
    row = _row_or_404(project, environment, connection)
    return trial_start(integration=row, actor=request.user, heard=partial(_heard, row.pk))


async def _heard(integration_id: int, keys: Sequence[str]) -> list[WebhookItem]:
    """Return what the vendor has called with, about the conversation of the test."""
    return await sync_to_async(webhooks_take_out)(integration_id, keys)


def _row_or_404(project: Project, environment: str, connection: ConnectionName) -> Integration:
    row = integration_or_404(project, environment, connection)
    if not manifest_get(row.connector_key).takes_live_chats:
        raise Http404("This vendor takes no live chat.")
    return row


def _page(request: HttpRequest, row: Integration, results: list[CheckResult]) -> HttpResponse:
    done = {result.name: result for result in results}
    context = {
        "integration": row,
        "connection": row.connection,
        "title": connection_title(row),
        "manifest": manifest_get(row.connector_key),
        "environment": Environment(row.environment),
        "checks": [_view(name, done.get(name)) for name in STEPS],
        "is_sent": bool(results),
        "has_passed": has_passed(results),
    }
    return render(request, "integrations/trial_handoff.html", context)


def _view(name: str, result: CheckResult | None) -> CheckView:
    if result is None:
        return CheckView(name=name, label=STEPS[name], state="waiting")
    state = "passed" if result.is_ok else "skipped" if result.code == "skipped" else "failed"
    return CheckView(
        name=name,
        label=STEPS[name],
        state=state,
        detail=result.detail,
        code=answer_word(result.code) if state == "failed" else "",
        ms=None if state == "skipped" else result.ms,
    )


def _line(result: CheckResult) -> dict[str, object]:
    view = _view(result.name, result)
    names = ("name", "state", "detail", "code", "ms")
    return {name: getattr(view, name) for name in names}
