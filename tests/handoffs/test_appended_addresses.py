"""The portal's own address takes what Five9 appends to it, and no other vendor's."""

from __future__ import annotations

import pytest
from django.test import Client

from handoffs.models import StoredWebhook
from integrations.connections.addresses import webhook_urls
from integrations.models import Project
from integrations.vendors.five9.connector.callbacks import callback_address
from tests import factories

CREDENTIALS = {
    "region": "app.five9.com",
    "tenant_name": "Acme",
    "webhook_username": "hp-user",
    "webhook_password": "a-password",
}
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("end", ["", "/"])
def test_a_call_with_put_below_the_address_is_stored_once(project: Project, end: str) -> None:
    row = factories.integration(
        project,
        connector_key="five9",
        integration_key="five9_integration",
        credentials=CREDENTIALS,
    )
    address = callback_address(webhook_urls(row)["events"], "ho_1", CREDENTIALS)
    url = f"{address}/conversations/c-1/message{end}"
    body = {"text": "Hello", "messageId": "m-1"}

    answers = [Client().put(url, body, "application/json").status_code for _ in range(2)]
    forged = Client().put(url.replace("ho_1", "ho_2"), body, "application/json")

    assert answers == [200, 200]
    assert forged.status_code == 401
    assert [kept.body["data"]["text"] for kept in StoredWebhook.objects.all()] == ["Hello"]


def test_paths_below_another_vendors_address_are_nobodys(project: Project) -> None:
    row = factories.integration(
        project, connector_key="genesys", integration_key="genesys_integration", credentials={}
    )
    url = webhook_urls(row)["events"]

    assert Client().post(f"{url}/conversations/c-1/message").status_code == 404
    assert Client().put(url).status_code == 405
