"""What goes over the wire of the Webhooks API, and how it is judged (agent_api section 16)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema_serializer
from rest_framework import serializers

from conversations.api.strict import ClosedSerializer
from conversations.models import WebhookEndpoint
from conversations.models.webhook import TIMEOUT_MS
from conversations.webhooks.endpoints import (
    NAME_MAX,
    OVERLAP,
    OVERLAP_MAX,
    TIMEOUT_MAX_MS,
    TIMEOUT_MIN_MS,
    URL_MAX,
    endpoint_url_problem,
    headers_problem,
)
from conversations.webhooks.event_types import WebhookType

TAG = "Webhooks API"
# A header's value may be a secret: it is taken and never shown again.
HEADER_IS_SET = "set"
_SHOWN: dict[str, Any] = {
    "id": "whe_5b1f0c2d9a7e4f6a8b3c1d20",
    "name": "Warehouse",
    "url": "https://hooks.example.com/baton",
    "enabled": True,
    "event_types": ["handoff.ended", "message.created"],
    "headers": {"X-Shop": HEADER_IS_SET},
    "timeout_ms": 5000,
    "created_at": "2026-11-20T09:13:50Z",
    "updated_at": "2026-11-20T09:13:50Z",
}
_SECRET = "whsec_2c6ZyJq0d1mUu3m5Yw7o9Q1s3U5w7Y9a1C3e5G7i9K0"  # noqa: S105  # an example
ONE = OpenApiExample("An endpoint", value=_SHOWN)
ONE_WITH_SECRET = OpenApiExample("A new endpoint", value={**_SHOWN, "signing_secret": _SECRET})
SEVERAL = OpenApiExample("One endpoint", value={"data": [_SHOWN]})
NEW_SECRET = OpenApiExample(
    "A new secret",
    value={"signing_secret": _SECRET, "previous_valid_until": "2026-11-21T09:13:50Z"},
)
CREATE = OpenApiExample(
    "Two events",
    request_only=True,
    value={
        "name": "Warehouse",
        "url": "https://hooks.example.com/baton",
        "event_types": ["handoff.ended", "message.created"],
        "headers": {"X-Shop": "north"},
        "timeout_ms": 5000,
    },
)
UPDATE = OpenApiExample("Switch off", request_only=True, value={"enabled": False})
ROTATE = OpenApiExample("At once", request_only=True, value={"overlap_seconds": 0})
ENDPOINT_ID = OpenApiParameter(
    "endpoint_id", location=OpenApiParameter.PATH, description="Its id, such as whe_5b1f0c2d9a7e."
)
FILTERS = [
    OpenApiParameter("enabled", bool, description="Those that are on, or those that are off."),
    OpenApiParameter(
        "event_type", enum=WebhookType.values, description="Those that have chosen this event."
    ),
]


class EndpointFields(ClosedSerializer):
    """What may be chosen of an endpoint; a field that is unknown is refused."""

    name = serializers.CharField(max_length=NAME_MAX)
    url = serializers.CharField(max_length=URL_MAX, help_text="Begins with https://.")
    event_types = serializers.ListField(
        child=serializers.CharField(), min_length=1, help_text="What it is told of."
    )
    headers = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False),
        required=False,
        help_text="Sent along with each call; never shown again.",
    )
    timeout_ms = serializers.IntegerField(
        required=False, min_value=TIMEOUT_MIN_MS, max_value=TIMEOUT_MAX_MS, default=TIMEOUT_MS
    )
    enabled = serializers.BooleanField(required=False, default=True)

    def validate_url(self, value: str) -> str:
        """Refuse what the portal may not call."""
        if problem := endpoint_url_problem(value):
            raise serializers.ValidationError(problem)
        return value

    def validate_event_types(self, value: list[str]) -> list[str]:
        """Refuse events that are not there; keep the rest once, in our order."""
        if unknown := sorted(set(value) - set(WebhookType.values)):
            known = ", ".join(WebhookType.values)
            raise serializers.ValidationError(f"There is no {unknown[0][:60]}. Choose of {known}.")
        return [one for one in WebhookType.values if one in value]

    def validate_headers(self, value: dict[str, str]) -> dict[str, str]:
        """Refuse what Baton sets itself, and what no header can be."""
        if problem := headers_problem(value):
            raise serializers.ValidationError(problem)
        return value


@extend_schema_serializer(component_name="WebhookEndpointCreate")
class EndpointCreate(EndpointFields):
    """A new endpoint."""


@extend_schema_serializer(component_name="WebhookEndpointUpdate")
class EndpointUpdate(EndpointFields):
    """What is to change; the rest stays."""


class _Shown(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    url = serializers.CharField()
    enabled = serializers.BooleanField()
    event_types = serializers.ListField(child=serializers.CharField())
    headers = serializers.DictField(
        child=serializers.CharField(), help_text=f"By name; the value is always `{HEADER_IS_SET}`."
    )
    timeout_ms = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


@extend_schema_serializer(component_name="WebhookEndpointOut")
class EndpointOut(_Shown):
    """An endpoint, without its secret."""


@extend_schema_serializer(component_name="WebhookEndpointUpdateOut")
class EndpointUpdateOut(_Shown):
    """The endpoint as it is now."""


@extend_schema_serializer(component_name="WebhookEndpointCreateOut")
class EndpointCreateOut(_Shown):
    """The endpoint and its secret."""

    signing_secret = serializers.CharField(help_text="Shown this once: keep it safe.")


@extend_schema_serializer(component_name="WebhookEndpointListOut")
class EndpointListOut(serializers.Serializer[Any]):
    """The endpoints of the key's project, oldest first."""

    data = EndpointOut(many=True)  # type: ignore[assignment]  # the documented name


@extend_schema_serializer(component_name="WebhookSecretRotate")
class SecretRotate(ClosedSerializer):
    """How long the secret before goes on signing."""

    overlap_seconds = serializers.IntegerField(
        required=False,
        default=int(OVERLAP.total_seconds()),
        min_value=0,
        max_value=int(OVERLAP_MAX.total_seconds()),
        help_text="0 ends it at once, for a secret that leaked.",
    )


@extend_schema_serializer(component_name="WebhookSecretRotateOut")
class SecretRotateOut(serializers.Serializer[Any]):
    """The new secret."""

    signing_secret = serializers.CharField(help_text="Shown this once: keep it safe.")
    previous_valid_until = serializers.DateTimeField(allow_null=True)


def endpoint_shown(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Return an endpoint as it goes over the wire."""
    return {
        "id": endpoint.pk,
        "name": endpoint.name,
        "url": endpoint.url,
        "enabled": endpoint.is_enabled,
        "event_types": endpoint.event_types,
        "headers": dict.fromkeys(endpoint.secrets.get("headers", {}), HEADER_IS_SET),
        "timeout_ms": endpoint.timeout_ms,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
    }


def columns_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that judged fields stand for."""
    names = {"enabled": "is_enabled"}
    return {names.get(name, name): value for name, value in fields.items() if name != "headers"}
