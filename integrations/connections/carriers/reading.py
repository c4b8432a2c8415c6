"""Carriers as the channels above see them, without a call: which there are, and what they read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from integrations.connections.addresses import webhook_urls
from integrations.contract.carrier import InboundText, TextReport, ThreadPolicy
from integrations.contract.connector import WebhookItem
from integrations.contract.manifest import ErrorHelp
from integrations.contract.registry import carrier_class, carrier_keys
from integrations.models import Integration, Project


@dataclass(frozen=True, slots=True, kw_only=True)
class TextLimits:
    """What fits into one text."""

    characters: int
    media_bytes: int
    media_files: int


def is_carrier(integration: Integration) -> bool:
    """Say whether end users write through a connection, and no live agent is behind it."""
    return integration.connector_key in carrier_keys()


def carrier_connections(project: Project) -> QuerySet[Integration]:
    """Return the project's connections to carriers, by environment."""
    rows = Integration.objects.filter(project=project, connector_key__in=carrier_keys())
    return rows.exclude(status=Integration.Status.NOT_CONNECTED).order_by("environment", "pk")


def carriers_in_use() -> list[Integration]:
    """Return every connection to a carrier that texts may come in by."""
    rows = Integration.objects.filter(connector_key__in=carrier_keys())
    return [row for row in rows.select_related("project__workspace") if row.is_usable]


def connection_policy(integration: Integration) -> ThreadPolicy:
    """Return what the connection's values say about its threads."""
    return carrier_class(integration.connector_key).policy(integration.credentials)


def carrier_reads(
    integration: Integration, items: Sequence[WebhookItem]
) -> list[InboundText | TextReport]:
    """Return what verified calls tell."""
    carrier = carrier_class(integration.connector_key)
    read = (carrier.read(item, integration.credentials) for item in items)
    return [one for one in read if one is not None]


def text_limits(integration: Integration) -> TextLimits:
    """Return what fits into one text of a connection."""
    carrier = carrier_class(integration.connector_key)
    return TextLimits(
        characters=carrier.max_characters,
        media_bytes=carrier.max_media_bytes,
        media_files=carrier.max_media_files,
    )


def report_address(integration: Integration) -> str:
    """Return where the carrier tells what became of a text."""
    urls: Mapping[str, str] = webhook_urls(integration)
    return urls["status"]


def error_cause(integration: Integration, code: str) -> ErrorHelp | None:
    """Return what the carrier's own number for an error means, where it is known."""
    return carrier_class(integration.connector_key).error_causes.get(code)
