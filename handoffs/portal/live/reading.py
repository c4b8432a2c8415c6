"""Read a project's open handoffs for the live console, those that are stuck first."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection

from conversations.journal.frames import EventType
from handoffs.portal.live.opened import OPENED, opened_values
from handoffs.portal.live.silence import silent_handoffs
from integrations.kit.json_values import count_read
from integrations.models import Environment

PAGE_ROWS, MOST_ROWS = 100, 500


class Counter(NamedTuple):
    """A figure above the table, which is a filter of it."""

    label: str
    # Of OPENED.
    condition: str


COUNTERS = {
    "waiting": Counter("Waiting", "state = 'queued'"),
    "active": Counter("With a live agent", "state = 'active'"),
    "connecting": Counter("Connecting", "state IN ('requested', 'connecting')"),
    "stuck": Counter("Stuck", "why <> ''"),
    "undelivered": Counter("Undelivered", "is_late"),
}
_SPOKEN = {
    EventType.USER_MESSAGE.value: "End user",
    EventType.LIVE_AGENT_MESSAGE.value: "Live agent",
    EventType.POLY_AGENT_MESSAGE.value: "AI agent",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFilter:
    """What the console is narrowed to; empty values narrow nothing."""

    state: str = ""
    environment: str = ""
    vendor: str = ""
    rows: int = PAGE_ROWS
    shows_people: bool = False

    @classmethod
    def read(cls, given: Any, *, shows_people: bool = False) -> LiveFilter:
        """Take what an address asks for; what nobody offers is ignored.

        `shows_people` is the viewer's right to see who the end users are.
        """
        state, environment = given.get("state", ""), given.get("environment", "")
        return cls(
            state=state if state in COUNTERS else "",
            environment=environment if environment in Environment.values else "",
            vendor=given.get("vendor", "").replace("\x00", "")[:40],
            rows=min(count_read(given.get("rows", "")) or PAGE_ROWS, MOST_ROWS),
            shows_people=shows_people,
        )


class Shown(NamedTuple):
    """What is read of a handoff that has a row; `why` it is stuck is a name of STUCK or ""."""

    id: str
    conversation_id: str
    state: str
    environment: str
    integration_key: str
    live_agents: dict[str, Any]
    queue_status: dict[str, Any]
    requested_at: datetime
    joined_at: datetime | None
    ended_at: datetime | None
    worker: str | None
    end_user: str
    external_id: str
    why: str
    last_type: str | None
    last_at: datetime | None
    undelivered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePage:
    """The console at one moment: the worst handoffs, and how many there are of each kind."""

    handoffs: list[Shown] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    longest_since: datetime | None = None
    # How many no relay worker holds that is alive.
    unheld: int = 0


# What is open is gone through once; all that a row shows is read of the worst alone.
_PAGE = f"""
WITH opened AS MATERIALIZED ({OPENED}),
counted AS (
    SELECT {", ".join(f"COUNT(*) FILTER (WHERE {one.condition})" for one in COUNTERS.values())},
        COUNT(*) FILTER (WHERE why IN ('worker_gone', 'not_claimed')),
        MIN(requested_at) FILTER (WHERE state = 'queued')
    FROM opened
),
worst AS (
    SELECT id, why FROM opened WHERE {{condition}}
    ORDER BY why = '', requested_at, id LIMIT %(rows)s
)
SELECT counted.*, handoff.id, handoff.conversation_id, handoff.state, handoff.environment,
    handoff.integration_key, handoff.live_agents, handoff.queue_status, handoff.requested_at,
    handoff.joined_at, handoff.ended_at, worker.name, person.name, person.external_id, worst.why,
    spoken.type, spoken.created_at, (
        SELECT COUNT(*) FROM handoffs_delivery AS delivery
        WHERE delivery.handoff_id = handoff.id AND delivery.status IN ('pending', 'failed')
    )
FROM counted LEFT JOIN worst ON 1 = 1
LEFT JOIN handoffs_handoff AS handoff ON handoff.id = worst.id
LEFT JOIN conversations_conversation AS conversation ON conversation.id = handoff.conversation_id
LEFT JOIN conversations_enduser AS person ON person.id = conversation.end_user_id
LEFT JOIN handoffs_relayworker AS worker ON worker.id = handoff.owner_id
LEFT JOIN conversations_event AS spoken ON spoken.id = (
    SELECT line.id FROM conversations_event AS line
    WHERE line.conversation_id = conversation.id AND line.type IN {tuple(_SPOKEN)}
    ORDER BY line.sequence DESC LIMIT 1
)
ORDER BY worst.why = '', handoff.requested_at, handoff.id
"""  # noqa: S608  # of constants


def live_page(project_id: int, wanted: LiveFilter, *, now: datetime) -> LivePage:
    """Read the page in one statement, however many handoffs are open."""
    values = opened_values(project_id, silent_handoffs(project_id, now), now)
    values |= {name: getattr(wanted, name) for name in ("environment", "vendor", "rows")}
    condition = COUNTERS[wanted.state].condition if wanted.state else "1 = 1"
    with connection.cursor() as cursor:
        cursor.execute(_PAGE.format(condition=condition), values)
        found = cursor.fetchall()
    columns = len(found[0]) - len(Shown._fields)
    *counts, unheld, longest_since = found[0][:columns]
    rows = [row[columns:] for row in found]
    return LivePage(
        handoffs=[_shown(row) for row in rows if row[0]],
        counts=dict(zip(COUNTERS, counts, strict=True)),
        longest_since=_moment(longest_since),
        unheld=unheld,
    )


def _shown(row: tuple[Any, ...]) -> Shown:
    """Name the values, and read what the database gives as text."""
    read = Shown._make(row)
    return read._replace(
        live_agents=json.loads(row[5]),
        queue_status=json.loads(row[6]),
        requested_at=_moment(read.requested_at),
        joined_at=_moment(read.joined_at),
        ended_at=_moment(read.ended_at),
        last_at=_moment(read.last_at),
    )


def _moment(value: Any) -> Any:
    """Return a moment with its zone, which SQLite leaves out; None as it is."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    return value.replace(tzinfo=UTC) if value and value.tzinfo is None else value


def spoken_by(event_type: str | None) -> str:
    """Name who wrote the last message; empty while nobody has."""
    return _SPOKEN.get(event_type or "", "")
