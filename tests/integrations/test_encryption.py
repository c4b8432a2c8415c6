"""Secrets at rest: unreadable without a key, readable with an old one, rotated to the first."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from config.checks import check_encryption_keys, check_local_vendors, refuse_unsafe_start
from integrations.credentials.fields import DecryptionError
from integrations.models import Integration, Project, VendorToken
from tests import factories
from tests.members import client_of_admin

SECRET = "s3cret-consumer-value"


@pytest.fixture
def stored(project: Project) -> Integration:
    return factories.integration(
        project,
        credentials={"jwt_private_key": SECRET},
        draft={"values": {"jwt_private_key": SECRET}},
    )


def column(row: Integration, name: str = "credentials") -> str:
    """Return what the database really holds."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {name} FROM integrations_integration WHERE id = %s", [row.pk])
        return cursor.fetchone()[0]


def test_the_database_and_a_dump_hold_no_plain_secret(stored: Integration) -> None:
    later = timezone.now() + timedelta(hours=1)
    VendorToken.objects.create(integration=stored, name="t", value=SECRET, expires_at=later)
    dump = io.StringIO()

    call_command("dumpdata", "integrations", stdout=dump)

    assert SECRET not in dump.getvalue()
    assert SECRET not in column(stored) + column(stored, "draft")
    assert "gAAAA" in dump.getvalue()


def test_every_key_decrypts_and_the_first_encrypts(stored: Integration, settings) -> None:
    old, new = settings.ENCRYPTION_KEYS[0], Fernet.generate_key().decode()

    settings.ENCRYPTION_KEYS = [new, old]
    stored.refresh_from_db()
    stored.save()
    settings.ENCRYPTION_KEYS = [new]

    assert Integration.objects.get(pk=stored.pk).credentials["jwt_private_key"] == SECRET


def test_rotation_moves_every_column_to_the_first_key(stored: Integration, settings) -> None:
    old, new = settings.ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, old]
    told = io.StringIO()

    call_command("rotate_keys", stdout=told)
    settings.ENCRYPTION_KEYS = [new]

    row = Integration.objects.get(pk=stored.pk)
    assert row.credentials == {"jwt_private_key": SECRET}
    assert row.draft["values"] == {"jwt_private_key": SECRET}
    assert "integrations.Integration: 1 rows, credentials, draft" in told.getvalue()


def test_rotation_stops_at_a_value_that_fits_no_key(stored: Integration, settings) -> None:
    before = column(stored)
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(CommandError, match="fits none of the keys"):
        call_command("rotate_keys", stdout=io.StringIO())

    assert column(stored) == before


def test_without_the_right_key_reading_fails_and_shows_nothing(
    stored: Integration, settings
) -> None:
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(DecryptionError) as failure:
        Integration.objects.get(pk=stored.pk)

    assert SECRET not in str(failure.value)


def test_a_page_that_needs_an_unreadable_secret_fails_and_shows_nothing(
    stored: Integration, settings
) -> None:
    admin = client_of_admin(stored.project)
    admin.raise_request_exception = False
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    page = admin.get(reverse("integrations", args=[stored.project.public_id]))

    assert page.status_code == 500
    assert "Something failed" in page.content.decode()
    assert SECRET not in page.content.decode()


def test_without_any_key_nothing_is_stored(project: Project, settings) -> None:
    settings.ENCRYPTION_KEYS = []

    with pytest.raises(ImproperlyConfigured):
        factories.integration(project)


@pytest.mark.parametrize("keys", [[], ["not-a-key"]])
def test_no_start_without_usable_keys(settings, keys: list[str]) -> None:
    settings.ENCRYPTION_KEYS = keys

    assert [error.id for error in check_encryption_keys(None)] == ["integrations.E001"]
    with pytest.raises(ImproperlyConfigured, match=r"integrations\.E001"):
        refuse_unsafe_start()


def test_local_vendors_are_refused_where_others_can_reach_the_portal(settings) -> None:
    settings.ALLOWED_HOSTS = ["portal.example.org"]
    reachable = check_local_vendors(None)
    settings.ALLOWED_HOSTS = ["localhost"]
    local = check_local_vendors(None)

    assert [error.id for error in reachable] == ["integrations.E002"]
    assert local == []


def test_make_key_prints_a_key_that_works(settings) -> None:
    printed = io.StringIO()

    call_command("make_key", stdout=printed)
    settings.ENCRYPTION_KEYS = [printed.getvalue().strip()]

    assert check_encryption_keys(None) == []
