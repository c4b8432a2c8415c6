"""The frame: who sees which entry, what is counted beside it, the switcher, all projects."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from conversations.models import LogEntry
from handoffs.states import State
from integrations.models import Access, Environment, Integration, Membership, Project
from integrations.projects.frame.menu import MENU
from tests import factories
from tests.members import client_of_admin, client_with

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> None:
    cache.clear()


@pytest.fixture
def project() -> Project:
    return factories.project(name="Demo shop")


def home(client: Client, project: Project) -> str:
    return client.get(reverse("project_home", args=[project.public_id])).content.decode()


def menu_labels(page: str) -> list[str]:
    menu = page.split('<nav aria-label="Project">')[1].split("</nav>")[0]
    return re.findall(r'class="nav-link".*?</svg>([^<]+)<', menu)


def test_the_groups_stand_in_their_order_with_every_page_of_an_admin(
    admin: Client, project: Project
) -> None:
    page = home(admin, project)

    groups = re.findall(r'data-fold="(\w+)"', page)
    assert groups == ["build", "configure", "operate", "deploy", "settings"]
    labels = [entry.label for group in MENU for entry in group.entries]
    assert menu_labels(page) == ["Home", "Find", *labels]
    settings = next(group for group in MENU if group.key == "settings")
    assert [entry.label for entry in settings.entries] == [
        *("Project", "Members", "API keys", "Webhooks", "Audit", "Retention"),
    ]


def test_a_member_sees_the_entries_of_their_areas_alone(project: Project) -> None:
    client = client_with(project, knowledge=Access.READ)

    labels = menu_labels(home(client, project))

    assert labels == ["Home", "Find", "Topics", "Flows", "Handoff rules", "Safety", "Variants"]


def test_a_folded_group_stays_folded_but_for_the_one_where_one_is(
    admin: Client, project: Project
) -> None:
    admin.cookies["folded"] = "build.settings"
    page = admin.get(reverse("topics", args=[project.public_id])).content.decode()

    groups = re.findall(r'<details data-fold="(\w+)"( open)?>', page)
    assert len(groups) == len(MENU)
    assert [name for name, is_open in groups if not is_open] == ["settings"]


def test_open_handoffs_red_tiles_and_todays_errors_are_counted_in_one_statement(
    admin: Client, project: Project
) -> None:
    row = factories.integration(project, status=Integration.Status.NEEDS_ATTENTION)
    factories.handoff(state=State.QUEUED, of_integration=row)
    factories.handoff(state=State.ENDED, of_integration=row)
    LogEntry.objects.create(project=project, level="error", content="It broke.")
    LogEntry.objects.create(project=project, level="info", content="It runs.")
    cache.clear()

    with CaptureQueriesContext(
        connection,
    ) as seen:
        page = home(admin, project)

    assert re.search(r'id="count-live" hidden>1 open handoff<', page)
    assert re.search(r'id="count-integrations" hidden>1 needs attention<', page)
    assert re.search(r'id="count-project_log" hidden>1 error today<', page)
    counting = [query for query in seen if '"red_tiles"' in query["sql"]]
    assert len(counting) == 1


def test_the_errors_of_today_lead_to_as_many_lines(admin: Client, project: Project) -> None:
    LogEntry.objects.create(project=project, level="error", content="It broke.")
    before = LogEntry.objects.create(project=project, level="error", content="Long ago.")
    LogEntry.objects.filter(pk=before.pk).update(at=timezone.now() - timedelta(days=2))
    page = home(admin, project)

    href, shown = re.findall(r'href="([^"]+)"><strong[^>]*>(\d+)</strong>', page)[-1]

    assert shown == "1"
    listed = admin.get(unescape(href)).context["found"]
    assert [entry.content for entry in listed] == ["It broke."]


def test_the_page_of_the_command_box_is_marked_in_the_menu(admin: Client, project: Project) -> None:
    page = admin.get(reverse("find", args=[project.public_id])).content.decode()

    link = page.split("data-find-open")[1].split(">")[0]
    assert 'aria-current="page"' in link


def test_the_switcher_names_the_project_and_offers_those_opened_last_first(
    admin: Client, project: Project
) -> None:
    for number in range(9):
        factories.project(project.workspace, name=f"Another {number}")
    last = factories.project(project.workspace, name="Zebra crossing")
    home(admin, last)

    page = home(admin, project)

    menu = page.split("data-switcher>")[1].split("</details>")[0]
    assert re.search(
        r"<strong[^>]*>Demo shop</strong>.*, switch project", menu.split("</summary>")[0], re.S
    )
    names = re.findall(r'<span dir="auto">([^<]+)</span>', menu)
    assert names[:3] == ["Demo shop", "Zebra crossing", "Another 0"]
    assert "switcher-search" in menu
    assert reverse("projects") in menu


def test_few_projects_are_not_searched(admin: Client, project: Project) -> None:
    assert "switcher-search" not in home(admin, project)


def test_all_projects_show_what_is_open_and_red_in_one_statement_whatever_their_number(
    admin: Client, project: Project
) -> None:
    red = factories.project(project.workspace, name="Red shop")
    row = factories.integration(red, status=Integration.Status.NEEDS_ATTENTION)
    factories.handoff(state=State.QUEUED, of_integration=row)
    factories.project(name="Somebody else's")

    with CaptureQueriesContext(connection) as seen:
        page = admin.get(reverse("projects")).content.decode()

    assert "Somebody else" not in page
    line = page.split(">Red shop<")[1].split("</tr>")[0]
    assert re.search(r">1<span[^>]*> open in Red shop", line)
    assert re.search(r">1<span[^>]*> need attention in Red shop", line)
    assert len([query for query in seen if "handoffs_handoff" in query["sql"]]) == 1


def test_all_projects_keep_to_what_the_member_may_look_at(project: Project) -> None:
    factories.integration(project, status=Integration.Status.NEEDS_ATTENTION)
    client = client_with(project, knowledge=Access.READ)

    page = client.get(reverse("projects")).content.decode()

    assert page.count("no access") == 2


def test_live_is_marked_on_each_page_that_acts_on_it(admin: Client, project: Project) -> None:
    factories.integration(project, environment=Environment.LIVE)
    factories.integration(project)
    live = factories.channel(project, environment=Environment.LIVE)

    def is_marked(name: str, *parts: object, query: str = "") -> bool:
        page = admin.get(reverse(name, args=[project.public_id, *parts]) + query)
        assert page.status_code == 200
        return b"strip-live" in page.content

    place = ("live", "salesforce_messaging")
    acting = ("integration", "connect_values", "connect_behaviour", "integration_disconnect")
    assert [name for name in acting if not is_marked(name, *place)] == []
    assert is_marked("integrations", query="?env=live")
    assert is_marked("widget_section", live.pk, "identity")
    assert not is_marked("integration", "sandbox", "salesforce_messaging")
    assert not is_marked("integrations")


def test_single_keys_are_switched_off_in_the_account_menu(admin: Client, project: Project) -> None:
    before = home(admin, project)
    admin.post(reverse("keys"), {"keys": "off", "next": "/"})
    after = home(admin, project)

    assert 'data-keys="on"' in before
    assert 'data-keys="off"' in after


def test_first_steps_are_put_away_for_one_member_alone(project: Project) -> None:
    mine, theirs = client_of_admin(project), client_of_admin(project)

    mine.post(reverse("first_steps", args=[project.public_id]), {"show": "no"})

    assert "data-first-steps" not in home(mine, project)
    assert "data-first-steps" in home(theirs, project)
    settings = reverse("project_settings", args=[project.public_id])
    assert "Show the first steps" in mine.get(settings).content.decode()
    assert "Show the first steps" not in theirs.get(settings).content.decode()
    mine.post(reverse("first_steps", args=[project.public_id]), {"show": "yes"})
    assert "data-first-steps" in home(mine, project)
    assert Membership.objects.exclude(first_steps_dismissed=[]).count() == 0
