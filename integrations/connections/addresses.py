"""Find whose webhook a call is, by its address alone; the signature decides among the found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from integrations.connections.drafts import draft_of
from integrations.contract.connector import Connector
from integrations.contract.registry import connector_class, manifest_get, manifests
from integrations.models import Integration

# Some vendors' guides print this word where the workspace's id stands elsewhere.
_ANY_ACCOUNT = "PLATFORM"
ENDPOINTS = ("events", "status")


def takes_webhooks(vendor: str) -> bool:
    """Say whether any connector of a vendor, as its name stands in an address, reads webhooks."""
    key = _integration_key(vendor)
    return any(_reads(found.key) for found in manifests() if found.integration_key == key)


def appends_to_address(vendor: str) -> bool:
    """Say whether a vendor calls paths of its own below our address."""
    key = _integration_key(vendor)
    return any(one.appends_to_address for one in manifests() if one.integration_key == key)


def integrations_for_webhook(
    vendor: str, account_id: str, project_id: str, environment: str
) -> list[Integration]:
    """Return the integrations of a vendor (`zendesk` or its integration key) that have values.

    One that is being connected is among them: the vendor may call before everything is saved.
    """
    key = _integration_key(vendor)
    project = Q(project__public_id=project_id) | Q(project__slug=project_id)
    account = Q(project__workspace__public_id=account_id) | Q(project__workspace__slug=account_id)
    if account_id == _ANY_ACCOUNT:
        # A slug is not unique without its workspace, an id is.
        project, account = Q(project__public_id=project_id), Q()
    found = Integration.objects.filter(
        project, account, integration_key=key, environment=environment
    ).select_related("project__workspace")
    rows = found.order_by("credential_set")
    known = [row for row in rows if _reads(row.connector_key)]
    return [row for row in known if row.credentials or draft_of(row).values]


def _integration_key(vendor: str) -> str:
    return vendor if vendor.endswith("_integration") else f"{vendor}_integration"


def _reads(connector_key: str) -> bool:
    # A class method is bound anew each time; what it is bound from is the same.
    own = connector_class(connector_key).parse_webhook.__func__  # type: ignore[attr-defined]
    return own is not Connector.parse_webhook.__func__  # type: ignore[attr-defined]


def webhook_urls(integration: Integration) -> Mapping[str, str]:
    """Return the addresses, by endpoint, that the vendor may call for an integration."""
    project = integration.project
    return {
        endpoint: _address(integration, project.workspace.public_id, project.public_id, endpoint)
        for endpoint in ENDPOINTS
    }


def webhook_values(integration: Integration) -> dict[str, str]:
    """Return what a connection test needs to compare the vendor's target with our addresses.

    `webhook_url` is what the portal shows for events, `webhook_url_status` for status; with
    `_aliases` added the name holds every address that reaches the same place, one on each line.
    """
    values: dict[str, str] = {}
    for endpoint, url in webhook_urls(integration).items():
        name = "webhook_url" if endpoint == ENDPOINTS[0] else f"webhook_url_{endpoint}"
        values[name] = url
        values[f"{name}_aliases"] = "\n".join(_aliases(integration, endpoint))
    return values


def _aliases(integration: Integration, endpoint: str) -> Iterator[str]:
    project = integration.project
    accounts = (project.workspace.public_id, project.workspace.slug)
    pairs = [*product(accounts, (project.public_id, project.slug))]
    for account_id, project_id in [*pairs, (_ANY_ACCOUNT, project.public_id)]:
        yield _address(integration, account_id, project_id, endpoint)


def _address(integration: Integration, account_id: str, project_id: str, endpoint: str) -> str:
    path = reverse(
        "vendor_webhook",
        kwargs={
            "vendor": integration.integration_key.removesuffix("_integration"),
            "account_id": account_id,
            "project_id": project_id,
            "environment": integration.environment,
            "endpoint": endpoint,
        },
    )
    return f"{settings.PUBLIC_URL}{path}"


def with_our_addresses(integration: Integration, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values with the addresses that checks compare the vendor's target with."""
    is_called = manifest_get(integration.connector_key).has_webhooks
    return {**values, **(webhook_values(integration) if is_called else {})}
