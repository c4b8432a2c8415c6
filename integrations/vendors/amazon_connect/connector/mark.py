"""From which item on a catch-up reads the transcript."""

from __future__ import annotations

from datetime import datetime, timedelta

from integrations.vendors.amazon_connect.mapping.events import APPROVED, REJECTED
from integrations.vendors.amazon_connect.mapping.item import ATTACHMENT, Item

# A frame that is lost with its socket may have been overtaken by one that was not.
OVERLAP = timedelta(seconds=5)


class CatchUpMark:
    """Stays behind the newest item, and at a file that the vendor's scanner has yet to judge."""

    def __init__(self, cursor: str) -> None:
        """Take up where it was stored."""
        self._behind = cursor
        self._recent: dict[str, datetime] = {}
        # Items whose outcome is open, oldest first.
        self._open: dict[str, None] = {}

    @property
    def cursor(self) -> str:
        """Return the item's id; empty for the beginning of the chat."""
        return next(iter(self._open), self._behind)

    def note(self, item: Item, *, newest: datetime) -> None:
        """Note an item of the transcript that was applied; `newest` is the time of the newest."""
        if item.kind == ATTACHMENT:
            self._note_file(item)
        self._recent[item.identifier] = item.at
        behind = [(at, name) for name, at in self._recent.items() if at <= newest - OVERLAP]
        if behind:
            latest, self._behind = max(behind)
            self._recent = {name: at for name, at in self._recent.items() if at >= latest}

    def _note_file(self, item: Item) -> None:
        if any(a.get("Status") not in (APPROVED, REJECTED) for a in item.attachments):
            self._open.setdefault(item.identifier)
        else:
            self._open.pop(item.identifier, None)
