"""Receive vendors' webhooks: verify, store, answer; the relay session does the rest."""

from __future__ import annotations

import logging
import time

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from handoffs.webhook_inbox import call_missed, webhook_take
from integrations.connector import WebhookRequest
from integrations.errors import WebhookVerificationError
from integrations.metrics import WEBHOOKS_RECEIVED, WEBHOOKS_REFUSED
from integrations.webhook_integrations import ENDPOINTS, integrations_for_webhook

logger = logging.getLogger(__name__)
MAX_BYTES = 1024 * 1024
# Calls that wait so long for the database are let go together, in whatever order.
SLOW_SECONDS = 1.0


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def vendor_webhook(request: HttpRequest, **place: str) -> HttpResponse:
    """Answer 200 once everything is stored, 401 for a bad signature, 404 where nothing is
    connected, 413 for too large a body; a failed store is a 503, so that the vendor repeats."""
    try:
        return _answer(request, **place)
    except DatabaseError as error:
        call_missed()
        logger.warning("A webhook could not be stored: %s", type(error).__name__)
        return _error(503, "Not stored. Send it again.")


def _answer(
    request: HttpRequest,
    vendor: str,
    account_id: str,
    project_id: str,
    environment: str,
    endpoint: str,
) -> HttpResponse:
    begun = time.monotonic()
    found = integrations_for_webhook(vendor, account_id, project_id, environment)
    if time.monotonic() - begun > SLOW_SECONDS:
        call_missed()
    if not found or endpoint not in ENDPOINTS:
        return _error(404, "Nothing is connected at this address.")
    if int(request.META.get("CONTENT_LENGTH") or 0) > MAX_BYTES:
        return _error(413, f"The body may have {MAX_BYTES} bytes.")
    call = _read(request, endpoint)
    for integration in found:
        try:
            result = webhook_take(integration, call)
        except WebhookVerificationError:
            continue
        WEBHOOKS_RECEIVED.labels(integration.connector_key).inc()
        return HttpResponse(result.body, status=result.status, content_type=result.content_type)
    logger.warning("A webhook was refused: wrong signature", extra={"vendor": vendor})
    return _error(401, "The signature does not fit the body.")


def _read(request: HttpRequest, endpoint: str) -> WebhookRequest:
    return WebhookRequest(
        endpoint=endpoint,
        method=request.method or "",
        headers={name.lower(): value for name, value in request.headers.items()},
        query=request.GET.dict(),
        body=request.body,
    )


def _error(status: int, message: str) -> JsonResponse:
    WEBHOOKS_REFUSED.labels(str(status)).inc()
    return JsonResponse({"error_message": message}, status=status)
