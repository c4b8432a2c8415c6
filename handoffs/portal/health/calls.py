"""What became of the calls to a vendor in a period, counted by the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Case, CharField, Count, IntegerField, Max, Min, Q, Value, When

from handoffs.portal.health.period import Period
from integrations.http.recording import call_failed
from integrations.models import Integration, VendorCall
from integrations.models.identifiers import HANDOFF_PREFIX

# The upper ends of the classes by which durations are counted; beyond the last is one more.
CLASSES_MS = (25, 50, 100, 200, 400, 800, 1500, 3000, 6000, 12_000, 30_000)
_GROUPED = (
    *("at_step", "operation", "error_code", "status", "is_expected"),
    *("outcome", "took", "is_broken", "is_remark"),
)
ANSWERED, REFUSED, UNREACHED = "answered", "refused", "unreached"
# The vendor has answered, and said no.
_REFUSED = Q(status__gte=400, status__lt=500, is_expected=False)
_UNREACHED = ~Q(error_code="") | Q(status=None) | Q(status__gte=500, is_expected=False)
# A stream that broke after it had been opened: how long it lived is no answer's time.
_BROKEN = Q(status__lt=300) & ~Q(error_code="")


@dataclass(slots=True)
class Step:
    """The calls of one step of a chart."""

    answered: int = 0
    refused: int = 0
    unreached: int = 0
    broken_streams: int = 0
    # How many calls lie in each class of duration.
    classes: list[int] = field(default_factory=lambda: [0] * (len(CLASSES_MS) + 1))

    @property
    def calls(self) -> int:
        """Return how many calls there were."""
        return self.answered + self.refused + self.unreached


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """The calls of one kind: what they do at the vendor."""

    name: str
    answered: int
    failed: int
    last_answered_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorKind:
    """One way in which calls failed, with the first and the last of them."""

    code: str
    status: int | None
    operation: str
    count: int
    first_at: datetime
    last_at: datetime
    # The handoff of one of them; empty where none belonged to any.
    handoff_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The calls of a period: by step, by what they do, and by the way they failed."""

    steps: dict[datetime, Step]
    operations: list[Operation]
    errors: list[ErrorKind]


def calls_counted(row: Integration, period: Period, now: datetime) -> Calls:
    """Return what became of the calls of a period, from one statement."""
    grouped = (
        VendorCall.objects.filter(integration=row, at__gte=period.begin(now))
        .order_by()
        .annotate(
            at_step=period.trunc("at"),
            outcome=_outcome(),
            took=_duration_class(),
            is_broken=_BROKEN,
            is_remark=Q(method=""),
        )
        .values(*_GROUPED)
        .annotate(
            number=Count("pk"), first_at=Min("at"), last_at=Max("at"), newest=Max("reference")
        )
    )
    rows: list[dict[str, Any]] = [dict(one) for one in grouped]
    return Calls(
        steps=_by_step(rows, period, now), operations=_by_operation(rows), errors=_errors(rows)
    )


def _by_step(rows: Sequence[dict[str, Any]], period: Period, now: datetime) -> dict[datetime, Step]:
    found = {at: Step() for at in period.steps(now)}
    for one in rows:
        # What happened since the page began to be made belongs to no step of it.
        step = found.get(period.at(one["at_step"]))
        if step is None or one["is_remark"]:
            continue
        if one["is_broken"]:
            step.broken_streams += one["number"]
            continue
        setattr(step, one["outcome"], getattr(step, one["outcome"]) + one["number"])
        step.classes[one["took"]] += one["number"]
    return found


def _errors(rows: Sequence[dict[str, Any]]) -> list[ErrorKind]:
    kinds: defaultdict[tuple[str, int | None, str], list[dict[str, Any]]] = defaultdict(list)
    for one in rows:
        if _has_failed(one):
            code = one["error_code"] or "rejected"
            kinds[code, one["status"], one["operation"]].append(one)
    errors = [
        ErrorKind(
            code=code,
            status=status,
            operation=operation,
            count=sum(one["number"] for one in parts),
            first_at=min(one["first_at"] for one in parts),
            last_at=max(one["last_at"] for one in parts),
            # A call for a text message bears the text's id.
            handoff_id=next(
                (one["newest"] for one in parts if one["newest"].startswith(HANDOFF_PREFIX)), ""
            ),
        )
        for (code, status, operation), parts in kinds.items()
    ]
    return sorted(errors, key=lambda one: (-one.count, one.code))


def percentile(classes: Sequence[int], share: float) -> int | None:
    """Return about how long this share of calls took at most; None where there were none."""
    total = sum(classes)
    if not total:
        return None
    wanted, below = share * total, 0
    for number, count in enumerate(classes):
        if below + count >= wanted and count:
            low = CLASSES_MS[number - 1] if number else 0
            high = CLASSES_MS[number] if number < len(CLASSES_MS) else CLASSES_MS[-1] * 2
            return round(low + (high - low) * (wanted - below) / count)
        below += count
    return None


def _by_operation(rows: Sequence[dict[str, Any]]) -> list[Operation]:
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in rows:
        found[one["operation"]].append(one)
    made = []
    for name, parts in found.items():
        good = [one for one in parts if not _has_failed(one)]
        all_calls, answered = (sum(one["number"] for one in of) for of in (parts, good))
        times = [one["last_at"] for one in good]
        made.append(
            Operation(
                name=name,
                answered=answered,
                failed=all_calls - answered,
                last_answered_at=max(times, default=None),
            )
        )
    return sorted(made, key=lambda one: (-(one.answered + one.failed), one.name))


def _has_failed(one: dict[str, Any]) -> bool:
    return call_failed(one["error_code"], one["status"], is_expected=one["is_expected"])


def _outcome() -> Case:
    return Case(
        When(_REFUSED, then=Value(REFUSED)),
        When(_UNREACHED, then=Value(UNREACHED)),
        default=Value(ANSWERED),
        output_field=CharField(),
    )


def _duration_class() -> Case:
    classes = [
        When(duration_ms__lte=high, then=Value(number)) for number, high in enumerate(CLASSES_MS)
    ]
    return Case(*classes, default=Value(len(CLASSES_MS)), output_field=IntegerField())
