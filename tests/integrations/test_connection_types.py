"""One tile, several connectors: Connection type chooses among the types of all of them."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from integrations.connections.destinations import integration_for_key
from integrations.connections.services import (
    SetInUseError,
    integration_draft_save,
    integration_open,
)
from integrations.contract.registry import manifest_get
from integrations.contract.tiles import connection_types
from integrations.models import Integration, Project
from tests import factories

MIAW, LIVE_CHAT = "salesforce_messaging", "salesforce_live_chat"
TYPES = {
    "salesforce_messaging:miaw": "Messaging for In-App and Web",
    "salesforce_messaging:miaw_verified": "Messaging for In-App and Web with user verification",
    "salesforce_byoc:": "Bring Your Own Channel",
    "salesforce_live_chat:": "Live Chat (legacy)",
}


def address(project: Project, name: str, connection: str) -> str:
    return reverse(name, args=[project.public_id, "sandbox", connection])


def choose(client: Client, project: Project, connection: str, kind: str) -> str:
    """Choose a connection type in the first step; return where that leads."""
    response = client.post(
        address(project, "connect_before", connection), {"connection_type": kind}
    )
    return response.headers["Location"]


def live_chat(project: Project, **fields: object) -> Integration:
    return factories.integration(
        project, connector_key=LIVE_CHAT, credentials={"org_id": "00D8Y0000012abc"}, **fields
    )


@pytest.mark.parametrize("connection", [MIAW, LIVE_CHAT])
def test_every_connector_of_a_tile_offers_the_types_of_all(
    admin: Client, project: Project, connection: str
):
    page = admin.get(address(project, "connect_before", connection)).content.decode()

    offered = dict(re.findall(r'value="(salesforce_[^"]*)"[^>]*><span>([^<]*)<', page))
    assert {name: offered.get(name) for name in TYPES} == TYPES


def test_the_tile_is_spoken_for_by_one_connector_and_offers_no_type_twice(db: None):
    found = connection_types(manifest_get(LIVE_CHAT))

    assert found[0].name == "salesforce_messaging:miaw"
    assert len({one.name for one in found}) == len({one.label for one in found}) == len(found)


def test_a_set_that_was_only_begun_changes_its_type_and_begins_anew(
    admin: Client, project: Project
):
    row = integration_open(project=project, environment="sandbox", manifest=manifest_get(MIAW))
    integration_draft_save(integration=row, values={"org_id": "00D8Y0000012abc"})

    location = choose(admin, project, MIAW, "salesforce_live_chat:")
    tiles = admin.get(reverse("integrations", args=[project.public_id])).content.decode()

    row.refresh_from_db()
    assert location == address(project, "connect_before", LIVE_CHAT)
    assert (row.connector_key, "org_id" in str(row.draft)) == (LIVE_CHAT, False)
    assert f"/integrations/sandbox/{LIVE_CHAT}/" in tiles


def test_a_type_of_the_same_connector_is_kept_and_goes_on(admin: Client, project: Project):
    location = choose(admin, project, LIVE_CHAT, "salesforce_messaging:miaw_verified")
    again = choose(admin, project, MIAW, "salesforce_messaging:miaw_verified")

    row = Integration.objects.get()
    assert location == address(project, "connect_before", MIAW)
    assert again == address(project, "connect_give", MIAW)
    assert row.draft["values"]["mode"] == "miaw_verified"


def test_a_set_in_use_keeps_its_type_and_says_what_to_do(admin: Client, project: Project):
    row = factories.integration(project)

    location = choose(admin, project, MIAW, "salesforce_live_chat:")
    page = admin.get(location).content.decode()
    other = admin.get(address(project, "connect_values", LIVE_CHAT))

    row.refresh_from_db()
    assert "Disconnect it first" in page
    assert (row.connector_key, other.status_code) == (MIAW, 404)
    with pytest.raises(SetInUseError):
        integration_open(project=project, environment="sandbox", manifest=manifest_get(LIVE_CHAT))


def test_two_types_stand_side_by_side_as_two_sets(admin: Client, project: Project):
    factories.integration(project)
    live_chat(project, credential_set="legacy")

    tiles = admin.get(reverse("integrations", args=[project.public_id])).content.decode()
    tile = tiles.split('id="tile-salesforce-messaging"')[1].split("</article>")[0]
    page = admin.get(address(project, "integration", MIAW)).content.decode()
    tool = admin.get(address(project, "connect_done", f"{LIVE_CHAT}:legacy")).content.decode()

    for shown in (tile, page):
        assert f"/integrations/sandbox/{LIVE_CHAT}:legacy/" in shown
    assert "credential_set&quot;: &quot;legacy" in tool


def test_a_name_that_another_type_has_leads_to_that_connection(admin: Client, project: Project):
    factories.integration(project)
    live_chat(project, credential_set="legacy")

    added = admin.post(address(project, "credential_set_add", MIAW), {"name": "legacy"})

    assert added.headers["Location"] == address(project, "integration", f"{LIVE_CHAT}:legacy")


def test_a_retired_product_says_so_on_the_tile_in_the_flow_and_on_its_page(
    admin: Client, project: Project
):
    before = admin.get(address(project, "connect_before", LIVE_CHAT)).content.decode()
    live_chat(project)

    page = admin.get(address(project, "integration", LIVE_CHAT)).content.decode()
    tiles = admin.get(reverse("integrations", args=[project.public_id])).content.decode()

    for shown in (before, page, tiles):
        assert "Salesforce has retired Live Agent" in shown


@pytest.mark.parametrize("connector", ["salesforce_messaging", "salesforce_byoc", LIVE_CHAT])
def test_the_tool_of_the_guides_reaches_whichever_type_is_connected(
    project: Project, connector: str
):
    row = factories.integration(project, connector_key=connector)

    assert integration_for_key(project, "sandbox", "salesforce_integration") == row


@pytest.mark.parametrize("connector", ["salesforce_messaging", "salesforce_byoc", LIVE_CHAT])
def test_no_type_of_salesforces_waits_to_be_called_and_the_form_says_so(
    admin: Client, project: Project, connector: str
):
    page = admin.get(address(project, "connect_give", connector)).content.decode()

    assert not manifest_get(connector).has_webhooks
    assert "It works behind a firewall" in " ".join(page.split()) or "Generate a key pair" in page
