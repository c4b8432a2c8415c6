"""Makes a vendor's connections what a document says: judged, tested, then saved as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from asgiref.sync import async_to_sync
from django.db import transaction

from integrations.connect.documents.planning import Place, PlannedSet, document_plan
from integrations.connect.documents.reading import Document, DocumentError
from integrations.connect.documents.settings import settings_judge, settings_save
from integrations.connect.testing import (
    ConnectionTest,
    integration_test,
    integration_test_finish,
    integration_test_start,
)
from integrations.connections.calls import vendor_calls_save
from integrations.connections.drafts import Draft, draft_of, draft_set
from integrations.connections.outcomes import has_passed
from integrations.connections.services import (
    DraftIncompleteError,
    Ids,
    credentials_purge,
    draft_use,
    integration_assign,
    integration_leave,
    integration_open,
    integration_register,
)
from integrations.contract.connector import CheckResult
from integrations.models import ApiKey, Integration
from integrations.models.connection_name import EVERY_VARIANT


class TestFailedError(Exception):
    """The vendor did not take some values; nothing was saved."""

    __test__ = False

    def __init__(self, tests: Mapping[str, ConnectionTest]) -> None:
        """Keep the tests by set."""
        super().__init__("A check failed.")
        self.tests = tests


def document_put(place: Place, document: Document, *, key: ApiKey, in_use: Ids) -> None:
    """Connect what the document names, and disconnect what it leaves out.

    Raises DocumentError, SetInUseError, DefaultInUseError, TooManyTestsError, or TestFailedError
    unless the document says save_anyway. Must not be called inside a transaction.
    """
    planned = document_plan(place, document)
    settings = settings_judge(planned, document.settings)
    changed = [one for one in planned if not one.is_same]
    tests = planned_test(place, changed, key)
    if not document.save_anyway and not all(has_passed(t.results) for t in tests.values()):
        raise TestFailedError(tests)
    with transaction.atomic():
        place.project.lock()  # before the rows, as whoever chooses the default does
        rows = [_use(one, key) for one in changed]
        for one in planned:
            one.row.refresh_from_db()
            _assign(one, document, key)
        settings_save(planned, settings, document, key)
        for row in place.connected():
            if row.credential_set not in document.sets:
                integration_leave(integration=row, actor=key)
    for row in rows:
        integration_register(row)
    credentials_purge(in_use=in_use, project=place.project)


def planned_test(
    place: Place, planned: Sequence[PlannedSet], key: ApiKey
) -> dict[str, ConnectionTest]:
    """Test values that are not saved, all sets at once; raises TooManyTestsError."""
    for one in planned:
        one.row = integration_open(
            project=place.project,
            environment=place.environment,
            manifest=one.manifest,
            credential_set=one.name,
        )
        one.test = integration_test_start(integration=one.row, actor=key, values=one.values)
    tests = {one.name: one.test for one in planned if one.test is not None}
    async_to_sync(_run)(list(tests.values()))
    for test in tests.values():
        records = [("", call) for call in test.calls]
        vendor_calls_save(integration_id=test.integration.pk, records=records)
    return tests


def row_test(row: Integration, key: ApiKey) -> list[CheckResult]:
    """Test the values in use, and keep the outcome as the portal's button does."""
    test = integration_test_start(integration=row, actor=key, values=row.credentials)
    async_to_sync(_run)([test])
    if draft_of(row).is_edited:
        # The outcome is not that of what somebody is entering.
        records = [("", call) for call in test.calls]
        vendor_calls_save(integration_id=row.pk, records=records)
    else:
        integration_test_finish(test)
    return test.results


def document_delete(place: Place, *, key: ApiKey, in_use: Ids) -> None:
    """Disconnect every set; what open handoffs use is kept until they end.

    Raises DefaultInUseError where one is the default and others are left.
    """
    with transaction.atomic():
        place.project.lock()
        for row in sorted(place.connected(), key=lambda one: one.is_default):
            integration_leave(integration=row, actor=key)
    credentials_purge(in_use=in_use, project=place.project)


async def _run(tests: Sequence[ConnectionTest]) -> None:
    async def run(test: ConnectionTest) -> None:
        async for _ in integration_test(test):
            pass

    await asyncio.gather(*map(run, tests))


def _use(planned: PlannedSet, key: ApiKey) -> Integration:
    row = Integration.objects.select_for_update().get(pk=planned.row.pk)
    draft = Draft(values=planned.values)
    if planned.test is not None:
        draft = replace(draft.tested(planned.test.results), values=planned.values)
    draft_set(row, draft)
    row.save(update_fields=["draft", "updated_at"])
    try:
        return draft_use(integration=row, actor=key, save_anyway=True)
    except DraftIncompleteError as error:
        at = f"credential_sets.{planned.name}"
        raise DocumentError((f"{at}.{n}", text) for n, text in error.errors.items()) from error


def _assign(planned: PlannedSet, document: Document, key: ApiKey) -> None:
    variants = [one for one, name in document.assignments.items() if name == planned.name]
    if variants == [EVERY_VARIANT] and planned.name == "default":
        variants = []  # as the portal leaves it
    integration_assign(integration=planned.row, variants=variants, actor=key)
