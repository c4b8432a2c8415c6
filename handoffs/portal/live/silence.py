"""In which conversations with a live agent nobody has written for long.

Half an hour needs no second hand: a process looks twice a minute for each project that it shows, as
to read thousands of last lines with every tick would cost more than all the rest.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import OuterRef, Subquery

from conversations.models import Event
from handoffs.models import Handoff
from handoffs.portal.live.opened import MOMENTS
from handoffs.states import State
from integrations.kit.recent import Recent

LOOK = timedelta(seconds=30)
PROJECTS_KEPT = 64
# By project: when this process looked last, and whom it found.
_seen: Recent[tuple[datetime, frozenset[str]]] = Recent(PROJECTS_KEPT)


def silent_handoffs(project_id: int, now: datetime) -> frozenset[str]:
    """Return the keys of a project's silent handoffs, as they were at most LOOK ago."""
    seen = _seen.get(str(project_id))
    if seen is None or not timedelta(0) <= now - seen[0] < LOOK:
        seen = (now, frozenset(_silent(project_id, now - timedelta(seconds=MOMENTS["silence"]))))
        _seen.put(str(project_id), seen)
    return seen[1]


def _silent(project_id: int, before: datetime) -> list[str]:
    lines = Event.objects.filter(conversation_id=OuterRef("conversation_id")).order_by("-sequence")
    there = Handoff.objects.filter(
        project_id=project_id, state=State.ACTIVE.value, joined_at__lt=before
    )
    last = there.annotate(last_at=Subquery(lines.values("created_at")[:1]))
    return list(last.filter(last_at__lt=before).values_list("pk", flat=True))
