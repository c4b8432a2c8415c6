"""Find whose webhook a call is, by its address alone; the signature decides among the found."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings
from django.db.models import Q
from django.urls import reverse

from integrations.models import Integration

# Some vendors' guides print this word where the workspace's id stands elsewhere.
_ANY_ACCOUNT = "PLATFORM"
ENDPOINTS = ("events", "status")


def integrations_for_webhook(
    vendor: str, account_id: str, project_id: str, environment: str
) -> list[Integration]:
    """Return the usable integrations of a vendor (`zendesk` or its integration key)."""
    key = vendor if vendor.endswith("_integration") else f"{vendor}_integration"
    project = Q(project__public_id=project_id) | Q(project__slug=project_id)
    account = Q(project__workspace__public_id=account_id) | Q(project__workspace__slug=account_id)
    if account_id == _ANY_ACCOUNT:
        # A slug is not unique without its workspace, an id is.
        project, account = Q(project__public_id=project_id), Q()
    found = Integration.objects.filter(
        project, account, integration_key=key, environment=environment
    ).select_related("project__workspace")
    return list(found.order_by("credential_set"))


def webhook_urls(integration: Integration) -> Mapping[str, str]:
    """Return the addresses, by endpoint, that the vendor may call for an integration."""
    project = integration.project
    return {
        endpoint: settings.PUBLIC_URL
        + reverse(
            "vendor_webhook",
            kwargs={
                "vendor": integration.integration_key.removesuffix("_integration"),
                "account_id": project.workspace.public_id,
                "project_id": project.public_id,
                "environment": integration.environment,
                "endpoint": endpoint,
            },
        )
        for endpoint in ENDPOINTS
    }
