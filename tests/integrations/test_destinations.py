"""Where a handoff goes that names no integration: channel, then default, then the only one."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from integrations.connections.destinations import integration_default
from integrations.models import AuditEntry, Environment, Integration, Project
from tests import factories


def connected(project: Project, key: str, **fields: object) -> Integration:
    return factories.integration(
        project, connector_key=key, integration_key=f"{key}_integration", **fields
    )


def page(project: Project, name: str, key: str) -> str:
    return reverse(name, args=[project.public_id, "sandbox", key])


def test_only_one_that_is_connected_is_the_default_without_being_told(project: Project) -> None:
    only = connected(project, "genesys")
    connected(project, "zendesk", environment=Environment.LIVE)

    assert integration_default(project, "sandbox") == only


def test_ticket_desk_is_never_the_default(project: Project) -> None:
    connected(project, "zendesk_tickets")
    alone = integration_default(project, "sandbox")
    live = connected(project, "genesys")

    assert alone is None
    assert integration_default(project, "sandbox") == live


def test_among_two_the_default_one_is_taken_and_without_one_none(project: Project) -> None:
    first, _ = connected(project, "genesys"), connected(project, "zendesk")
    undecided = integration_default(project, "sandbox")
    first.is_default = True
    first.save()

    assert undecided is None
    assert integration_default(project, "sandbox") == first


def test_channel_that_is_mapped_to_one_goes_there_even_past_the_default(project: Project) -> None:
    connected(project, "genesys", is_default=True, behaviour={"channels": []})
    mapped = connected(project, "zendesk", behaviour={"channels": ["webchat"]})

    assert integration_default(project, "sandbox") == mapped


def test_channel_that_is_mapped_to_nobody_goes_to_the_default(project: Project) -> None:
    first = connected(project, "genesys", is_default=True, behaviour={"channels": []})
    connected(project, "zendesk", behaviour={"channels": []})

    assert integration_default(project, "sandbox") == first


def behaviour_of_page(admin: Client, url: str) -> dict[str, str]:
    form = admin.get(url).context["form"]
    return {
        name: value
        for name, value in form.initial.items()
        if value is not None and value is not False
    }


def test_mapping_is_kept_and_conflicts_are_named(admin: Client, project: Project) -> None:
    row, _ = connected(project, "genesys"), connected(project, "zendesk")
    url = page(project, "connect_behaviour", "genesys")
    before = admin.get(url).content.decode()

    answer = admin.post(url, behaviour_of_page(admin, url))
    assert answer.status_code == 302, answer.context["form"].errors

    row.refresh_from_db()
    after = admin.get(url).content.decode()
    assert "Zendesk Messaging takes them too: the default agent system decides." in before
    assert "Zendesk Messaging takes them too." in after
    assert row.behaviour["channels"] == []
    assert "channels" in AuditEntry.objects.latest("pk").fields


@pytest.mark.parametrize("rival", ["zendesk_tickets", None])
def test_nothing_is_to_choose_without_a_second_live_vendor(
    admin: Client, project: Project, rival: str | None
) -> None:
    connected(project, "genesys")
    if rival:
        connected(project, rival)

    shown = admin.get(page(project, "connect_behaviour", "genesys")).content.decode()

    assert "default_agent_system" not in shown


def test_default_is_disconnected_with_its_successor_named(admin: Client, project: Project) -> None:
    first = connected(project, "genesys", is_default=True)
    second = connected(project, "zendesk")
    connected(project, "zendesk_tickets")
    url = page(project, "integration_disconnect", "genesys")
    asked = admin.get(url).content.decode()
    name = {"confirm_name": "Genesys Messaging"}

    refused = admin.post(url, {**name, "successor": "zendesk_tickets"})
    admin.post(url, {**name, "successor": "zendesk"})

    first.refresh_from_db()
    second.refresh_from_db()
    assert '<option value="zendesk">Zendesk Messaging</option>' in asked
    assert 'value="zendesk_tickets"' not in asked
    assert refused.status_code == 422
    assert (first.status, first.is_default) == (Integration.Status.NOT_CONNECTED, False)
    assert second.is_default
