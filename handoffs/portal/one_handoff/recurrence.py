"""Whether a handoff's failure was there before: the same code from the same vendor."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlencode

from handoffs.models import Handoff
from handoffs.states import State
from integrations.models import Project

# More are not counted.
MOST = 100


class Recurrence(NamedTuple):
    """How often it was there before, since when, and the list's address that shows them."""

    often: str
    first: datetime
    last: datetime
    query: str


def recurrence(handoff: Handoff, project: Project) -> Recurrence | None:
    """Return the failures before this one; None where it did not fail, or is the first."""
    if handoff.state != State.FAILED.value:
        return None
    earlier = Handoff.objects.filter(
        project=project,
        state=State.FAILED.value,
        error_code=handoff.error_code,
        integration_key=handoff.integration_key,
        requested_at__lt=handoff.requested_at,
    )
    newest = earlier.order_by("-requested_at").values_list("requested_at", flat=True)
    found = list(newest[: MOST + 1])
    if not found:
        return None
    shown = {"state": handoff.state, "code": handoff.error_code, "vendor": handoff.integration_key}
    query = urlencode({name: value for name, value in shown.items() if value})
    return Recurrence(_times(len(found)), found[-1], found[0], query)


def _times(number: int) -> str:
    if number > MOST:
        return f"more than {MOST} times"
    return "once" if number == 1 else f"{number} times"
