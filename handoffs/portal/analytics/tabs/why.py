"""Why and where: what handoffs were about, and where they went."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from handoffs.portal.analytics.counting.figure import NONE_GIVEN, VALUES_MAX, Figure
from handoffs.portal.analytics.counting.numbers import Group, Why
from handoffs.portal.analytics.counting.scope import Scope
from handoffs.portal.analytics.totals.reading import LONG_DAYS
from integrations.contract.integration_keys import vendor_name
from integrations.projects.reasons import reason_label


def why(scope: Scope, found: Why) -> list[Figure]:
    """Say what they were about, each way of grouping them by itself."""
    names: dict[str, tuple[str, Callable[[str], str]]] = {
        "reason": (
            "By reason",
            lambda key: reason_label(scope.project.handoff_reasons, key, key),
        ),
        "topic": ("By topic", str),
        "vendor": ("By vendor", lambda key: vendor_name(key)),
        "queue": ("By queue", str),
    }
    return [_dimension(found[name], name, title, label) for name, (title, label) in names.items()]


def _dimension(
    found: dict[str, Group], name: str, title: str, label: Callable[[str], str]
) -> Figure:
    keys = sorted(found, key=lambda key: (-found[key].handoffs, key))
    shown, rest = keys[:VALUES_MAX], keys[VALUES_MAX:]
    rows: list[Sequence[Any]] = [
        (label(key) or NONE_GIVEN, *_numbers([found[key]]), found[key].median_wait or "—")
        for key in shown
    ]
    if rest:
        rows.append((f"Others ({len(rest)})", *_numbers([found[key] for key in rest]), ""))
    total = sum(one.handoffs for one in found.values())
    return Figure(
        name=name,
        title=title,
        definition="Handoffs, those answered, those abandoned, and the median wait of those "
        f"answered; over more than {LONG_DAYS} days the span in which it lies. The {VALUES_MAX} "
        f"most frequent; the parts add up to all handoffs ({total:,}).",
        columns=(name.capitalize(), "Handoffs", "Answered", "Abandoned", "Median wait"),
        rows=rows,
        kind="bars",
        link=name,
        values=shown,
    )


def _numbers(groups: Sequence[Group]) -> tuple[int, int, int]:
    return (
        sum(one.handoffs for one in groups),
        sum(one.answered for one in groups),
        sum(one.abandoned for one in groups),
    )
