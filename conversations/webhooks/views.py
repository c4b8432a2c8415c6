"""Settings > Webhooks: endpoints, their secrets, and what became of each event."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from conversations.models import WebhookDelivery, WebhookEndpoint
from conversations.webhooks.attempts import DELAYS
from conversations.webhooks.endpoints import (
    OVERLAP,
    PER_ACCOUNT,
    NotFailedError,
    TooManyEndpointsError,
    delivery_resend,
    endpoint_create,
    endpoint_delete,
    endpoint_update,
    endpoints_called,
    secret_rotate,
    trial_send,
)
from conversations.webhooks.forms import EndpointForm
from integrations.entry.account.confirming import recently_confirmed
from integrations.models import Access, Area, Project
from integrations.projects.access import project_view
from integrations.projects.frame.address import asked, page_asked

DELIVERIES_PER_PAGE = 25
_view = project_view(Area.ACCOUNT)
_BADGES = {"pending": ("info", "Waiting"), "delivered": ("ok", "Delivered")}
_RETRIED = ("warning", "Tried again")
_FAILED = ("error", "Failed")
# Why no answer came, or why what came is none.
_REASONS = {
    "timeout": "no answer within the timeout",
    "dns": "the name is not known",
    "tls": "no secure connection",
    "connection": "nobody takes the connection",
    "address": "the address is inside a private network",
    "gone": "what happened is not kept any more",
}


@_view
@require_http_methods(["GET"])
def webhooks(request: HttpRequest, project: Project) -> HttpResponse:
    """List the project's endpoints with what waits and what failed."""
    counts = {
        name: Count("deliveries", filter=Q(deliveries__status=name))
        for name in ("pending", "failed")
    }
    rows = endpoints_called(project).annotate(**counts)
    return render(request, "conversations/webhooks.html", {"endpoints": rows})


@never_cache
@project_view(Area.ACCOUNT, to_read=Access.EDIT)
@require_http_methods(["GET", "POST"])
@recently_confirmed
def webhook_new(request: HttpRequest, project: Project) -> HttpResponse:
    """Add an endpoint; its secret is in the answer to the form, and nowhere else."""
    form = EndpointForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            endpoint, secret = endpoint_create(
                project=project,
                actor=request.user,
                values=form.values,
                headers=form.chosen_headers,
            )
        except TooManyEndpointsError as error:
            form.add_error(None, str(error))
        else:
            return _page(request, endpoint, fresh_secret=secret)
    context = {"form": form, "most": PER_ACCOUNT}
    status = 422 if form.errors else 200
    return render(request, "conversations/webhook_new.html", context, status=status)


@_view
@require_http_methods(["GET", "POST"])
def webhook(request: HttpRequest, project: Project, endpoint_id: str) -> HttpResponse:
    """Show an endpoint and its deliveries; a POST changes it."""
    endpoint = _found(project, endpoint_id)
    if request.method != "POST":
        return _page(request, endpoint)
    form = EndpointForm(request.POST)
    if not form.is_valid():
        return _page(request, endpoint, form)
    endpoint_update(
        endpoint=endpoint, actor=request.user, values=form.values, headers=form.chosen_headers
    )
    messages.success(request, "Saved. It holds from the next event on.")
    return _back(project, endpoint)


@never_cache
@require_POST
@_view
@recently_confirmed
def webhook_secret(request: HttpRequest, project: Project, endpoint_id: str) -> HttpResponse:
    """Rotate the secret and show the new one in the answer, once."""
    endpoint, secret = secret_rotate(endpoint=_found(project, endpoint_id), actor=request.user)
    return _page(request, endpoint, fresh_secret=secret)


@require_POST
@_view
@recently_confirmed
def webhook_remove(request: HttpRequest, project: Project, endpoint_id: str) -> HttpResponse:
    """Delete an endpoint whose name was typed."""
    endpoint = _found(project, endpoint_id)
    if request.POST.get("confirm_name", "").strip() != endpoint.name:
        messages.error(
            request, f"The name does not match. Type {endpoint.name} to delete the endpoint."
        )
        return _back(project, endpoint)
    endpoint_delete(endpoint=endpoint, actor=request.user)
    messages.success(request, f"{endpoint.name} is deleted.")
    return redirect("webhooks", project_id=project.public_id)


@require_POST
@_view
def webhook_test(request: HttpRequest, project: Project, endpoint_id: str) -> HttpResponse:
    """Send an event that means nothing."""
    endpoint = _found(project, endpoint_id)
    if endpoint.is_enabled:
        trial_send(endpoint=endpoint, actor=request.user)
        messages.success(request, "A test is on its way. Reload the page to see what came of it.")
    else:
        messages.error(request, "The endpoint is off. Enable it, then send a test.")
    return _back(project, endpoint)


@require_POST
@_view
def webhook_resend(
    request: HttpRequest, project: Project, endpoint_id: str, event_id: uuid.UUID
) -> HttpResponse:
    """Send an event again that is over, or now instead of later."""
    endpoint = _found(project, endpoint_id)
    delivery = get_object_or_404(endpoint.deliveries, event_id=event_id)
    try:
        delivery_resend(delivery=delivery, actor=request.user)
        messages.success(request, "It is sent again, under the same id.")
    except NotFailedError as error:
        messages.error(request, str(error))
    return _back(project, endpoint)


def _page(
    request: HttpRequest,
    endpoint: WebhookEndpoint,
    form: EndpointForm | None = None,
    *,
    fresh_secret: str = "",
) -> HttpResponse:
    status = asked(request, "status", WebhookDelivery.Status.values)
    rows = endpoint.deliveries.order_by("-pk")
    found = Paginator(rows.filter(status=status) if status else rows, DELIVERIES_PER_PAGE)
    page = page_asked(request, found)
    until = endpoint.previous_until
    context = {
        "endpoint": endpoint,
        "form": form or EndpointForm.for_endpoint(endpoint),
        "header_names": sorted(endpoint.secrets.get("headers", {})),
        "fresh_secret": fresh_secret,
        "overlap_until": until if until and until > timezone.now() else None,
        "overlap_hours": int(OVERLAP.total_seconds() // 3600),
        "page": page,
        "deliveries": [_line(row) for row in page],
        "status": status,
        "statuses": WebhookDelivery.Status.choices,
        "query": f"status={status}" if status else "",
        "keep_days": settings.WEBHOOK_DELIVERY_KEEP_DAYS,
        "tries": len(DELAYS),
    }
    code = 422 if form is not None else 200
    return render(request, "conversations/webhook.html", context, status=code)


def _line(row: WebhookDelivery) -> dict[str, Any]:
    """Return a delivery as the table shows it."""
    is_retried = row.status == WebhookDelivery.Status.PENDING and row.attempts > 0
    kind, label = _RETRIED if is_retried else _BADGES.get(row.status, _FAILED)
    if row.response_status is not None:
        answer = str(row.response_status)
    else:
        answer = _REASONS.get(row.error_code, row.error_code.replace("_", " "))
    return {"row": row, "kind": kind, "label": label, "answer": answer, "is_retried": is_retried}


def _found(project: Project, endpoint_id: str) -> WebhookEndpoint:
    return get_object_or_404(endpoints_called(project), pk=endpoint_id)


def _back(project: Project, endpoint: WebhookEndpoint) -> HttpResponse:
    return redirect("webhook", project_id=project.public_id, endpoint_id=endpoint.pk)
