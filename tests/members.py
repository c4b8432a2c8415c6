"""A project, and members of its workspace who are signed in, with access by area."""

from __future__ import annotations

from itertools import count

import pytest
from django.contrib.auth.models import User
from django.test import Client

from integrations.models import Access, Area, Membership, Project
from tests import factories

_numbers = count(1)
EVERY_AREA = dict.fromkeys(Area.values, Access.READ.value)


@pytest.fixture
def project() -> Project:
    """A project of its own workspace."""
    return factories.project()


@pytest.fixture
def admin(project: Project) -> Client:
    """A browser in which an admin of the workspace is signed in."""
    return client_of_admin(project)


def client_of_admin(project: Project) -> Client:
    """Return a browser in which an admin of the workspace is signed in."""
    return _client(project, is_admin=True)


def client_of_reader(project: Project) -> Client:
    """Return a browser of a member who may read every area and edit none."""
    return client_with(project, **EVERY_AREA)


def client_with(project: Project, *, sees_personal_data: bool = False, **areas: int) -> Client:
    """Return a browser of a member with this access, by the name of the area."""
    given = {name: int(access) for name, access in areas.items()}
    return _client(project, areas=given, sees_personal_data=sees_personal_data)


def _client(project: Project, **fields: object) -> Client:
    user = User.objects.create_user(f"member-{next(_numbers)}")
    Membership.objects.create(workspace=project.workspace, user=user, **fields)
    return signed_in(user)


def signed_in(user: User) -> Client:
    """Return a browser in which somebody is signed in."""
    client = Client()
    client.force_login(user)
    return client
