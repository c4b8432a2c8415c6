"""Two accounts of one vendor side by side: each with its values, its state and its name."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from integrations.connections.services import integration_mark_needs_attention
from integrations.models import ConnectionName, Integration, Project
from tests import factories

Status = Integration.Status
EMEA = "amazon_connect:emea"


def connect_rows(project: Project) -> tuple[Integration, Integration]:
    """Return the default Amazon Connect instance and a second one."""
    fields = {
        "connector_key": "amazon_connect",
        "integration_key": "amazon_connect_integration",
    }
    first = factories.integration(project, **fields, credentials={"aws_region": "eu-west-2"})
    second = factories.integration(
        project, **fields, credential_set="emea", credentials={"aws_region": "us-east-1"}
    )
    return first, second


def page(client: Client, project: Project, name: str, connection: str) -> str:
    response = client.get(reverse(name, args=[project.public_id, "sandbox", connection]))
    assert response.status_code == 200, response
    return response.content.decode()


def add(client: Client, project: Project, name: str, connection: str = "amazon_connect") -> str:
    address = reverse("credential_set_add", args=[project.public_id, "sandbox", connection])
    return client.post(address, {"name": name}).headers["Location"]


def test_each_set_has_a_page_with_its_own_values(admin: Client, project: Project):
    connect_rows(project)

    first, second = (page(admin, project, "integration", name) for name in ("amazon_connect", EMEA))

    assert ("eu-west-2" in first, "us-east-1" in first) == (True, False)
    assert ("eu-west-2" in second, "us-east-1" in second) == (False, True)
    assert "<h1>Amazon Connect (emea)</h1>" in re.sub(r"<h1[^>]*>", "<h1>", second)


def test_each_page_leads_to_the_other_sets_and_its_actions_to_its_own(
    admin: Client, project: Project
):
    connect_rows(project)

    first, second = (page(admin, project, "integration", name) for name in ("amazon_connect", EMEA))

    place = f"/p/{project.public_id}/integrations/sandbox/"
    assert f'href="{place}{EMEA}/"' in first
    assert f'href="{place}amazon_connect/"' in second
    own = set(re.findall(rf'"{place}([^/"]+)/[a-z]', second))
    assert own == {EMEA}


def test_the_tile_shows_the_default_set_and_the_state_of_the_others(
    admin: Client, project: Project
):
    _, second = connect_rows(project)
    integration_mark_needs_attention(second, "invalid_auth", "The key was refused.")

    tiles = admin.get(reverse("integrations", args=[project.public_id])).content.decode()
    tile = tiles.split('id="tile-amazon-connect"')[1].split("</article>")[0]

    assert tile.index("Connected") < tile.index(">emea</a>") < tile.index("Needs attention")
    assert "The key was refused." not in tile


@pytest.mark.parametrize("name", ["apac", "  APAC ", "a-p_1", "x" * 40])
def test_a_new_set_begins_the_connect_flow_under_its_name(
    admin: Client, project: Project, name: str
):
    connect_rows(project)

    location = add(admin, project, name)
    begun = admin.get(location)

    wanted = name.strip().lower()
    expected = reverse(
        "connect_before", args=[project.public_id, "sandbox", f"amazon_connect:{wanted}"]
    )
    assert begun.headers["Location"] == expected
    assert f"Connect Amazon Connect ({wanted})" in admin.get(expected).content.decode()
    assert Integration.objects.count() == 2


@pytest.mark.parametrize("name", ["", "two words", "é", "a/b", "a:b", "x" * 41, "-a"])
def test_a_name_that_no_tool_could_write_is_refused_with_the_rule(
    admin: Client, project: Project, name: str
):
    connect_rows(project)

    location = add(admin, project, name)

    assert location == reverse("integration", args=[project.public_id, "sandbox", "amazon_connect"])
    assert "up to 40 small letters" in admin.get(location).content.decode()


def test_values_entered_for_a_set_are_kept_beside_those_of_the_default(
    admin: Client, project: Project
):
    first, second = connect_rows(project)
    address = reverse("connect_before", args=[project.public_id, "sandbox", EMEA])

    assert admin.post(address, {"confirmed": ["0"]}).status_code == 302

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.draft, bool(second.draft)) == ({}, True)


def test_the_tool_to_paste_names_the_set(admin: Client, project: Project):
    connect_rows(project)

    named = page(admin, project, "connect_done", EMEA)
    plain = page(admin, project, "connect_done", "amazon_connect")

    assert "credential_set&quot;: &quot;emea" in named
    assert "credential_set" not in plain


def test_disconnecting_a_set_asks_for_its_name_and_leaves_the_default(
    admin: Client, project: Project
):
    first, second = connect_rows(project)
    address = reverse("integration_disconnect", args=[project.public_id, "sandbox", EMEA])

    refused = admin.post(address, {"confirm_name": "Amazon Connect"})
    done = admin.post(address, {"confirm_name": "Amazon Connect (emea)"})

    first.refresh_from_db()
    second.refresh_from_db()
    assert (refused.status_code, done.status_code) == (422, 302)
    assert (first.status, second.status) == (Status.CONNECTED, Status.NOT_CONNECTED)


def test_changes_of_a_set_are_told_apart(admin: Client, project: Project):
    connect_rows(project)
    admin.post(reverse("integration_disable", args=[project.public_id, "sandbox", EMEA]))

    first, second = (page(admin, project, "integration", name) for name in ("amazon_connect", EMEA))

    assert ("No change yet." in first, "No change yet." in second) == (True, False)


@pytest.mark.parametrize(
    "connection", ["amazon_connect:", "amazon_connect:A", "amazon_connect:a:b", ":emea"]
)
def test_an_address_that_names_no_set_leads_nowhere(
    admin: Client, project: Project, connection: str
):
    connect_rows(project)

    response = admin.get(f"/p/{project.public_id}/integrations/sandbox/{connection}/")

    assert response.status_code == 404


def test_a_set_that_is_not_there_is_not_the_default_one(admin: Client, project: Project):
    connect_rows(project)
    address = reverse(
        "integration_disable", args=[project.public_id, "sandbox", "amazon_connect:x"]
    )

    assert admin.post(address).status_code == 404
    assert not Integration.objects.filter(status=Status.DISABLED).exists()


def test_a_reader_cannot_add_a_set(reader: Client, project: Project):
    connect_rows(project)
    address = reverse("credential_set_add", args=[project.public_id, "sandbox", "amazon_connect"])

    assert reader.post(address, {"name": "apac"}).status_code == 403


def test_names_are_read_as_they_are_written():
    for text in ("custom", "custom:night_desk"):
        assert str(ConnectionName.read(text)) == text
    assert ConnectionName.read("custom:default") == ConnectionName("custom")
