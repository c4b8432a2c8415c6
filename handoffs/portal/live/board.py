"""One reading a second of what is open, for all who watch the same part of a project."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from django.db import Error as DatabaseError
from django.template.loader import render_to_string
from django.utils import timezone

from conversations.event_loop.executor import run_sync
from handoffs.portal.live.reading import COUNTERS, LiveFilter, LivePage, live_page
from handoffs.portal.live.rows import LiveRow, live_row
from handoffs.portal.one_handoff.wording import duration_text

logger = logging.getLogger(__name__)
# A project is read at most this often, whoever watches, and rests as long as a reading takes.
PAUSE_SECONDS = 1.0
ROW = "handoffs/live_row.html"
# Of rows, for all consoles of a process and whoever opens the page anew.
MARKUPS_KEPT = 2000

Show = Callable[["Picture"], None]
# The project's number and public id, and what is looked at.
View = tuple[int, str, LiveFilter]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What a console shows at one moment: rows by id, in their order, with their markup."""

    order: tuple[str, ...]
    rows: dict[str, str]
    counts: dict[str, int]
    sentence: str
    total: int
    # How many are open while no relay worker runs at all.
    unheld: int


def picture(view: View) -> Picture:
    """Read what is open now; a row that stays as it is keeps its markup."""
    project_id, public_id, wanted = view
    page = live_page(project_id, wanted, now=timezone.now())
    rows = [live_row(row, shows_people=wanted.shows_people) for row in page.handoffs]
    return Picture(
        order=tuple(row.id for row in rows),
        rows={row.id: _markup(row, public_id) for row in rows},
        counts=page.counts,
        sentence=live_sentence(page, is_narrowed=bool(wanted.narrowed)),
        total=page.total,
        unheld=page.unheld if page.unheld >= _open(page) else 0,
    )


@lru_cache(maxsize=MARKUPS_KEPT)
def _markup(row: LiveRow, public_id: str) -> str:
    return render_to_string(ROW, {"row": row, "project_public_id": public_id})


class _Board:
    """Reads while somebody watches."""

    def __init__(self, view: View, turn: asyncio.Lock) -> None:
        self.viewers: set[Show] = set()
        self._view, self._turn = view, turn
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while self.viewers:
            async with self._turn:
                started = time.monotonic()
                await self._read()
                took = time.monotonic() - started
                await asyncio.sleep(max(PAUSE_SECONDS, took))

    async def _read(self) -> None:
        try:
            newest = await run_sync(picture, self._view)
        except DatabaseError as error:
            logger.warning("The live console cannot be read: %s", type(error).__name__)
            return
        for show in list(self.viewers):
            show(newest)


class Boards:
    """The boards of one event loop; those of one project take turns."""

    def __init__(self) -> None:
        """Begin without any."""
        self._boards: dict[View, _Board] = {}
        self._turns: dict[int, asyncio.Lock] = {}

    def watch(self, view: View, show: Show) -> None:
        """Call `show` with each new picture, from now on."""
        board = self._boards.get(view)
        if board is None:
            turn = self._turns.setdefault(view[0], asyncio.Lock())
            board = self._boards[view] = _Board(view, turn)
        board.viewers.add(show)

    def leave(self, view: View, show: Show) -> None:
        """Stop calling `show`; what nobody watches is read no more."""
        board = self._boards.get(view)
        if board is None:
            return
        board.viewers.discard(show)
        if not board.viewers:
            del self._boards[view]
        if not any(project == view[0] for project, _, _ in self._boards):
            self._turns.pop(view[0], None)


_all: WeakKeyDictionary[asyncio.AbstractEventLoop, Boards] = WeakKeyDictionary()


def boards() -> Boards:
    """Return the running loop's boards."""
    return _all.setdefault(asyncio.get_running_loop(), Boards())


def live_sentence(page: LivePage, *, is_narrowed: bool) -> str:
    """Say in one sentence how things stand, in a part of the project or in all of it."""
    total = _open(page)
    if not total and is_narrowed:
        return "Nothing that is open fits these filters."
    if not total:
        return "Nobody waits and nobody is with a live agent."
    parts = [
        f"{page.counts[name]} {counter.label.lower()}"
        for name, counter in COUNTERS.items()
        if page.counts[name]
    ]
    sentence = f"{total} open: {', '.join(parts)}."
    if page.longest_since:
        waited = (timezone.now() - page.longest_since).total_seconds()
        place = f" in {page.longest_queue}" if page.longest_queue else ""
        sentence += f" Longest wait {duration_text(waited)}{place}."
    return sentence


def _open(page: LivePage) -> int:
    return sum(page.counts[name] for name in ("waiting", "active", "connecting"))


def picture_change(old: Picture | None, new: Picture) -> dict[str, Any]:
    """Return what a console that shows `old` needs to show `new`; empty when nothing."""
    known = old.rows if old else {}
    rows = {row_id: markup for row_id, markup in new.rows.items() if known.get(row_id) != markup}
    if old and not rows and _summed(old) == _summed(new):
        return {}
    return {
        "order": new.order,
        "rows": rows,
        "counts": new.counts,
        "sentence": new.sentence,
        "total": new.total,
        "unheld": new.unheld,
    }


def _summed(one: Picture) -> tuple[Any, ...]:
    return one.order, one.counts, one.total, one.unheld
