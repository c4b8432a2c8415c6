"""When somebody last wrote in open conversations, looked up again only where it may have changed.

Who wrote ten minutes ago is not silent for another twenty: what one reading saw, the next need not
ask for. Each process keeps its newest sight of each part of a project that it shows.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db.models import Q

KEPT_MAX = 64
# With more to ask for than this, everybody is asked for: a list so long costs more.
ASKED_MAX = 500
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class OverlookedError(Exception):
    """Somebody is with a live agent for long whom no reading has looked at."""


@dataclass(frozen=True, slots=True)
class Sight:
    """When somebody last wrote to those who had been with a live agent for long at a moment."""

    # Those who joined later have not been looked at.
    joined_before: datetime = _LONG_AGO
    spoken_at: Mapping[str, datetime] = field(default_factory=dict)

    def unknown(self, silent_before: datetime) -> Q:
        """Match the handoffs whose last line has to be looked up: new ones, and the silent."""
        due = [pk for pk, at in self.spoken_at.items() if at < silent_before]
        if self == NOTHING or len(due) > ASKED_MAX:
            return Q()
        return Q(joined_at__gte=self.joined_before) | Q(pk__in=due)

    def renewed(self, silent_before: datetime, read: Mapping[str, datetime | None]) -> Sight:
        """Add what was read of those who are there for long, None where it was not asked for.

        Raises OverlookedError where neither this sight nor the reading knows one of them.
        """
        if self != NOTHING and not all(read[pk] for pk in read.keys() - self.spoken_at.keys()):
            raise OverlookedError
        spoken_at = {pk: at or self.spoken_at.get(pk, _LONG_AGO) for pk, at in read.items()}
        return Sight(joined_before=silent_before, spoken_at=spoken_at)

    def silent(self, silent_before: datetime) -> set[str]:
        """Return where somebody has written, but not for long."""
        return {pk for pk, at in self.spoken_at.items() if _LONG_AGO < at < silent_before}


NOTHING = Sight()
_kept: OrderedDict[Hashable, Sight] = OrderedDict()


def sight_of(part: Hashable) -> Sight:
    """Return what this process saw last of a part of a project."""
    return _kept.get(part, NOTHING)


def sight_keep(part: Hashable, sight: Sight) -> None:
    """Keep what was seen, and forget what nobody has looked at for longest."""
    _kept[part] = sight
    _kept.move_to_end(part)
    while len(_kept) > KEPT_MAX:
        _kept.popitem(last=False)
