"""The first steps of a project: ticked by facts, open again when a fact goes."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.journal.services import Visitor
from conversations.releases.services import release_publish
from handoffs.states import State
from integrations.models import Access, Integration, Membership, Project, SecondFactor
from tests import factories
from tests.members import client_with

pytestmark = pytest.mark.django_db
Status = Integration.Status


def steps(client: Client, project: Project) -> tuple[list[str], str, str]:
    """Return the facts that are ticked, the one that is next, and the headline."""
    page = client.get(reverse("project_home", args=[project.public_id])).content.decode()
    lines = re.findall(r'class="step-line([^"]*)" data-step="(\w+)"', page)
    headline = re.search(r"data-first-steps>([^<]*)<", page)
    following = [name for state, name in lines if "step-next" in state]
    return (
        [name for state, name in lines if "step-done" in state],
        "".join(following),
        headline[1] if headline else "",
    )


def test_nothing_is_ticked_in_a_new_project_and_the_first_step_is_open(
    admin: Client, project: Project
) -> None:
    assert steps(admin, project) == ([], "is_connected", "0 of 7. Next: connect an integration.")


def test_each_step_is_ticked_by_what_happened(admin: Client, project: Project) -> None:
    seen = []

    def ticked(expected: str) -> None:
        seen.append(expected)
        assert steps(admin, project)[0] == seen

    row = factories.integration(project, status=Status.NEEDS_ATTENTION)
    ticked("is_connected")
    Integration.objects.filter(pk=row.pk).update(status=Status.CONNECTED)
    ticked("is_green")
    tool = factories.tool(project)
    ticked("is_named")
    factories.topic(project, "I want a person", tool)
    ticked("is_reached")
    release_publish(project=project, actor=None, note="First")
    ticked("is_published")
    assert steps(admin, project)[2] == "5 of 7. Next: put the widget on your page."
    channel = factories.channel(project)
    on_page = factories.conversation(
        channel, visitor=Visitor(page={"url": "https://shop.example/cart"})
    )
    ticked("is_seen")
    factories.handoff(on_page, state=State.ACTIVE, of_integration=row)
    ticked("is_answered")
    assert steps(admin, project)[1:] == ("has_colleague", "7 of 7. All that is needed is there.")
    Membership.objects.create(
        workspace=project.workspace, user=User.objects.create_user("colleague")
    )
    ticked("has_colleague")
    member = User.objects.exclude(username="colleague").get()
    SecondFactor.objects.create(user=member, secrets={}, confirmed_at=timezone.now())
    ticked("has_second_factor")


def test_a_step_is_open_again_when_its_fact_goes(admin: Client, project: Project) -> None:
    row = factories.integration(project)
    factories.destination(project)
    before = steps(admin, project)[0]

    Integration.objects.filter(pk=row.pk).update(status=Status.DISABLED)

    assert before == ["is_connected", "is_green", "is_named"]
    assert steps(admin, project)[0] == []


def test_what_only_looks_like_a_fact_ticks_nothing(admin: Client, project: Project) -> None:
    # A ticket system takes no live chats; the test page is nobody's own.
    factories.integration(
        project, connector_key="zendesk_tickets", integration_key="zendesk_tickets_integration"
    )
    factories.tool(project, "def greet(conv):\n    return 'hello'\n")
    channel = factories.channel(project)
    factories.conversation(channel, visitor=Visitor(page={"url": "http://127.0.0.1:8000/w/x/"}))
    factories.conversation(channel, visitor=Visitor(page={"url": "https://elsewhere.example/"}))

    assert steps(admin, project)[0] == []


def test_a_step_of_an_area_that_is_not_the_members_has_no_button(project: Project) -> None:
    client = client_with(project, knowledge=Access.EDIT)

    page = client.get(reverse("project_home", args=[project.public_id])).content.decode()

    assert "Edit access to Integrations is needed for it." in page
    assert "Open Integrations" not in page
