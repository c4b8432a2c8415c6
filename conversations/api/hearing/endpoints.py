"""The Webhooks API: a project's endpoints, by a key with the permission Webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from conversations.api.access import Opened, clean, key_open
from conversations.api.errors import BadFieldError, EnvelopeView, error_response
from conversations.api.hearing import fields
from conversations.api.schema import Interface, answer
from conversations.api.strict import problems_told
from conversations.models import WebhookEndpoint
from conversations.webhooks.endpoints import (
    TooManyEndpointsError,
    endpoint_create,
    endpoint_delete,
    endpoint_update,
    endpoints_called,
    secret_rotate,
)
from conversations.webhooks.event_types import WebhookType
from integrations.models import ApiKey, Project

REQUESTS_PER_MINUTE = 60
_API = Interface(fields.TAG, ["apiKey"], _401="UNAUTHORIZED", _403="FORBIDDEN", _429="RATE_LIMITED")


class _View(EnvelopeView):
    """A call for the project of the key."""

    def act(self, request: Request, do: Callable[[Opened], Response]) -> Response:
        """Open the key's project and do it; every refusal has the envelope."""
        try:
            opened = key_open(request, ApiKey.Permission.WEBHOOKS, limit=REQUESTS_PER_MINUTE)
            return do(opened)
        except TooManyEndpointsError as error:
            return error_response(409, "TOO_MANY_WEBHOOK_ENDPOINTS", str(error))
        except WebhookEndpoint.DoesNotExist:
            return error_response(404, "NOT_FOUND", "This project has no such webhook endpoint.")


class WebhookEndpointsView(_View):
    """/v1/webhook-endpoints."""

    @_API.operation(
        "webhook_endpoints_list",
        "List webhook endpoints",
        "All of the key's project, without their secrets.",
        parameters=fields.FILTERS,
        gives=answer(fields.EndpointListOut, "They are.", fields.SEVERAL),
        _400="INVALID_REQUEST",
    )
    def get(self, request: Request) -> Response:
        """Return them, or those that are asked for."""

        def do(opened: Opened) -> Response:
            wanted = _enabled(request.query_params.get("enabled", ""))
            event_type = _event_type(request.query_params.get("event_type", ""))
            rows = [
                fields.endpoint_shown(row)
                for row in endpoints_called(opened.project)
                if wanted in (None, row.is_enabled)
                and (not event_type or event_type in row.event_types)
            ]
            return Response({"data": rows})

        return self.act(request, do)

    @_API.operation(
        "webhook_endpoints_create",
        "Create a webhook endpoint",
        "The answer holds the signing secret, this once. An account has at most ten.",
        takes=fields.EndpointCreate,
        examples=[fields.CREATE],
        gives=answer(
            fields.EndpointCreateOut,
            "It hears of what happens from now on.",
            fields.ONE_WITH_SECRET,
            status=201,
        ),
        _400="INVALID_REQUEST",
        _409="TOO_MANY_WEBHOOK_ENDPOINTS",
    )
    def post(self, request: Request) -> Response:
        """Add one."""

        def do(opened: Opened) -> Response:
            asked = _judged(fields.EndpointCreate(data=_body(request)))
            endpoint, secret = endpoint_create(
                project=opened.project,
                actor=opened.key,
                values=fields.columns_of(asked),
                headers=asked.get("headers"),
            )
            shown = fields.endpoint_shown(endpoint)
            return Response({**shown, "signing_secret": secret}, status=201)

        return self.act(request, do)


class WebhookEndpointView(_View):
    """/v1/webhook-endpoints/{endpoint_id}."""

    @_API.operation(
        "webhook_endpoints_retrieve",
        "Get a webhook endpoint",
        "Without its secret, which nobody can read again.",
        parameters=[fields.ENDPOINT_ID],
        gives=answer(fields.EndpointOut, "It is.", fields.ONE),
        _404="NOT_FOUND",
    )
    def get(self, request: Request, endpoint_id: str) -> Response:
        """Return one."""
        return self.act(
            request,
            lambda opened: Response(fields.endpoint_shown(_found(opened.project, endpoint_id))),
        )

    @_API.operation(
        "webhook_endpoints_partial_update",
        "Update a webhook endpoint",
        "Changes what is named. What waits while it is off is sent when it is on.",
        parameters=[fields.ENDPOINT_ID],
        takes=fields.EndpointUpdate,
        examples=[fields.UPDATE],
        gives=answer(fields.EndpointUpdateOut, "As it is now.", fields.ONE),
        _400="INVALID_REQUEST",
        _404="NOT_FOUND",
    )
    def patch(self, request: Request, endpoint_id: str) -> Response:
        """Change one."""

        def do(opened: Opened) -> Response:
            found = _found(opened.project, endpoint_id)
            asked = _judged(fields.EndpointUpdate(data=_body(request), partial=True))
            row = endpoint_update(
                endpoint=found,
                actor=opened.key,
                values=fields.columns_of(asked),
                headers=asked.get("headers"),
            )
            return Response(fields.endpoint_shown(row))

        return self.act(request, do)

    @_API.operation(
        "webhook_endpoints_destroy",
        "Delete a webhook endpoint",
        "What waits for it is not sent any more.",
        parameters=[fields.ENDPOINT_ID],
        gives=answer(None, "It is gone.", status=204),
        _404="NOT_FOUND",
    )
    def delete(self, request: Request, endpoint_id: str) -> Response:
        """Delete one."""

        def do(opened: Opened) -> Response:
            endpoint_delete(endpoint=_found(opened.project, endpoint_id), actor=opened.key)
            return Response(status=204)

        return self.act(request, do)


class WebhookSecretView(_View):
    """/v1/webhook-endpoints/{endpoint_id}/rotate-secret."""

    @_API.operation(
        "webhook_endpoints_rotate_secret_create",
        "Rotate a signing secret",
        "For `overlap_seconds` (a day) both secrets sign: X-Handoff-Signature then holds two "
        "signatures with a comma between them, that of the new secret first.",
        parameters=[fields.ENDPOINT_ID],
        takes=fields.SecretRotate,
        examples=[fields.ROTATE],
        gives=answer(fields.SecretRotateOut, "The new secret, this once.", fields.NEW_SECRET),
        _400="INVALID_REQUEST",
        _404="NOT_FOUND",
    )
    def post(self, request: Request, endpoint_id: str) -> Response:
        """Make a new secret."""

        def do(opened: Opened) -> Response:
            found = _found(opened.project, endpoint_id)
            asked = _judged(fields.SecretRotate(data=_body(request)))
            overlap = timedelta(seconds=asked["overlap_seconds"])
            row, secret = secret_rotate(endpoint=found, actor=opened.key, overlap=overlap)
            return Response({"signing_secret": secret, "previous_valid_until": row.previous_until})

        return self.act(request, do)


def _found(project: Project, endpoint_id: str) -> WebhookEndpoint:
    """Return the project's endpoint; another project's is not there."""
    return endpoints_called(project).get(pk=clean(endpoint_id))


def _body(request: Request) -> Mapping[str, Any]:
    body = request.data
    if not isinstance(body, Mapping):
        raise BadFieldError("The body must be a JSON object.")
    return body


def _judged(given: serializers.Serializer[Any]) -> Mapping[str, Any]:
    if not given.is_valid():
        raise BadFieldError(problems_told(given.errors))
    return dict(given.validated_data)


def _event_type(asked: str) -> str:
    if asked and asked not in WebhookType.values:
        raise BadFieldError(f"event_type is one of {', '.join(WebhookType.values)}.")
    return asked


def _enabled(asked: str) -> bool | None:
    known = {"": None, "true": True, "false": False}
    if asked not in known:
        raise BadFieldError("enabled is true or false.")
    return known[asked]
