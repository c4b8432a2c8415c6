"""The Integrations page: every tile, in its state, for each environment."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from handoffs.states import State
from integrations.connect.selectors import TileView, tile_groups
from integrations.connections.services import (
    integration_mark_healthy,
    integration_mark_needs_attention,
    integration_mark_refused,
)
from integrations.contract.errors import InvalidAuthError
from integrations.models import Environment, Integration, Membership, Project
from tests import factories

Status = Integration.Status
TITLES = [
    "Salesforce Messaging",
    "Zendesk Messaging",
    "NICE CXone Messaging",
    "Amazon Connect",
    "Genesys Messaging",
    "Webex Messaging",
    "Five9",
    "Custom connector",
    "Twilio SMS",
    "Salesforce CRM",
    "Zendesk tickets",
]


def tiles_page(client: Client, project: Project, environment: str = "sandbox") -> str:
    url = reverse("integrations", args=[project.public_id])
    return client.get(url, {"env": environment}).content.decode()


def salesforce_tile(project: Project, environment: str = "sandbox") -> TileView:
    groups = tile_groups(project=project, environment=environment)
    return next(view for views in groups.values() for view in views if view.tile.title == TITLES[0])


def test_every_tile_is_there_under_configure_integrations(admin: Client, project: Project) -> None:
    page = tiles_page(admin, project)

    assert "Configure" in page
    assert [title for title in [*TITLES, "Something else?"] if title not in page] == []


def test_who_looks_for_talkdesk_is_led_to_the_custom_connector(
    admin: Client, project: Project
) -> None:
    page = tiles_page(admin, project)

    found = re.findall(r'<article [^>]*id="([^"]+)" data-search="[^"]*Talkdesk', page)
    assert found == ["tile-custom-connector", "tile-something-else"]


@pytest.mark.parametrize(
    ("status", "action"),
    [
        (Status.NOT_CONNECTED, "Connect"),
        (Status.CONNECTED, "Manage"),
        (Status.NEEDS_ATTENTION, "Fix"),
        (Status.DISABLED, "Enable"),
    ],
)
def test_each_state_has_its_badge_and_its_one_action(
    admin: Client, project: Project, status: Status, action: str
) -> None:
    factories.integration(project, status=status)

    page = tiles_page(admin, project)

    assert f'aria-label="{action} Salesforce Messaging"' in page
    assert status.label in page


def test_a_connected_tile_comes_first_and_counts_its_open_handoffs(
    admin: Client, project: Project
) -> None:
    row = factories.integration(project, last_success_at=timezone.now())
    factories.handoff(state=State.QUEUED, of_integration=row)
    factories.handoff(state=State.ENDED, of_integration=row)

    page = tiles_page(admin, project)

    assert "1 open handoff<" in page
    assert re.search("last success <time[^>]*>(now|(a|[0-9]+).seconds? ago)<", page)


def test_an_error_shows_on_the_tile_until_the_vendor_answers_again(project: Project) -> None:
    row = factories.integration(project)

    integration_mark_needs_attention(row, "invalid_auth", "Salesforce refused the token.")
    red = salesforce_tile(project)
    integration_mark_healthy(row)
    green = salesforce_tile(project)

    assert red.integration and green.integration
    assert (red.action, red.integration.last_error_message) == (
        "Fix",
        "Salesforce refused the token.",
    )
    assert (green.action, green.integration.last_error_message) == ("Manage", "")
    assert green.integration.last_success_at is not None


def test_a_failed_handoff_shows_on_the_tile_as_a_sentence_with_its_cause(project: Project) -> None:
    row = factories.integration(project)

    integration_mark_refused(row, InvalidAuthError("access token: answered 401"))

    row.refresh_from_db()
    assert row.last_error_message.startswith("Salesforce Messaging refused the credentials.")
    assert row.last_error_message.endswith("(access token: answered 401)")


def test_a_disabled_tile_is_not_woken_by_an_error_or_a_success(project: Project) -> None:
    row = factories.integration(project, status=Status.DISABLED)

    integration_mark_needs_attention(row, "invalid_auth", "Salesforce refused the token.")
    integration_mark_healthy(row)

    row.refresh_from_db()
    assert (row.status, row.last_error_code) == (Status.DISABLED, "")


def test_environments_do_not_share_connections(admin: Client, project: Project) -> None:
    factories.integration(project, environment=Environment.LIVE)

    assert salesforce_tile(project, "live").action == "Manage"
    assert salesforce_tile(project, "sandbox").action == "Connect"
    unknown = admin.get(reverse("integrations", args=[project.public_id]), {"env": "moon"})
    assert unknown.status_code == 404


def test_without_an_environment_the_page_opens_where_something_needs_attention(
    admin: Client, project: Project
) -> None:
    url = reverse("integrations", args=[project.public_id])
    factories.integration(project)
    usual = admin.get(url)
    factories.integration(project, environment=Environment.LIVE, status=Status.NEEDS_ATTENTION)

    page = admin.get(url)

    assert usual.context["environment"] == Environment.SANDBOX
    assert "needs attention</span>" not in usual.content.decode()
    assert page.context["environment"] == Environment.LIVE
    assert '>1<span class="visually-hidden"> needs attention</span>' in page.content.decode()
    assert admin.get(url, {"env": "sandbox"}).context["environment"] == Environment.SANDBOX


def test_a_reader_sees_tiles_without_buttons(reader: Client, project: Project) -> None:
    factories.integration(project)

    mira = User.objects.create_user("mira")
    Membership.objects.create(workspace=project.workspace, user=mira, is_admin=True)

    page = tiles_page(reader, project)
    tiles = page.split('class="toolbar"')[1].split("</main>")[0]

    assert "Salesforce Messaging" in tiles
    assert "<button" not in tiles
    assert ">Manage<" not in tiles
    assert "An admin of the workspace (mira) can give you Edit access to Integrations." in tiles


def test_local_vendors_are_announced_on_every_page(
    admin: Client, project: Project, settings
) -> None:
    settings.ALLOW_LOCAL_VENDORS = True
    announced = tiles_page(admin, project)
    settings.ALLOW_LOCAL_VENDORS = False
    quiet = tiles_page(admin, project)

    assert "ALLOW_LOCAL_VENDORS" in announced
    assert "ALLOW_LOCAL_VENDORS" not in quiet
