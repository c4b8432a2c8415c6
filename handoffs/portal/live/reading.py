"""Read a project's open handoffs for the live console, those that are stuck first."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from conversations.journal.frames import EventType
from handoffs.portal.live.opened import NARROWED, OPENED, STUCK, opened_values
from handoffs.portal.live.silence import silent_handoffs
from integrations.kit.json_values import count_read
from integrations.models import Environment

PAGE_ROWS, MOST_ROWS = 100, 500
TEXT_MAX = 128
# How much of the last message a row shows.
SAID_MAX = 120
# Minutes of waiting to choose from.
OVER = ("1", "5", "15", "60")


class Counter(NamedTuple):
    """A figure above the table, which is a filter of it."""

    label: str
    # Of OPENED.
    condition: str


# Who is not with a live agent yet.
_WAITS = "state IN ('requested', 'connecting', 'queued')"
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
    # What was taken back or edited is read as it is now.
    EventType.LIVE_AGENT_MESSAGE_CHANGED.value: "Live agent",
}


class Order(NamedTuple):
    """In which order the rows stand: those of the condition first, the oldest request first."""

    label: str
    # Of OPENED.
    condition: str


# Without one: who is stuck first.
ORDERS = {
    "": Order("Stuck first", "why <> ''"),
    "wait": Order("Longest wait first", _WAITS),
    "age": Order("Longest open first", "1 = 1"),
}


# What an address may narrow the console by, and what each choice takes.
CHOICES: dict[str, Collection[str]] = {
    "state": COUNTERS,
    "stuck": STUCK,
    "environment": Environment.values,
    "over": OVER,
}
_TEXTS = ("vendor", "queue", "agent", "q")
NAMES = (*CHOICES, *_TEXTS)
# What an address keeps besides: it narrows nothing.
SORTS = [name for name in ORDERS if name]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFilter:
    """What the console is narrowed to; empty values narrow nothing."""

    state: str = ""
    # A name of STUCK.
    stuck: str = ""
    environment: str = ""
    # Minutes, as text: who waits for longer.
    over: str = ""
    vendor: str = ""
    queue: str = ""
    # A part of a live agent's name, and of an id: the handoff's, the conversation's, the vendor's.
    agent: str = ""
    q: str = ""
    # A name of ORDERS.
    sort: str = ""
    rows: int = PAGE_ROWS
    shows_people: bool = False

    @classmethod
    def read(cls, given: Any, *, shows_people: bool = False) -> LiveFilter:
        """Take what an address asks for; what nobody offers is ignored.

        `shows_people` is the viewer's right to see who the end users are and what is said.
        """
        asked = {name: str(given.get(name, "")) for name in NAMES}
        texts = {name: asked[name].replace("\x00", "").strip()[:TEXT_MAX] for name in _TEXTS}
        choices = {name: asked[name] for name in CHOICES if asked[name] in CHOICES[name]}
        return cls(
            **choices,
            **texts,
            sort=sort if (sort := str(given.get("sort", ""))) in SORTS else "",
            rows=min(count_read(given.get("rows", "")) or PAGE_ROWS, MOST_ROWS),
            shows_people=shows_people,
        )

    @property
    def query(self) -> dict[str, str]:
        """Return what is on, as parameters of the address."""
        return {name: value for name in NAMES if (value := getattr(self, name))}

    @property
    def kept(self) -> dict[str, str]:
        """Return `query`, and the order where it is another than the usual."""
        return self.query | ({"sort": self.sort} if self.sort else {})

    @property
    def condition(self) -> str:
        """Return which of OPENED have a row; the counters count them all."""
        chosen = [COUNTERS[self.state].condition] if self.state else []
        chosen += [f"why = '{self.stuck}'"] if self.stuck else []
        chosen += [_WAITS, "requested_at < %(since)s"] if self.over else []
        return " AND ".join(chosen) or "1 = 1"

    @property
    def narrowed(self) -> str:
        """Return what all of OPENED have."""
        return " ".join(f"AND {line}" for name, line in NARROWED.items() if getattr(self, name))

    def values(self, now: datetime) -> dict[str, Any]:
        """Return what the statement asks for."""
        since = now - timedelta(minutes=int(self.over or 0))
        return {
            **{name: getattr(self, name) for name in ("environment", "vendor", "queue", "rows")},
            **{name: _part(getattr(self, name)) for name in ("agent", "q")},
            "since": connection.ops.adapt_datetimefield_value(since),
        }


def _part(text: str) -> str:
    """Return a pattern that finds a text anywhere, whatever it is written like; "" finds all."""
    plain = "".join(f"!{one}" if one in "!%_" else one for one in text.lower())
    return f"%{plain}%" if plain else ""


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
    queue: str
    worker: str | None
    end_user: str
    session: str
    why: str
    last_type: str | None
    last_at: datetime | None
    last_text: str | None
    undelivered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePage:
    """The console at one moment: the worst handoffs, and how many there are of each kind."""

    handoffs: list[Shown] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    # How many have a row, or would have one if there were room.
    total: int = 0
    # Since when somebody waits the longest, and in which queue.
    longest_since: datetime | None = None
    longest_queue: str = ""
    # How many no relay worker holds that is alive.
    unheld: int = 0


# What is open is gone through once; all that a row shows is read of the worst alone.
_PAGE = f"""
WITH opened AS MATERIALIZED ({OPENED}),
counted AS (
    SELECT {", ".join(f"COUNT(*) FILTER (WHERE {one.condition})" for one in COUNTERS.values())},
        COUNT(*) FILTER (WHERE why IN ('worker_gone', 'not_claimed')),
        COUNT(*) FILTER (WHERE {{condition}}),
        MIN(requested_at) FILTER (WHERE state = 'queued') AS longest_since
    FROM opened
),
longest AS (
    SELECT handoff.queue FROM handoffs_handoff AS handoff
    WHERE handoff.project_id = %(project)s AND handoff.state = 'queued'
    AND handoff.requested_at = (SELECT longest_since FROM counted) LIMIT 1
),
worst AS (
    SELECT id, why, CASE WHEN {{first}} THEN 0 ELSE 1 END AS place
    FROM opened WHERE {{condition}}
    ORDER BY place, requested_at, id LIMIT %(rows)s
)
SELECT counted.*, (SELECT queue FROM longest),
    handoff.id, handoff.conversation_id, handoff.state, handoff.environment,
    handoff.integration_key, handoff.live_agents, handoff.queue_status, handoff.requested_at,
    handoff.joined_at, handoff.ended_at, handoff.queue, worker.name,
    COALESCE(NULLIF(person.name, ''), person.email), conversation.session_id, worst.why,
    spoken.type, spoken.created_at, {{said}}, (
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
ORDER BY worst.place, handoff.requested_at, handoff.id
"""  # noqa: S608  # of constants
# The beginning of what was said (said_text), for those who may read it.
_SAID = f"""SUBSTR(COALESCE(
    NULLIF(spoken.payload -> 'content' ->> 'text_form', ''), NULLIF(spoken.payload ->> 'text', ''),
    spoken.payload ->> 'message'
), 1, {SAID_MAX})"""


def live_page(project_id: int, wanted: LiveFilter, *, now: datetime) -> LivePage:
    """Read the page in one statement, however many handoffs are open."""
    values = opened_values(project_id, silent_handoffs(project_id, now), now)
    with connection.cursor() as cursor:
        statement = _PAGE.format(
            condition=wanted.condition,
            narrowed=wanted.narrowed,
            first=ORDERS[wanted.sort].condition,
            said=_SAID if wanted.shows_people else "''",
        )
        cursor.execute(statement, values | wanted.values(now))
        found = cursor.fetchall()
    columns = len(found[0]) - len(Shown._fields)
    *counts, unheld, total, longest_since, longest_queue = found[0][:columns]
    rows = [row[columns:] for row in found]
    return LivePage(
        handoffs=[_shown(row) for row in rows if row[0]],
        counts=dict(zip(COUNTERS, counts, strict=True)),
        total=total,
        longest_since=_moment(longest_since),
        longest_queue=longest_queue or "",
        unheld=unheld,
    )


def _shown(row: tuple[Any, ...]) -> Shown:
    """Name the values, and read what the database gives as text."""
    read = Shown._make(row)
    return read._replace(
        live_agents=json.loads(row[5]),
        queue_status=json.loads(row[6]),
        session=str(read.session),
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
