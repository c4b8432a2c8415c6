"""Settings > Project: what is set, by whom, and what is refused at its field."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from integrations.models import Access, AuditEntry, Integration, Project
from integrations.projects.settings import settings_version
from tests import factories
from tests.members import client_with

pytestmark = pytest.mark.django_db


def url(project: Project) -> str:
    return reverse("project_settings", kwargs={"project_id": project.public_id})


def values(project: Project, **changed: str) -> dict[str, str]:
    return {
        "name": project.name,
        "agent_name": project.agent_name,
        "greeting": project.greeting,
        "no_match_text": project.no_match_text,
        "state_keys": "",
        "shared_id_state_key": "",
        "version": settings_version(project),
        **changed,
    }


def test_everything_on_the_page_is_saved_told_and_audited(admin: Client, project: Project):
    answer = admin.post(
        url(project),
        values(
            project,
            name="Birchline",
            agent_name="Birch",
            greeting="Hello.\r\nHow can I help?",
            no_match_text="Ask for a person.",
            state_keys="order\r\n\r\ntier = customer_tier",
            shared_id_state_key="crm",
            allow_inline_overrides="on",
        ),
        follow=True,
    )

    project.refresh_from_db()
    entry = AuditEntry.objects.get(project=project, action="project.changed")
    assert (project.name, project.agent_name) == ("Birchline", "Birch")
    assert project.greeting == "Hello.\nHow can I help?"
    assert project.allow_inline_overrides
    assert project.handoff_api == {
        "state_keys": ["order", "tier"],
        "aliases": {"tier": "customer_tier"},
        "shared_id_state_key": "crm",
    }
    assert "allow_inline_overrides" in entry.fields
    assert entry.actor is not None
    page = answer.content.decode()
    assert "Saved: " in page
    assert "tier = customer_tier" in page
    assert "Birchline" not in str(entry.fields)


def test_saving_without_a_change_audits_nothing(admin, project):
    admin.post(url(project), values(project))

    assert not AuditEntry.objects.filter(project=project).exists()


def test_emptied_settings_of_the_handoff_api_are_gone(admin, project):
    project.handoff_api = {"state_keys": ["a"], "aliases": {"a": "b"}, "shared_id_state_key": "c"}
    project.save()

    admin.post(url(project), values(project))

    project.refresh_from_db()
    assert project.handoff_api == {}


REFUSED = [
    ("name", "", "is missing."),
    ("name", "   ", "is missing."),
    ("name", "n" * 121, "120"),
    ("agent_name", "B" * 51, "50"),
    ("greeting", "", "is missing."),
    ("greeting", "g" * 501, "500"),
    ("no_match_text", "", "is missing."),
    ("state_keys", "order = ", "order ="),
    ("state_keys", "= order", "= order"),
    ("state_keys", "a = b = c", "a = b = c"),
    ("state_keys", "order\norder", "given twice"),
    ("state_keys", "order = x\nticket = x", "shown as x"),
    ("state_keys", "k" * 65, "cannot be a name"),
    ("state_keys", "\n".join(f"k{n}" for n in range(51)), "at most 50"),
    ("shared_id_state_key", "k" * 65, "64"),
]


@pytest.mark.parametrize(("field", "value", "told"), REFUSED)
def test_what_cannot_be_is_refused_at_its_field_and_nothing_is_saved(
    admin, project, field, value, told
):
    answer = admin.post(
        url(project),
        values(project, agent_name="New", **{field: value})
        if field != "agent_name"
        else values(project, agent_name=value),
    )

    before = project.agent_name
    project.refresh_from_db()
    assert answer.status_code == 422
    assert told in " ".join(answer.context["form"].errors[field])
    assert project.agent_name == before
    assert not AuditEntry.objects.exists()


def test_who_was_slower_is_told_and_may_save_all_the_same(admin, project):
    drawn = values(project, agent_name="Slower")
    Project.objects.update(agent_name="Faster")

    refused = admin.post(url(project), drawn)
    project.refresh_from_db()
    kept = project.agent_name
    again = dict(drawn, version=refused.context["form"]["version"].value())
    admin.post(url(project), again)

    project.refresh_from_db()
    assert refused.status_code == 409
    assert "somebody else changed these settings" in refused.content.decode()
    assert (kept, project.agent_name) == ("Faster", "Slower")


def test_a_reader_sees_text_and_can_save_nothing(reader, project):
    page = reader.get(url(project))
    refused = reader.post(url(project), values(project, agent_name="Mine"))

    text = page.content.decode()
    main = text.split("<main")[1].split("</main>")[0]
    assert project.greeting in text
    assert "<input" not in main
    assert "<textarea" not in main
    assert "edit access to Account is needed" in main
    assert refused.status_code == 403
    assert not AuditEntry.objects.exists()


def test_without_access_to_account_the_page_is_not_there(project):
    member = client_with(project, integrations=Access.EDIT)

    assert member.get(url(project)).status_code == 403
    page = member.get(reverse("integrations", kwargs={"project_id": project.public_id}))
    assert url(project) not in page.content.decode()


def test_another_projects_settings_do_not_exist(admin):
    assert admin.get(url(factories.project())).status_code == 404


def behaviour_page(client: Client, row: Integration) -> str:
    address = reverse(
        "connect_behaviour",
        kwargs={
            "project_id": row.project.public_id,
            "environment": row.environment,
            "connection": row.connector_key,
        },
    )
    return client.get(address).content.decode()


def test_the_behaviour_step_says_how_the_switch_stands_and_leads_to_it(admin, project):
    row = factories.integration(
        project, connector_key="amazon_connect", integration_key="amazon_connect_integration"
    )

    off = behaviour_page(admin, row)
    Project.objects.update(allow_inline_overrides=True)
    on = behaviour_page(admin, row)

    assert f"{url(project)}#id_allow_inline_overrides" in off
    assert "instance_id, contact_flow_id, aws_region is refused" in off
    assert "replaces the saved value" in on


def test_the_behaviour_step_of_any_connection_leads_to_the_project(admin, project):
    assert url(project) in behaviour_page(admin, factories.integration(project))


@pytest.mark.parametrize(
    ("connector", "key", "vendor"),
    [
        ("amazon_connect", "amazon_connect_integration", "Amazon Connect"),
        ("salesforce_messaging", "salesforce_integration", "Salesforce"),
        ("zendesk", "zendesk_integration", "Zendesk"),
        ("genesys", "genesys_integration", "Genesys"),
    ],
)
def test_the_behaviour_step_calls_the_vendor_by_its_name(admin, project, connector, key, vendor):
    row = factories.integration(project, connector_key=connector, integration_key=key)

    page = behaviour_page(admin, row).split("<main")[1]

    assert f"As {vendor} gives it" in page
    assert f"Wait in {vendor}&#x27;s queue" in page
    assert "the vendor" not in page
    assert "{vendor}" not in page


# ---- by command ----


def test_the_command_sets_the_same_switches():
    project = factories.project(factories.workspace(slug="birchline"), slug="shop")

    call_command(
        "set_project", "birchline", "shop", "--allow-inline-overrides", "--name", "Birchline"
    )
    project.refresh_from_db()
    is_on = project.allow_inline_overrides
    call_command("set_project", "birchline", "shop", "--no-allow-inline-overrides")

    project.refresh_from_db()
    assert (is_on, project.allow_inline_overrides, project.name) == (True, False, "Birchline")


def test_the_command_refuses_the_names_that_the_page_refuses():
    factories.project(factories.workspace(slug="birchline"), slug="shop")

    with pytest.raises(CommandError, match="given twice"):
        call_command(
            "set_project", "birchline", "shop", "--state-key", "order", "--state-key", "order"
        )
