"""Who may enter: other workspaces do not exist, readers write nothing, strangers sign in."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from integrations.models import ApiKey, Integration, Membership, Project
from tests import factories
from tests.integrations.connecting import address, salesforce_values
from tests.members import client_of_admin, client_of_reader, client_with

WRITES = [
    "connect_before",
    "connect_give",
    "connect_values",
    "connect_test_run",
    "connect_copy",
    "connect_save",
    "connect_behaviour",
    "integration_enable",
    "integration_disable",
    "integration_disconnect",
    "trial_handoff_run",
]
FLOW = ["connect_before", "connect_give", "connect_values", "connect_test", "connect_behaviour"]


@pytest.mark.parametrize("name", WRITES)
def test_a_reader_is_refused_every_change(reader: Client, project: Project, name: str) -> None:
    before = Integration.objects.filter(pk=factories.integration(project).pk).values().get()

    response = reader.post(address(project, name), salesforce_values("http://127.0.0.1:1"))

    assert response.status_code == 403
    assert Integration.objects.filter(pk=before["id"]).values().get() == before


@pytest.mark.parametrize("name", FLOW)
def test_a_reader_does_not_see_the_flow(reader: Client, project: Project, name: str) -> None:
    factories.integration(project)

    assert reader.get(address(project, name)).status_code == 403


@pytest.mark.parametrize("name", [*WRITES, "integration", "integration_audit", "connect_verify"])
def test_a_project_of_another_workspace_does_not_exist(project: Project, name: str) -> None:
    factories.integration(project)
    stranger = client_of_admin(factories.project())

    assert stranger.get(address(project, name)).status_code in (404, 405)
    assert stranger.post(address(project, name)).status_code == 404


def test_a_member_without_the_area_sees_nothing_of_it(project: Project) -> None:
    member = client_with(project, knowledge=1)

    response = member.get(reverse("integrations", args=[project.public_id]))

    assert response.status_code == 403


def test_an_editor_of_integrations_makes_no_api_key(project: Project) -> None:
    editor = client_with(project, integrations=2)

    page = editor.post(
        reverse("api_keys", args=[project.public_id]), {"name": "x", "permissions": ["handoff"]}
    )

    assert page.status_code == 403
    assert not ApiKey.objects.exists()


def test_a_stranger_signs_in_and_comes_back(client: Client, project: Project) -> None:
    User.objects.create_user("ada", password="correct horse battery")
    Membership.objects.create(workspace=project.workspace, user=User.objects.get(), is_admin=True)
    wanted = reverse("integrations", args=[project.public_id])

    asked = client.get(wanted)
    refused = client.post(asked.url, {"username": "ada", "password": "wrong", "next": wanted})
    accepted = client.post(
        asked.url, {"username": "ada", "password": "correct horse battery", "next": wanted}
    )

    assert asked.url == f"{reverse('login')}?next={wanted}"
    assert "do not match" in refused.content.decode()
    assert accepted.url == wanted


def test_home_leads_to_the_first_project_or_to_making_one(admin: Client, project: Project) -> None:
    nobody = Client()
    nobody.force_login(User.objects.create_user("nobody"))

    home = admin.get(reverse("home"), follow=True)
    empty = nobody.get(reverse("home"), follow=True)

    assert home.redirect_chain[-1][0] == reverse("project_home", args=[project.public_id])
    assert "No project yet" in empty.content.decode()
    assert nobody.post(reverse("project_create"), {"name": "x"}).status_code == 403


def test_home_shows_a_member_of_one_area_no_link_into_another(project: Project) -> None:
    author = client_with(project, knowledge=1)

    home = author.get(reverse("home"), follow=True)

    assert home.status_code == 200
    page = home.content.decode()
    assert f'href="{reverse("topics", args=[project.public_id])}"' in page
    assert f'href="{reverse("integrations", args=[project.public_id])}' not in page


def test_an_admin_makes_a_project_with_a_name_that_is_taken(
    admin: Client, project: Project
) -> None:
    for _ in range(3):
        admin.post(reverse("project_create"), {"name": "Online shop"})

    slugs = project.workspace.projects.filter(name="Online shop").values_list("slug", flat=True)
    assert sorted(slugs) == ["online-shop", "online-shop-2", "online-shop-3"]


def test_theme_and_keys_follow_the_member_into_every_browser(project: Project) -> None:
    user = User.objects.create_user("mira")
    here, there, strange = Client(), Client(), Client()
    strange.cookies["theme"] = "light"
    for browser in (here, there, strange):
        browser.force_login(user)
    assert 'data-theme="light"' in strange.get("/account/").content.decode()

    here.post(reverse("theme"), {"theme": "dark"})
    here.post(reverse("keys"), {"keys": "off"})

    for browser in (here, there, strange):
        page = browser.get("/account/").content.decode()
        assert 'data-theme="dark"' in page
        assert "are off." in page
    for browser in (here, strange):
        browser.post("/logout/")
    assert 'data-theme="dark"' in here.get("/login/").content.decode()
    assert 'data-theme="light"' in strange.get("/login/").content.decode()
    here.force_login(user)
    here.post(reverse("theme"), {"theme": ""})
    assert "data-theme=" not in there.get("/account/").content.decode()


def test_the_theme_is_remembered_and_leads_nowhere_else(admin: Client, project: Project) -> None:
    url = reverse("integrations", args=[project.public_id])

    chosen = admin.post(reverse("theme"), {"theme": "dark", "next": url})
    page = admin.get(url).content.decode()
    lured = admin.post(reverse("theme"), {"theme": "dark", "next": "https://evil.example/"})

    assert chosen.url == url
    assert 'data-theme="dark"' in page
    assert lured.url == "/"


def test_pages_hold_no_inline_script_or_style(admin: Client, project: Project) -> None:
    factories.integration(project)
    names = ["integration", *FLOW, "connect_done", "integration_disconnect"]
    pages = [admin.get(address(project, name)) for name in names]
    pages.append(admin.get(reverse("integrations", args=[project.public_id])))
    pages.append(admin.get(reverse("api_keys", args=[project.public_id])))

    for page in pages:
        text = page.content.decode()
        assert page.status_code == 200
        assert " style=" not in text
        assert "<style" not in text
        assert " onclick=" not in text
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]


def test_who_has_no_access_is_told_what_is_missing_and_who_can_give_it(project: Project) -> None:
    client_of_admin(project)
    outside = User.objects.create_user("not-asked")
    Membership.objects.create(workspace=factories.project().workspace, user=outside, is_admin=True)
    page = reverse("integrations", args=[project.public_id])
    no_access = client_with(project, knowledge=2).get(page).content.decode()
    only_read = client_with(project, integrations=1).post(address(project, "connect_save"))

    [admin] = Membership.objects.filter(workspace=project.workspace, is_admin=True)
    assert f"You have no access to Integrations in {project.name}." in no_access
    assert admin.user.get_username() in no_access
    assert f"You may only read Integrations in {project.name}." in only_read.content.decode()
    assert "not-asked" not in no_access


@pytest.mark.django_db
def test_who_may_make_no_project_reads_whom_to_ask():
    project = factories.project()
    client_of_admin(project)
    [admin] = User.objects.values_list("username", flat=True)
    stranger = Client()
    stranger.force_login(User.objects.create_user("a-stranger"))

    of_the_house = client_of_reader(project).get("/projects/new/").content.decode()
    of_none = stranger.get("/projects/new/").content.decode()
    refused = stranger.post("/projects/new/", {"name": "Mine"})

    assert f"Ask an admin ({admin})" in of_the_house
    assert admin not in of_none
    assert (refused.status_code, admin in refused.content.decode()) == (403, False)
