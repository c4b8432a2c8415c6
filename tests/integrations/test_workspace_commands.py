"""What operators do by command: workspaces, members, a project's words."""

from __future__ import annotations

from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from integrations.models import Access, AuditEntry, Membership, Workspace
from tests import factories

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = StringIO()
    call_command(*arguments, stdout=out)
    return out.getvalue()


def test_a_workspace_is_made_with_its_admin_and_repeating_it_changes_nothing():
    User.objects.create_user("mira")

    printed = [
        run("create_workspace", "birchline", "--name", "Birchline", "--admin", "mira")
        for _ in range(2)
    ]

    member = Membership.objects.get(user__username="mira")
    assert (member.workspace.name, member.is_admin) == ("Birchline", True)
    assert printed[0] == printed[1]


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [(["birch line"], "letters, digits"), (["birchline", "--admin", "nobody"], "createsuperuser")],
)
def test_a_workspace_that_cannot_be_is_refused_with_the_cure(arguments, cure):
    with pytest.raises(CommandError, match=cure):
        run("create_workspace", *arguments)

    assert not Workspace.objects.exists()


def test_a_member_gets_the_rights_that_are_named_in_place_of_earlier_ones():
    workspace = factories.workspace(slug="birchline")
    run("add_member", "birchline", "noor", "--edit", "account")

    printed = run("add_member", "birchline", "noor", "--read", "integrations", "--edit", "tools")

    member = Membership.objects.get(workspace=workspace)
    assert member.access("integrations") == Access.READ
    assert member.access("tools") == Access.EDIT
    assert member.access("account") == Access.NONE
    assert "changepassword noor" in printed


def test_a_new_member_cannot_sign_in_before_a_password_is_set():
    factories.workspace(slug="birchline")

    run("add_member", "birchline", "noor", "--admin")

    assert not User.objects.get(username="noor").has_usable_password()
    assert Membership.objects.get().is_admin


def test_a_member_of_no_workspace_is_refused():
    with pytest.raises(CommandError, match="create_workspace"):
        run("add_member", "nowhere", "noor")

    assert not User.objects.filter(username="noor").exists()


def test_a_project_says_what_is_set_and_keeps_the_rest():
    project = factories.project(factories.workspace(slug="birchline"), slug="shop")
    greeting = project.greeting

    run(
        *("set_project", "birchline", "shop", "--agent-name", "Alder"),
        *("--state-key", "order=order_number", "--state-key", "tier"),
    )

    project.refresh_from_db()
    assert (project.agent_name, project.greeting) == ("Alder", greeting)
    assert project.handoff_api == {
        "state_keys": ["order", "tier"],
        "aliases": {"order": "order_number"},
    }
    assert AuditEntry.objects.get().fields == ["agent_name", "handoff_api"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["birchline", "nowhere", "--agent-name", "Birch"], "no project nowhere"),
        (["birchline", "shop"], "Nothing to set"),
        (["birchline", "shop", "--agent-name", "B" * 51], "agent_name"),
    ],
)
def test_a_project_that_cannot_be_set_is_refused(arguments, told):
    project = factories.project(factories.workspace(slug="birchline"), slug="shop")

    with pytest.raises(CommandError, match=told):
        run("set_project", *arguments)

    before = project.agent_name
    project.refresh_from_db()
    assert project.agent_name == before
