"""What /api/schema says of the Credentials API: its documents, its answers, examples."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema_serializer
from rest_framework import serializers

from conversations.api.schema import ACCOUNT_AND_PROJECT, Interface
from integrations.contract.registry import manifests
from integrations.models import Environment

API = Interface(
    "Credentials API",
    ["apiKey"],
    _401="UNAUTHORIZED",
    _403="FORBIDDEN",
    _404="NOT_FOUND",
    _429="RATE_LIMITED",
)
PARAMETERS = [
    *ACCOUNT_AND_PROJECT,
    OpenApiParameter(
        "vendor",
        location=OpenApiParameter.PATH,
        description="As payloads name it, with or without `_integration`.",
    ),
    OpenApiParameter(
        "client_env",
        location=OpenApiParameter.PATH,
        enum=list(Environment.values),
        description="Which environment.",
    ),
]
ONE_SET = OpenApiParameter(
    "credential_set", description="Which set; that of `__default__` unless named."
)
# The first tile's vendor serves as the example, with the values that its form shows.
_MANIFEST = min(
    (found for found in manifests() if found.takes_live_chats), key=lambda found: found.tile_order
)
_FIELDS = {
    field.name: field.example
    for field in _MANIFEST.fields
    if field.example and not field.kind.is_secret
}
_DOCUMENT: dict[str, Any] = {
    "credential_sets": {"default": _FIELDS},
    "assignments": {"__default__": "default"},
    "settings": {"after_agent": "return_to_bot"},
}
_SHOWN: dict[str, Any] = {
    **_DOCUMENT,
    "vendor": _MANIFEST.integration_key.removesuffix("_integration"),
    "client_env": "sandbox",
    "states": {"default": "connected"},
}
TEST = OpenApiExample(
    "Values that are not saved", value={"credential_sets": {"default": _FIELDS}}, request_only=True
)
PUT = OpenApiExample(_MANIFEST.name, value=_DOCUMENT, request_only=True)
SHOWN = OpenApiExample(_MANIFEST.name, value=_SHOWN, response_only=True)
TESTED = OpenApiExample(
    "All is well",
    value={
        "ok": True,
        "checks": [{"name": "token", "ok": True, "code": "ok", "detail": "", "ms": 212}],
    },
)
STATUS = OpenApiExample(
    "Connected",
    value={
        "state": "connected",
        "last_ok_at": "2026-11-20T09:13:50Z",
        "last_error": None,
        "open_handoffs": 2,
    },
)


class CredentialsFields(serializers.Serializer[Any]):
    """A document; the fields of a set are those of the vendor's Connect form."""

    credential_sets = serializers.DictField(
        child=serializers.DictField(),
        help_text="By name: field and value. A secret's mask leaves the secret as it is.",
    )
    assignments = serializers.DictField(
        child=serializers.CharField(),
        required=False,
        help_text="By variant, and `__default__` for the rest: the name of a set.",
    )
    settings = serializers.DictField(
        required=False, help_text="The fields of the step Behaviour, for every set."
    )


@extend_schema_serializer(component_name="CredentialsUpdate")
class CredentialsUpdate(CredentialsFields):
    """What the connections shall be."""

    save_anyway = serializers.BooleanField(
        default=False, help_text="Save although a check failed; the tile then needs attention."
    )


class _Shown(CredentialsFields):
    vendor = serializers.CharField()
    client_env = serializers.CharField()
    states = serializers.DictField(child=serializers.CharField(), help_text="By set.")
    webhook_urls = serializers.DictField(
        child=serializers.CharField(), required=False, help_text="What the vendor is to call."
    )


@extend_schema_serializer(component_name="CredentialsOut")
class CredentialsOut(_Shown):
    """The connections as they are; secrets are masked."""


@extend_schema_serializer(component_name="CredentialsUpdateOut")
class CredentialsUpdateOut(_Shown):
    """The connections as they are now; secrets are masked."""


@extend_schema_serializer(component_name="CredentialsTest")
class CredentialsTest(serializers.Serializer[Any]):
    """Values to test that are not saved; without them those in use are tested."""

    credential_sets = serializers.DictField(child=serializers.DictField(), required=False)


class CredentialsCheck(serializers.Serializer[Any]):
    """One check."""

    name = serializers.CharField()
    ok = serializers.BooleanField()
    code = serializers.CharField()
    detail = serializers.CharField(allow_blank=True)
    ms = serializers.IntegerField(allow_null=True)


@extend_schema_serializer(component_name="CredentialsTestOut")
class CredentialsTestOut(serializers.Serializer[Any]):
    """How the test went."""

    ok = serializers.BooleanField()
    checks = CredentialsCheck(many=True)


class CredentialsLastError(serializers.Serializer[Any]):
    """What the tile says."""

    at = serializers.DateTimeField(allow_null=True)
    code = serializers.CharField()
    message = serializers.CharField(allow_blank=True)


@extend_schema_serializer(component_name="CredentialsStatusOut")
class CredentialsStatusOut(serializers.Serializer[Any]):
    """How a connection stands."""

    state = serializers.ChoiceField(["connected", "needs_attention", "disabled", "not_connected"])
    last_ok_at = serializers.DateTimeField(allow_null=True)
    last_error = CredentialsLastError(allow_null=True)
    open_handoffs = serializers.IntegerField()
