"""Deploy > Environments: what would change is shown before, and who moved it after."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from conversations.models import Release, Secret, ToolApi
from conversations.releases.services import release_deploy, release_publish
from handoffs.portal.environments.checks import release_check
from integrations.models import Access, Project
from tests import factories
from tests.members import client_of_admin, client_of_reader, client_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def project() -> Project:
    made = factories.project()
    factories.topic(made, "talk to a human", factories.tool(made))
    return made


@pytest.fixture
def admin(project) -> Client:
    return client_of_admin(project)


def at(project: Project, name: str, **more: str) -> str:
    return reverse(name, kwargs={"project_id": project.public_id, **more})


def shown(client: Client, address: str, status: int = 200, **query: str) -> str:
    answer = client.get(address, query)
    assert answer.status_code == status
    return " ".join(answer.content.decode().split())


def move(client: Client, project: Project, environment: str, **fields: Any) -> Any:
    """Open the page of a move, and send its form as it is drawn with these fields on top."""
    address = at(project, "release_deploy", environment=environment)
    page = client.get(address, {"release": fields.get("release", "draft")}).context
    drawn = {name: page[name] for name in ("seen", "digest")}
    return client.post(address, {"release": page["wanted"].key, **drawn, **fields})


def test_before_the_first_release_the_page_says_that_saves_act_at_once(project, admin):
    text = shown(admin, at(project, "environments"))

    assert text.count("Follows the draft") == 3
    assert "for your end users too, until a release is promoted" in text


def test_a_release_goes_from_the_draft_to_live_and_back(project, admin):
    move(admin, project, "sandbox", note="First words")
    move(admin, project, "pre-release", release="1")
    assert move(admin, project, "live", release="1").status_code == 422
    move(admin, project, "live", release="1", confirm="Live")
    project.tools.update(source="def transfer_to_salesforce(conv):\n    return 'wait'\n")
    move(admin, project, "sandbox")
    move(admin, project, "live", release="2", confirm="Live")
    page = shown(admin, at(project, "release_deploy", environment="live"), release="1")
    assert "Roll Live back to release 1" in page
    assert '<del dir="auto">− return &#x27;wait&#x27;</del>' in page.replace("    ", " ").replace(
        "  ", " "
    )
    move(admin, project, "live", release="1", confirm="Live")

    text = shown(admin, at(project, "environments"))
    assert "Rolled back by member-" in text
    assert "release 2 → release 1" in text
    assert "First words" in text


def test_what_would_fail_in_the_environment_is_said_before(project, admin):
    broken = factories.tool(project, "def broken(conv):\n    return conv.nothing_of_that\n")
    factories.topic(project, "break it", broken)
    project.topics.filter(name="talk to a human").update(
        actions=[{"kind": "run_tool", "target": "gone", "when": "always"}]
    )

    page = shown(admin, at(project, "release_deploy", environment="sandbox"))

    assert "No live-agent integration is connected in Sandbox" in page
    assert "Runs the tool gone, which is not part of this release." in page
    assert "Tool broken, line 2" in page


def test_each_kind_is_held_against_what_the_target_has(project, admin):
    factories.integration(project)  # in Sandbox alone
    genesys = {"connector_key": "genesys", "integration_key": "genesys_integration"}
    factories.integration(project, environment="live", **genesys)
    reads = (
        "def reads(conv):\n    key = conv.utils.get_secret('shop')\n    conv.api.orders.get(1)\n"
    )
    factories.topic(project, "order", factories.tool(project, reads))
    secret = Secret.objects.create(
        project=project, name="shop", set_at={"sandbox": "2026-01-01"}, tool_names=["reads"]
    )
    api = ToolApi.objects.create(
        project=project, name="orders", base_urls={"sandbox": "https://shop.example"}
    )
    factories.destination(project, integration_key="salesforce_integration", after_flow="Survey")
    steps = [
        {"name": "Ask", "kind": "handoff", "destination": "salesforce", "next_step": "Gone"},
        {"name": "Lost", "kind": "handoff", "destination": "Sales"},
    ]
    factories.flow(project, "Returns", steps)
    goes = [{"kind": "goto_flow", "target": "Ended", "when": "always"}]
    factories.topic(project, "bring it back", actions=goes, actions_text="{{ho:Moved}}")
    project.trigger_policy = {"rules": [{"destination": "Hidden", "condition": {}}]}
    project.save(update_fields=["trigger_policy"])
    move(admin, project, "sandbox")

    found = {
        environment: {
            (one.where, one.message.partition(" This project has")[0])
            for one in release_check(project, Release.objects.get().content, environment)
        }
        for environment in ("sandbox", "live")
    }

    everywhere = {
        ("Destination “Billing”", "Begins the flow “Survey”, which is not part of this release."),
        ("Flow “Returns”, step “Ask”", "Leads to “Gone”, which does not exist."),
        ("Flow “Returns”, step “Lost”", "No way leads here."),
        ("Flow “Returns”, step “Lost”", "Hands over to “Sales”, which does not exist."),
        ("Topic “bring it back”", "Begins the flow “Ended”, which is not part of this release."),
        ("Topic “bring it back”", "Hands off to “Moved”, which is not part of this release."),
        ("Handoff rules", "Hand off to “Hidden”, which is not part of this release."),
    }
    missing = "Salesforce is not connected in Live. Connected in Live: Genesys."
    assert found["sandbox"] == everywhere
    assert found["live"] - everywhere == {
        ("Destination “Billing”", missing),
        ("Flow “Returns”, step “Ask”", "Hands over to “salesforce”, which does not exist."),
        ("Tool reads", "Reads the secret shop, which has no value in Live."),
        ("Tool reads", "Calls the API orders, which has no address in Live."),
        (
            "Tool transfer_to_salesforce, line 3",
            f"handoff.text_chat.salesforce_integration: {missing}",
        ),
    }
    secret.delete()
    api.delete()
    gone = release_check(project, Release.objects.get().content, "sandbox")
    assert {one.message for one in gone if one.where == "Tool reads"} == {
        "Reads the secret shop, which this project has not.",
        "Calls the API orders, which this project has not.",
    }


def test_a_move_after_somebody_elses_is_refused_and_shown_anew(project, admin):
    address = at(project, "release_deploy", environment="sandbox")
    drawn = admin.get(address).context
    release_publish(project=project, actor=None)
    fields = {"release": "draft", "seen": drawn["seen"], "digest": drawn["digest"]}

    answer = admin.post(address, fields)

    assert answer.status_code == 409
    assert "it has changed since this page was opened" in answer.content.decode()


def test_a_draft_that_was_edited_after_the_page_was_drawn_is_not_published(project, admin):
    address = at(project, "release_deploy", environment="sandbox")
    drawn = admin.get(address).context
    project.topics.update(content="edited meanwhile")

    fields = {"release": "draft", "seen": drawn["seen"], "digest": drawn["digest"]}
    assert admin.post(address, fields).status_code == 409
    assert not Release.objects.exists()


def test_sandbox_is_set_to_follow_the_draft_again(project, admin):
    made = release_publish(project=project, actor=None)

    admin.post(at(project, "follow_draft"), {"seen": str(made.pk)})

    assert "Set to follow the draft" in shown(admin, at(project, "environments"))


def test_two_releases_are_compared_on_a_page(project, admin):
    release_publish(project=project, actor=None)
    factories.topic(project, "opening hours", content="Nine to five.")

    page = shown(admin, at(project, "release_compare"))

    assert "1 added" in page
    assert '<ins dir="auto">+ Nine to five.</ins>' in page
    assert admin.get(at(project, "release_compare"), {"from": "7"}).status_code == 404


def test_only_sandbox_takes_the_draft_and_only_members_with_the_right_move_anything(project):
    reader = client_of_reader(project)
    editor = client_with(project, deployments=Access.EDIT)
    outsider = client_of_admin(factories.project())
    address = at(project, "release_deploy", environment="live")

    assert editor.get(address).status_code == 404
    assert reader.get(at(project, "environments")).status_code == 200
    assert reader.post(address, {"release": "draft"}).status_code == 403
    assert outsider.get(at(project, "environments")).status_code == 404


def test_open_conversations_on_an_older_release_are_counted(project, admin):
    first = release_publish(project=project, actor=None).release
    factories.conversation(factories.channel(project))
    project.topics.update(content="other")
    release_publish(project=project, actor=None)
    factories.conversation(factories.channel(project))

    assert "1 open conversation on it, 1 on what was here before" in shown(
        admin, at(project, "environments")
    )
    release_deploy(release=first, environment="live", actor=None)
