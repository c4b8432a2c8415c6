"""Receive vendors' webhooks: verify, store, answer; the relay session does the rest."""

from __future__ import annotations

import logging
import time

from django.conf import settings
from django.core.handlers.asgi import ASGIRequest
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from handoffs.receiving.inbox import call_missed, webhook_take
from integrations.connections.addresses import (
    ENDPOINTS,
    appends_to_address,
    integrations_for_webhook,
    takes_webhooks,
)
from integrations.contract.connector import WebhookRequest
from integrations.contract.errors import WebhookVerificationError
from integrations.entry.envelope import envelope
from integrations.models import Environment
from integrations.telemetry.metrics import WEBHOOKS_RECEIVED, WEBHOOKS_REFUSED

logger = logging.getLogger(__name__)
MAX_BYTES = 1024 * 1024
# Calls that wait so long for the database are let go together, in whatever order.
SLOW_SECONDS = 1.0


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def vendor_webhook(request: HttpRequest, **place: str) -> HttpResponse:
    """Answer 200 once everything is stored, 401 without a true signature, whether something is
    connected there or not, 404 for a vendor that takes no webhooks, 413 for too large a body; a
    store that is away is a 503, so that the vendor repeats."""
    return _answered(request, **place)


@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST", "PUT"])
def vendor_webhook_appended(request: HttpRequest, **place: str) -> HttpResponse:
    """Answer likewise at what a vendor appends to our address; 404 for vendors that do not."""
    if not appends_to_address(place["vendor"]):
        return _error(404, "NOT_FOUND", "No webhooks are taken at this address.")
    return _answered(request, **place)


def _answered(request: HttpRequest, **place: str) -> HttpResponse:
    try:
        return _answer(request, **place)
    except (OperationalError, InterfaceError) as error:
        call_missed()
        logger.warning("A webhook could not be stored: %s", type(error).__name__)
        return _error(503, "DATABASE_UNAVAILABLE", "Not stored. Send it again.")


def _answer(
    request: HttpRequest,
    vendor: str,
    account_id: str,
    project_id: str,
    environment: str,
    endpoint: str,
    appended: str = "",
) -> HttpResponse:
    if endpoint not in ENDPOINTS or environment not in Environment or not takes_webhooks(vendor):
        return _error(404, "NOT_FOUND", "No webhooks are taken at this address.")
    if request.method == "HEAD":
        return HttpResponse()  # a look whether somebody is there, which tells nothing else
    if len(request.body) > MAX_BYTES:
        return _error(413, "PAYLOAD_TOO_LARGE", f"The body may have {MAX_BYTES} bytes.")
    begun = time.monotonic()
    found = integrations_for_webhook(vendor, account_id, project_id, environment)
    was_late = time.monotonic() - begun > SLOW_SECONDS
    call = _read(request, endpoint, appended)
    for integration in found:
        try:
            result = webhook_take(integration, call, was_late=was_late)
        except WebhookVerificationError:
            continue
        WEBHOOKS_RECEIVED.labels(integration.connector_key).inc()
        return HttpResponse(result.body, status=result.status, content_type=result.content_type)
    logger.warning("A webhook was refused: wrong signature", extra={"vendor": vendor})
    return _error(401, "UNAUTHORIZED", "The signature does not fit the body.")


def _read(request: HttpRequest, endpoint: str, appended: str) -> WebhookRequest:
    return WebhookRequest(
        endpoint=endpoint,
        method=request.method or "",
        headers={name.lower(): value for name, value in request.headers.items()},
        query=request.GET.dict(),
        body=request.body,
        path=appended.strip("/"),
        url=_address(request),
    )


def _address(request: HttpRequest) -> str:
    """Return the address as the public knows it, to the letter: a vendor may have signed it.

    Neither the proxy's scheme and host nor a tidier way to write the path is what was signed.
    """
    path = _raw_path(request)
    query = request.META.get("QUERY_STRING", "")
    return f"{settings.PUBLIC_URL}{path}" + (f"?{query}" if query else "")


def _raw_path(request: HttpRequest) -> str:
    raw: bytes = request.scope.get("raw_path") or b"" if isinstance(request, ASGIRequest) else b""
    return raw.decode("latin-1") or request.path


def _error(status: int, code: str, message: str) -> JsonResponse:
    WEBHOOKS_REFUSED.labels(str(status)).inc()
    return JsonResponse(envelope(code, message), status=status)
