"""A vendor that must be told our addresses by a call is told, and told again when it is over."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from asgiref.sync import sync_to_async

from integrations.connections import registration
from integrations.connections.addresses import webhook_urls
from integrations.connections.drafts import Draft, draft_set
from integrations.connections.services import (
    integration_connect,
    integration_disconnect,
    integration_leave,
)
from integrations.contract.connector import CheckResult
from integrations.contract.errors import CannotConnectError
from integrations.contract.registry import connector_class
from integrations.models import Integration, Project
from integrations.vendors.zendesk_tickets.connector import ZendeskTicketsConnector
from tests import factories

VALUES = {
    "org_url": "https://brightside.zendesk.com",
    "email": "robin@example.org",
    "api_token": "simulated-token",
}


class Registering(ZendeskTicketsConnector):
    """A connector whose vendor wants a call, which none of those that exist does."""

    told: list[object] = []
    is_away = False

    async def on_connected(self, webhook_urls: Mapping[str, str]) -> Mapping[str, str]:
        if self.is_away:
            raise CannotConnectError("subscriptions: no answer")
        self.told.append(dict(webhook_urls))
        return {"subscription_secret": "given-by-the-vendor"}

    async def on_disconnected(self) -> None:
        self.told.append(self._credentials["subscription_secret"])


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> type[Registering]:
    def found(key: str) -> type:
        return Registering if key == "zendesk_tickets" else connector_class(key)

    monkeypatch.setattr(registration, "connector_class", found)
    monkeypatch.setattr("integrations.connections.building.connector_class", found)
    monkeypatch.setattr(Registering, "told", [])
    return Registering


def drafted(project: Project) -> Integration:
    row = factories.integration(
        project,
        connector_key="zendesk_tickets",
        integration_key="zendesk_tickets_integration",
        status=Integration.Status.NOT_CONNECTED,
        credentials={},
    )
    passed = CheckResult(name="credentials", is_ok=True, code="ok")
    draft_set(row, Draft().with_values(VALUES).tested([passed]))
    row.save()
    return row


def test_vendor_is_told_the_addresses_and_what_it_gives_is_kept_until_it_is_told_again(
    project: Project, vendor: type[Registering]
) -> None:
    row = integration_connect(integration=drafted(project), actor=None)
    kept = dict(row.credentials)

    integration_disconnect(integration=row, actor=None)

    assert kept["subscription_secret"] == "given-by-the-vendor"
    assert vendor.told == [dict(webhook_urls(row)), "given-by-the-vendor"]


def test_vendor_that_cannot_be_told_needs_attention(
    project: Project, vendor: type[Registering], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vendor, "is_away", True)

    row = integration_connect(integration=drafted(project), actor=None)

    assert row.status == Integration.Status.NEEDS_ATTENTION
    assert "could not be reached" in row.last_error_message


def test_what_a_vendor_gives_to_a_connection_that_was_ended_meanwhile_is_not_kept(
    project: Project, vendor: type[Registering], monkeypatch: pytest.MonkeyPatch
) -> None:
    row = drafted(project)

    async def ended_meanwhile(self: Registering, urls: Mapping[str, str]) -> Mapping[str, str]:
        await sync_to_async(integration_leave)(integration=row, actor=None)
        return {"subscription_secret": "given-by-the-vendor"}

    monkeypatch.setattr(vendor, "on_connected", ended_meanwhile)
    integration_connect(integration=row, actor=None)

    row.refresh_from_db()
    assert row.status == Integration.Status.NOT_CONNECTED
    assert "subscription_secret" not in row.credentials
