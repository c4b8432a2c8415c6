"""How the page shows a timeline: time since the start, pauses, and of a long one both ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from handoffs.portal.one_handoff.entries import Entry
from handoffs.portal.one_handoff.wording import duration_text

# Of a timeline with more than MOST moments, so many are shown of its beginning and of its end.
FIRST, LAST, MOST = 50, 100, 300
# From when on it is worth saying that nothing happened.
PAUSE = timedelta(minutes=1)


class Moment(NamedTuple):
    """An entry as the page shows it, and what stands before it."""

    entry: Entry
    # How long after, or before, the handoff was asked for.
    since: str
    # How long nothing at all had happened.
    pause: str = ""
    # How many moments are left out.
    omitted: int = 0


def moments(
    entries: Sequence[Entry], *, start: datetime, has_pauses: bool, is_whole: bool
) -> list[Moment]:
    """Return what is shown of the entries, all of them where `is_whole`.

    `has_pauses` says that no entry has been filtered out: without all, nobody knows of a pause.
    """
    found = list(_moments(entries, start, has_pauses=has_pauses))
    if is_whole or len(found) <= MOST:
        return found
    first, *last = found[-LAST:]
    return [*found[:FIRST], first._replace(pause="", omitted=len(found) - FIRST - LAST), *last]


def _moments(entries: Iterable[Entry], start: datetime, *, has_pauses: bool) -> Iterator[Moment]:
    before = None
    for entry in entries:
        silent = entry.at - before if before and has_pauses else timedelta(0)
        pause = duration_text(silent.total_seconds()) if silent >= PAUSE else ""
        yield Moment(entry, _since(entry.at - start), pause)
        before = entry.at


def _since(spent: timedelta) -> str:
    seconds = abs(spent).total_seconds()
    text = f"{seconds:.1f} s" if seconds < 59.95 else duration_text(seconds)
    return f"{'-' if spent < timedelta(0) else '+'}{text}"
