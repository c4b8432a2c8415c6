"""Runs Test connection: streamed to the page's script, or all at once without one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import asdict

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from integrations.connect.steps import Step, check_view, is_complete
from integrations.connect.testing import (
    ConnectionTest,
    TooManyTestsError,
    integration_test,
    integration_test_finish,
    integration_test_start,
)
from integrations.connect.views.tiles import integration_or_none, manifest_or_404
from integrations.connections.outcomes import has_passed
from integrations.contract.registry import manifest_get
from integrations.models import Access, Area, ConnectionName
from integrations.projects.access import project_for


@require_POST
@login_required
async def connect_test_run(
    request: HttpRequest, project_id: str, environment: str, connection: ConnectionName
) -> HttpResponseBase:
    """Run the test, and answer with JSON lines (to the script) or with the page."""
    is_streaming = request.headers.get("Accept") == "application/x-ndjson"
    back = redirect(Step.TEST.url_name, project_id, environment, connection)
    try:
        test = await sync_to_async(_start)(request, project_id, environment, connection)
    except TooManyTestsError as error:
        return await sync_to_async(_refuse)(request, error, back, is_streaming)
    if test is None:
        return back
    if is_streaming:
        return StreamingHttpResponse(
            _lines(test), content_type="application/x-ndjson", headers={"X-Accel-Buffering": "no"}
        )
    async for _ in integration_test(test):
        pass
    await sync_to_async(integration_test_finish)(test)
    return back


async def _lines(test: ConnectionTest) -> AsyncIterator[str]:
    found = manifest_get(test.integration.connector_key)
    async for result in integration_test(test):
        yield json.dumps({"kind": "check", **asdict(check_view(found, result))}) + "\n"
    await sync_to_async(integration_test_finish)(test)
    yield json.dumps({"kind": "done", "is_ok": has_passed(test.results)}) + "\n"


def _start(
    request: HttpRequest, project_id: str, environment: str, connection: ConnectionName
) -> ConnectionTest | None:
    project = project_for(request, project_id, Area.INTEGRATIONS, Access.EDIT)
    found = manifest_or_404(connection.connector_key)
    row = integration_or_none(project, environment, connection)
    if row is None or not is_complete(found, row):
        return None
    return integration_test_start(integration=row, actor=request.user)


def _refuse(
    request: HttpRequest, error: TooManyTestsError, back: HttpResponse, is_streaming: bool
) -> HttpResponse:
    text = f"Ten tests a minute are allowed. Wait {error.wait_seconds} s and test again."
    if is_streaming:
        return JsonResponse({"error": text}, status=429)
    messages.error(request, text)
    return back
