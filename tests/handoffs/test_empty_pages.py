"""A new project: every page of the menu says what it will show, and what to do first."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from integrations.models import Area, Project
from integrations.projects.frame.menu import MENU
from tests.members import client_of_admin, client_with

pytestmark = pytest.mark.django_db
# These have something to show or to fill in from the beginning.
NEVER_EMPTY = {
    *("handoff_rules", "safety", "test_panel", "agent", "integrations", "environments"),
    *("project_settings", "members", "api_keys", "retention"),
    # Making the project is its first entry.
    "audit",
}
# Nothing is wrong, and nothing is to be done.
WITHOUT_BUTTON = {"alerts"}


def empty_state(client: Client, project: Project, page: str) -> str:
    answer = client.get(reverse(page, args=[project.public_id]))
    assert answer.status_code == 200
    found = answer.content.decode().split('class="empty-state"')
    return found[1].split("</div>")[0] if len(found) > 1 else ""


def test_each_empty_page_says_what_it_will_show_and_has_one_button_that_leads_on(
    project: Project,
) -> None:
    admin = client_of_admin(project)
    pages = [entry.page for group in MENU for entry in group.entries]

    shown = {page: empty_state(admin, project, page) for page in pages if page not in NEVER_EMPTY}

    assert [page for page, text in shown.items() if not re.search(r"<p>[^<]{30,}", text)] == []
    buttons = {page: re.findall(r'href="([^"]+)"', text) for page, text in shown.items()}
    wrong = [page for page, found in buttons.items() if len(found) != (page not in WITHOUT_BUTTON)]
    assert wrong == []
    dead = [url for found in buttons.values() for url in found if admin.get(url).status_code != 200]
    assert dead == []


@pytest.mark.parametrize("page", ["live", "handoffs", "conversations", "project_log", "analytics"])
def test_an_empty_page_has_no_button_to_where_the_member_may_not_go(
    project: Project, page: str
) -> None:
    areas = {Area.CONVERSATIONS.value: 1, Area.ANALYTICS.value: 1}
    client = client_with(project, **areas)

    text = empty_state(client, project, page)

    assert text
    assert [
        url for url in re.findall(r'href="([^"]+)"', text) if client.get(url).status_code == 403
    ] == []
