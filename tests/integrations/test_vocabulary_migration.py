"""Stored outcomes of tests take the words of the one vocabulary, and get theirs back."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from integrations.models import Integration, Project
from tests import factories

MIGRATION = import_module("integrations.migrations.0006_one_vocabulary")


def row_with(project: Project, tile: str, *codes: str) -> Integration:
    row = factories.integration(project)
    checks = [{"name": "token", "is_ok": False, "code": code} for code in codes]
    row.last_error_code = tile
    row.draft = {"test": {"is_ok": False, "at": timezone.now().isoformat(), "checks": checks}}
    row.save()
    return row


def words(row: Integration) -> tuple[str, list[str]]:
    row.refresh_from_db()
    return row.last_error_code, [check["code"] for check in row.draft["test"]["checks"]]


@pytest.mark.django_db
def test_words_of_the_test_become_codes_and_what_was_a_code_stays(project: Project) -> None:
    row = row_with(project, "auth", "forbidden", "not_found", "vendor_error", "dns", "skipped")

    MIGRATION.forwards(apps, connection.schema_editor())

    codes = ["missing_permission", "invalid_routing", "unknown", "dns", "skipped"]
    assert words(row) == ("invalid_auth", codes)


@pytest.mark.django_db
def test_the_way_back_gives_the_test_its_words_again(project: Project) -> None:
    row = row_with(project, "cannot_connect", "invalid_auth", "cannot_connect", "wrong_type")

    MIGRATION.backwards(apps, connection.schema_editor())

    assert words(row) == ("cannot_connect", ["auth", "vendor_error", "wrong_type"])


@pytest.mark.django_db
def test_a_row_without_a_test_or_with_a_lost_key_stops_nobody(project: Project) -> None:
    row = factories.integration(project)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE integrations_integration SET draft = 'gAAAA-of-another-key'")

    MIGRATION.forwards(apps, connection.schema_editor())

    assert Integration.objects.filter(pk=row.pk).exists()
