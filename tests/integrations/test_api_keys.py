"""API keys: shown once, stored as a hash, and good for what they were made for."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.entry.keys import (
    ApiKeyForbiddenError,
    ApiKeyUnknownError,
    api_key_find,
    api_key_revoke,
)
from integrations.models import ApiKey, Project
from tests import factories


def create(client: Client, project: Project, **changes: object) -> str:
    """Make a key on the page and return what the page shows of it."""
    url = reverse("api_keys", args=[project.public_id])
    form = {"name": "Agent desktop", "permissions": ["handoff"], "expires_in_days": "", **changes}
    return client.post(url, form).context["new_key"]


def test_a_key_is_shown_once_and_stored_as_a_hash(admin: Client, project: Project) -> None:
    raw = create(admin, project)
    page = admin.get(reverse("api_keys", args=[project.public_id])).content.decode()

    row = ApiKey.objects.get()
    assert raw.startswith("bk_")
    assert raw not in page
    assert row.prefix in page
    assert raw not in str(ApiKey.objects.values().get())


def test_a_key_opens_its_project_for_its_permission_only(project: Project) -> None:
    key, raw = factories.api_key(project, "handoff")
    other = factories.project(project.workspace)

    assert api_key_find(raw, "handoff", project) == key
    with pytest.raises(ApiKeyForbiddenError):
        api_key_find(raw, "conversations", project)
    with pytest.raises(ApiKeyForbiddenError):
        api_key_find(raw, "handoff", other)
    with pytest.raises(ApiKeyUnknownError):
        api_key_find(raw + "x", "handoff", project)


def test_using_a_key_is_noted(project: Project) -> None:
    key, raw = factories.api_key(project)

    api_key_find(raw, "handoff", project)

    key.refresh_from_db()
    assert key.last_used_at is not None


def test_an_expired_key_is_unknown(project: Project) -> None:
    _, raw = factories.api_key(project, expires_at=timezone.now() - timedelta(seconds=1))

    with pytest.raises(ApiKeyUnknownError):
        api_key_find(raw, "handoff", project)


def test_a_revoked_key_is_unknown_from_then_on(project: Project) -> None:
    key, raw = factories.api_key(project)
    api_key_find(raw, "handoff", project)

    api_key_revoke(key=key, actor=None)

    with pytest.raises(ApiKeyUnknownError):
        api_key_find(raw, "handoff", project)


def test_revoking_asks_for_the_name(admin: Client, project: Project) -> None:
    create(admin, project)
    key = ApiKey.objects.get()
    url = reverse("api_key_revoke", args=[project.public_id, key.pk])

    admin.post(url, {"confirm_name": "Agent"})
    still = ApiKey.objects.get().revoked_at
    admin.post(url, {"confirm_name": "Agent desktop"})

    assert still is None
    assert ApiKey.objects.get().revoked_at is not None


def test_a_key_of_another_project_cannot_be_revoked(admin: Client, project: Project) -> None:
    key, _ = factories.api_key(factories.project(project.workspace))
    url = reverse("api_key_revoke", args=[project.public_id, key.pk])

    response = admin.post(url, {"confirm_name": key.name})

    key.refresh_from_db()
    assert response.status_code == 404
    assert key.revoked_at is None


def test_a_key_without_name_or_permission_is_refused_at_the_field(
    admin: Client, project: Project
) -> None:
    url = reverse("api_keys", args=[project.public_id])

    response = admin.post(url, {"name": ""})

    assert response.status_code == 422
    assert set(response.context["form"].errors) == {"name", "permissions"}
    assert not ApiKey.objects.exists()


def test_a_life_in_days_sets_the_end(admin: Client, project: Project) -> None:
    create(admin, project, expires_in_days="30")

    expires_at = ApiKey.objects.get().expires_at
    assert expires_at is not None
    assert abs(expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)


def test_a_rotated_key_works_a_week_beside_its_successor(admin: Client, project: Project) -> None:
    key, raw = factories.api_key(project, "chat", "handoff")

    page = admin.post(reverse("api_key_rotate", args=[project.public_id, key.pk]))

    fresh = page.context["new_key"]
    assert api_key_find(raw, "chat", project) == key
    successor = api_key_find(fresh, "handoff", project)
    assert (successor.name, successor.permissions) == (key.name, key.permissions)
    assert successor.expires_at is None
    key.refresh_from_db()
    assert key.expires_at is not None
    assert abs(key.expires_at - timezone.now() - timedelta(days=7)) < timedelta(minutes=1)


def test_a_key_that_is_over_has_no_successor(admin: Client, project: Project) -> None:
    key, _ = factories.api_key(project, expires_at=timezone.now() - timedelta(seconds=1))

    admin.post(reverse("api_key_rotate", args=[project.public_id, key.pk]))

    assert ApiKey.objects.count() == 1


def test_the_page_warns_of_a_key_that_ends_soon(admin: Client, project: Project) -> None:
    factories.api_key(project, expires_at=timezone.now() + timedelta(days=40))
    url = reverse("api_keys", args=[project.public_id])
    before = admin.get(url).content.decode()
    factories.api_key(project, expires_at=timezone.now() + timedelta(days=10))

    assert "Ends soon" not in before
    assert "Ends soon" in admin.get(url).content.decode()


def test_each_permission_says_what_it_is_good_for(admin: Client, project: Project) -> None:
    page = admin.get(reverse("api_keys", args=[project.public_id])).content.decode()

    assert all(help_text in page for help_text in ApiKey.HELP.values())
