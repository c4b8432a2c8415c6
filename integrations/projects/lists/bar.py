"""The bar above a list: its search box, its filters, and what it says when nothing fits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from integrations.projects.lists.filters import PERIODS, Chip
from integrations.projects.lists.paging import Count


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterField:
    """One field of the bar: a choice where it has options, else a text or a day."""

    name: str
    label: str
    value: str = ""
    options: Sequence[tuple[str, str]] = ()
    # What an empty choice says.
    all_label: str = ""
    kind: str = "text"
    placeholder: str = ""


@dataclass(frozen=True, slots=True)
class Narrowest:
    """The filter without which there would be most, and how many that is."""

    chip: Chip
    count: Count


def period_fields(given: Mapping[str, str], label: str) -> list[FilterField]:
    """Return the fields by which a list is narrowed to days."""
    options = [(name, words) for name, (words, _) in PERIODS.items()]
    return [
        choice(given, "period", label, options, "At any time"),
        FilterField(name="from", label="From", value=given.get("from", ""), kind="date"),
        FilterField(name="to", label="To", value=given.get("to", ""), kind="date"),
    ]


def choice(
    given: Mapping[str, str],
    name: str,
    label: str,
    options: Iterable[tuple[str, str]],
    all_label: str,
) -> FilterField:
    """Return a field of which one of some values is chosen."""
    return FilterField(
        name=name,
        label=label,
        value=given.get(name, ""),
        options=list(options),
        all_label=all_label,
    )


def text(given: Mapping[str, str], name: str, label: str, placeholder: str = "") -> FilterField:
    """Return a field into which a value is written."""
    return FilterField(name=name, label=label, value=given.get(name, ""), placeholder=placeholder)


def narrowest(chips: Sequence[Chip], count_without: Callable[[str], Count]) -> Narrowest | None:
    """Return the filter to take away first where nothing fits; None where none helps alone."""
    found = [Narrowest(chip, count_without(chip.query)) for chip in chips]
    best = max(found, key=lambda one: one.count.number, default=None)
    return best if best and best.count.number else None
