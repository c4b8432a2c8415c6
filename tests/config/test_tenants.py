"""What is one project's is nobody else's: every address that the portal has, asked by strangers."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from conversations.models import Secret, ToolApi, Variant, WebhookEndpoint
from conversations.models.review import Note
from integrations.models import ApiKey, Membership, Project
from integrations.models.invitation import Invitation
from tests import factories
from tests.config.routes import Route, routes
from tests.members import client_of_admin

pytestmark = pytest.mark.django_db
REFUSED = (401, 403, 404)
OF_PAGES = ("GET", "POST")
OF_PROGRAMS = (*OF_PAGES, "PUT", "PATCH", "DELETE")
# What a method does not do is refused before anything is looked at.
NOT_TAKEN = 405
# Opened by a secret in the address, by a signature, or by anybody: there is no project to be of.
OPEN = ("brand/", "files/", "transcripts/", "invitations/", "w/", "handoff/webhooks/")
# Of a person, whatever project they are in.
OPEN += ("account/",)


@pytest.fixture
def theirs() -> Project:
    return factories.project()


@pytest.fixture
def ours() -> Project:
    return factories.project()


def things_of(project: Project) -> dict[str, str]:
    """Return the ids of what a project can have, by the name of the parameter."""
    channel = factories.channel(project)
    of = factories.integration(project)
    handoff = factories.handoff(factories.conversation(channel), of_integration=of)
    user = User.objects.create_user(f"member-of-{project.pk}")
    soon = timezone.now() + timedelta(days=1)
    made: dict[str, Any] = {
        "tool_id": factories.tool(project),
        "topic_id": factories.topic(project, "Where is my parcel?"),
        "flow_id": factories.flow(project, "Returns", []),
        "destination_id": factories.destination(project),
        "channel_id": channel,
        "variant_id": Variant.objects.create(project=project, name="North"),
        "secret_id": Secret.objects.create(project=project, name="KEY"),
        "api_id": ToolApi.objects.create(project=project, name="orders"),
        "key_id": factories.api_key(project)[0],
        "endpoint_id": WebhookEndpoint.objects.create(
            project=project, name="Ours", url="https://hooks.example"
        ),
        "member_id": Membership.objects.create(workspace=project.workspace, user=user),
        "invitation_id": Invitation.objects.create(
            workspace=project.workspace, email="ida@example.org", expires_at=soon
        ),
        "note_id": Note.objects.create(conversation=handoff.conversation, text="Called back."),
        "handoff_id": handoff,
        "conversation_id": handoff.conversation,
    }
    return {name: str(row.pk) for name, row in made.items()} | {
        "project_id": project.public_id,
        "account_id": project.workspace.public_id,
        "session_id": str(handoff.conversation.session_id),
        "environment": "sandbox",
        "client_env": "sandbox",
        "connection": "salesforce_messaging",
        "vendor": "salesforce",
        "section": "consent",
        "event_id": str(uuid.UUID(int=7)),
    }


def of_projects() -> list[Route]:
    """Return every route that leads to something of a project's."""
    return [
        route
        for route in routes()
        if route.parameters and not route.pattern.startswith(("admin/", *OPEN))
    ]


def pages() -> list[Route]:
    return [route for route in of_projects() if route.pattern.startswith("p/")]


def programs() -> list[Route]:
    return [route for route in of_projects() if not route.pattern.startswith("p/")]


def answers(client: Client, path: str, **headers: str) -> dict[str, int]:
    methods = OF_PROGRAMS if headers else OF_PAGES
    return {
        method: client.generic(
            method, path, "{}", content_type="application/json", headers=headers
        ).status_code
        for method in methods
    }


def let_in(found: dict[str, dict[str, int]]) -> list[str]:
    """Return what was not refused, one line each."""
    return [
        f"{method} {route}: {status}"
        for route, statuses in found.items()
        for method, status in statuses.items()
        if status not in (*REFUSED, NOT_TAKEN)
    ]


def test_a_member_of_another_workspace_reaches_no_page_of_a_project(ours, theirs):
    things, client = things_of(theirs), client_of_admin(ours)

    found = {str(route): answers(client, route.filled(things)) for route in pages()}

    assert len(found) > 100
    assert let_in(found) == []


def test_what_is_another_projects_is_not_found_under_ones_own_address(ours, theirs):
    things_of(ours)
    foreign = {**things_of(theirs), "project_id": ours.public_id}
    # Addresses that name something of a project's; an environment or a vendor is everybody's.
    named = {name for name in foreign if name.endswith("_id")} - {"project_id", "account_id"}
    routes_with_ids = [route for route in pages() if named & set(route.parameters)]
    client = client_of_admin(ours)

    found = {str(route): answers(client, route.filled(foreign)) for route in routes_with_ids}

    assert len(found) > 25
    assert let_in(found) == []


@pytest.mark.parametrize("neighbour", [False, True], ids=["another workspace", "the same one"])
def test_a_key_of_one_project_opens_nothing_of_another(ours, theirs, neighbour):
    if neighbour:
        ours = factories.project(theirs.workspace)
    things = things_of(theirs)
    _, key = factories.api_key(ours, *ApiKey.Permission.values)
    channel = factories.channel(ours)
    token = factories.token(channel)
    headers = {
        "x-api-key": key,
        "x-token": channel.public_key,
        "authorization": f"Bearer {token}",
    }

    found = {str(route): answers(Client(), route.filled(things), **headers) for route in programs()}

    assert len(found) > 20
    assert let_in(found) == []


def test_the_matrix_would_notice_an_open_door(ours):
    things, client = things_of(ours), client_of_admin(ours)
    _, key = factories.api_key(ours, *ApiKey.Permission.values)
    some = pages()[::6]

    seen = [client.get(route.filled(things)).status_code for route in some]
    listed = Client().get(
        "/v3/{account_id}/{project_id}/conversations".format(**things), headers={"x-api-key": key}
    )

    assert seen.count(200) > len(some) / 3
    assert listed.status_code == 200
