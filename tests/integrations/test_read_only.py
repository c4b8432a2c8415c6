"""What a reader sees looks as it is: nothing to change, and nothing that ends in a refusal."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django.test import Client
from django.urls import reverse

from conversations.webhooks.endpoints import endpoint_create
from handoffs.states import State
from integrations.models import Environment, Project
from tests import factories
from tests.members import client_of_admin, client_of_reader

pytestmark = pytest.mark.django_db
# One's own theme, keys, first steps and saved views; a phrase tried; rows taken away as a file.
FREE = ("/theme/", "/keys/", "/logout/", "/topics/try/", "/first-steps/")
FREE += ("/views/", "/handoffs/act/", "/handoffs/export/")
CONTROLS = ("input", "select", "textarea", "button")
EDITORS = ("topic_edit", "tool_edit", "widget", "integration")


class Changeable(HTMLParser):
    """Collects the controls of a page that would send a change."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path, self.found = path, []
        self._fieldsets: list[bool] = []
        self._is_in_form = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "form":
            action = given.get("action") or self.path
            is_post = given.get("method") == "post"
            self._is_in_form = is_post and not action.endswith(FREE)
        if tag == "fieldset":
            self._fieldsets.append("disabled" in given)
        is_free = "disabled" in given or any(self._fieldsets) or given.get("type") == "hidden"
        if tag in CONTROLS and self._is_in_form and not is_free:
            self.found.append((tag, given.get("name") or given.get("aria-label")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_in_form = False
        if tag == "fieldset":
            self._fieldsets.pop()


@pytest.fixture
def pages(project: Project) -> dict[str, str]:
    """Return the address of every page of a project that has something of everything."""
    tool = factories.tool(project)
    topic = factories.topic(project, "a person please", tool)
    factories.channel(project)
    factories.api_key(project)
    row = factories.integration(project)
    handoff = factories.handoff(state=State.ENDED, of_integration=row)
    place = [project.public_id, Environment.SANDBOX.value, "salesforce_messaging"]
    lists = ("agent", "topics", "tools", "widget", "integrations", "project_settings", "api_keys")
    lists += ("handoffs", "project_log", "webhooks")
    given = {"name": "CRM", "url": "https://crm.example/hook", "event_types": ["handoff.ended"]}
    endpoint, _ = endpoint_create(project=project, actor=None, values=given)
    own = {name: reverse(name, args=[project.public_id]) for name in lists}
    return {
        **own,
        "topic_edit": reverse("topic_edit", args=[project.public_id, topic.pk]),
        "tool_edit": reverse("tool_edit", args=[project.public_id, tool.pk]),
        "integration": reverse("integration", args=place),
        "handoff": reverse("handoff", args=[project.public_id, handoff.pk]),
        "webhook": reverse("webhook", args=[project.public_id, endpoint.pk]),
    }


@pytest.fixture
def reader(project: Project) -> Client:
    return client_of_reader(project)


def changeable(client: Client, path: str) -> list[tuple[str, str | None]]:
    """Return what may be filled or pressed on a page to change something."""
    answer = client.get(path)
    assert answer.status_code == 200, path
    read = Changeable(path)
    read.feed(answer.content.decode())
    return read.found


def test_no_page_offers_a_reader_anything_to_change(reader: Client, pages: dict[str, str]) -> None:
    offered = {name: changeable(reader, path) for name, path in pages.items()}

    assert {name: found for name, found in offered.items() if found} == {}


def test_the_same_pages_offer_an_admin_what_they_are_for(
    project: Project, pages: dict[str, str]
) -> None:
    admin = client_of_admin(project)

    assert all(changeable(admin, pages[name]) for name in EDITORS)


@pytest.mark.parametrize("name", EDITORS)
def test_an_editor_says_to_a_reader_that_it_is_only_read(
    reader: Client, project: Project, pages: dict[str, str], name: str
) -> None:
    note = "data-read-only"

    assert note in reader.get(pages[name]).content.decode()
    assert note not in client_of_admin(project).get(pages[name]).content.decode()


def test_no_link_of_a_page_leads_a_reader_to_a_refusal(
    reader: Client, pages: dict[str, str]
) -> None:
    # What stands on every page is followed once.
    shown = {path: reader.get(path).content.decode() for path in pages.values()}
    links = {link: path for path, page in shown.items() for link in _links(page)}

    assert {link: path for link, path in links.items() if reader.get(link).status_code == 403} == {}
    assert len(links) > len(pages)


@pytest.mark.parametrize("name", ["topic_new", "tool_new", "widget_new"])
def test_a_page_that_only_changes_something_is_closed_to_a_reader(
    reader: Client, project: Project, name: str
) -> None:
    assert reader.get(reverse(name, args=[project.public_id])).status_code == 403


def test_nobody_is_offered_a_project_who_may_not_make_one(
    reader: Client, project: Project, pages: dict[str, str]
) -> None:
    create = reverse("project_create")

    assert create not in reader.get(pages["topics"]).content.decode()
    assert create in client_of_admin(project).get(pages["topics"]).content.decode()


def _links(page: str) -> set[str]:
    found: set[str] = set()

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            target = dict(attributes).get("href") or ""
            if tag == "a" and target.startswith("/"):
                found.add(target)

    Links().feed(page)
    return found
