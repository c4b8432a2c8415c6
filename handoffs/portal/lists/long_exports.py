"""Exports too long for one answer: written by a task, taken by the member who asked, for 7 days."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from functools import partial
from itertools import count
from tempfile import NamedTemporaryFile
from typing import Any

from celery import current_app
from django.core.files import File
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from kombu.exceptions import OperationalError

from handoffs.portal.lists.pages import PAGES
from integrations.models import ListExport
from integrations.projects.audit import audit_record
from integrations.projects.lists.export import export_lines

logger = logging.getLogger(__name__)
TASK = "handoffs.tasks.export_list"
ROWS_MAX = 200_000
GOOD_FOR = timedelta(days=7)
# A worker that has died holds an export no longer than this.
BUSY_FOR = timedelta(minutes=5)
# What was tried for so long will not succeed: the log has the reason.
GIVEN_UP_AFTER = timedelta(hours=1)


@transaction.atomic
def export_ask(export: ListExport, *, actor: Any) -> None:
    """Ask for an export; a task writes it."""
    export.save()
    audit_record(
        project=export.project,
        actor=actor,
        action=f"{export.page}.exported",
        subject=f"up to {ROWS_MAX:,} {export.page}, by a task",
        fields=[one.partition("=")[0] for one in export.query.split("&") if one],
    )
    transaction.on_commit(partial(export_queue, export.pk))


def export_queue(export_id: uuid.UUID) -> None:
    """Ask a worker; where that is lost, the clock finds it."""
    try:
        current_app.send_task(TASK, args=[str(export_id)], retry=False)
    except OperationalError as error:
        logger.warning("Not queued, the clock will: %s (%s)", TASK, type(error).__name__)


def exports_waiting() -> list[uuid.UUID]:
    """Return those that nobody is writing."""
    rows = ListExport.objects.filter(_unclaimed(), state=ListExport.State.WAITING)
    return list(rows.order_by("requested_at").values_list("pk", flat=True)[:20])


def exports_give_up() -> int:
    """Say of those that could not be written for an hour that they failed; return how many."""
    now = timezone.now()
    late = ListExport.objects.filter(
        _unclaimed(), state=ListExport.State.WAITING, requested_at__lt=now - GIVEN_UP_AFTER
    )
    given_up = late.update(state=ListExport.State.FAILED, expires_at=now + GOOD_FOR)
    if given_up:
        logger.error("Exports were given up", extra={"count": given_up})
    return given_up


def _unclaimed() -> Q:
    return Q(busy_until=None) | Q(busy_until__lt=timezone.now())


def export_run(export_id: uuid.UUID | str) -> None:
    """Write one export, if nobody else is at it."""
    export = export_claim(export_id)
    if export is not None:
        export_write(export)


def export_claim(export_id: uuid.UUID | str) -> ListExport | None:
    """Take an export for a while; None for whoever comes second."""
    until = timezone.now() + BUSY_FOR
    rows = ListExport.objects.filter(_unclaimed(), pk=export_id, state=ListExport.State.WAITING)
    if not rows.update(busy_until=until):
        return None
    mine = ListExport.objects.filter(pk=export_id, busy_until=until)
    return mine.select_related("project").first()


def export_write(export: ListExport) -> None:
    """Write a claimed export; of one that was removed or claimed anew meanwhile nothing stays."""
    page = PAGES[export.page]
    found = page.found(export.project, export.query, shows_people=export.shows_people)
    counted = count()
    exported = (
        row | {"_": next(counted)} for row in page.exported(found, export.project, ROWS_MAX)
    )
    columns = page.columns(export.shows_people)
    with NamedTemporaryFile("w+", encoding="utf-8", newline="") as written:
        written.writelines(export_lines(export.form, columns, exported))
        written.flush()
        with open(written.name, "rb") as content:
            export.file.save("", File(content), save=False)
    now = timezone.now()
    if not ListExport.objects.filter(pk=export.pk, busy_until=export.busy_until).update(
        file=export.file.name,
        state=ListExport.State.READY,
        rows=next(counted),
        ready_at=now,
        expires_at=now + GOOD_FOR,
    ):
        export.file.delete(save=False)


def exports_remove(rows: Any) -> int:
    """Delete exports with their files; return how many."""
    found = list(rows)
    for export in found:
        if export.file:
            export.file.delete(save=False)
        export.delete()
    return len(found)


def exports_clean_up() -> int:
    """Delete those whose time is over."""
    return exports_remove(ListExport.objects.filter(expires_at__lte=timezone.now())[:500])
