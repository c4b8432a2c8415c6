"""What is open in a project and what counts as stuck: the SQL of the live console.

Written out, as it runs every second while somebody watches: for Django to put it together anew
takes longer than for the database to answer. It is read alike by PostgreSQL and by SQLite.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from handoffs.states import OPEN_VALUES

# The moments that OPENED compares with, and how many seconds ago each was.
MOMENTS = {
    "now": 0,
    "heartbeat": 5,
    "claim": 5,
    "connect": 30,
    "delivery": 10,
    "wait": 300,
    "silence": 1800,
    "end": 60,
}
STUCK: dict[str, str] = {
    "worker_gone": "Its relay worker gives no sign of life",
    "not_claimed": "No relay worker has taken it",
    "connecting": "The vendor has not answered yet",
    "end_unconfirmed": "The vendor has not confirmed the end",
    "undelivered": "Messages are not delivered",
    "waiting": "Waits longer than five minutes",
    "silent": "Nobody has written for half an hour",
}

_IS_OPEN = f"IN {tuple(OPEN_VALUES)}"
# What narrows OPENED: a line is there only where its filter is on, for each looks at every row.
NARROWED = {
    "environment": "handoff.environment = %(environment)s",
    "vendor": "handoff.integration_key = %(vendor)s",
    "queue": "handoff.queue = %(queue)s",
    "agent": "LOWER(handoff.agent_name) LIKE %(agent)s ESCAPE '!'",
    "q": (
        "LOWER(handoff.id || ' ' || handoff.conversation_id || ' ' || "
        "handoff.vendor_conversation_id) LIKE %(q)s ESCAPE '!'"
    ),
}
# `why` is the first reason that holds, a name of STUCK or ""; {narrowed} is of NARROWED.
OPENED = f"""
    SELECT id, state, requested_at, is_late, CASE
        WHEN NOT state {_IS_OPEN} THEN
            CASE WHEN ended_at < %(end)s THEN 'end_unconfirmed' ELSE '' END
        WHEN heartbeat_at < %(heartbeat)s THEN 'worker_gone'
        WHEN state = 'requested' AND requested_at < %(claim)s THEN 'not_claimed'
        WHEN state = 'connecting' AND requested_at < %(connect)s THEN 'connecting'
        WHEN is_late THEN 'undelivered'
        WHEN state = 'queued' AND requested_at < %(wait)s THEN 'waiting'
        WHEN state = 'active' AND id IN (SELECT key FROM json_each(%(silent)s)) AND (
            SELECT line.created_at FROM conversations_event AS line
            WHERE line.conversation_id = found.conversation_id
            ORDER BY line.sequence DESC LIMIT 1
        ) < %(silence)s THEN 'silent'
        ELSE '' END AS why
    FROM (
        SELECT handoff.id, handoff.conversation_id, handoff.state, handoff.requested_at,
            handoff.ended_at, worker.heartbeat_at, handoff.id IN (
            SELECT delivery.handoff_id FROM handoffs_delivery AS delivery
            JOIN handoffs_handoff AS late ON late.id = delivery.handoff_id
            WHERE late.project_id = %(project)s AND late.state {_IS_OPEN}
            AND (delivery.status = 'failed'
                 OR delivery.status = 'pending' AND delivery.created_at < %(delivery)s)
        ) AS is_late
        FROM handoffs_handoff AS handoff
        LEFT JOIN handoffs_relayworker AS worker ON worker.id = handoff.owner_id
        WHERE handoff.project_id = %(project)s
        AND (handoff.state {_IS_OPEN}
             OR handoff.vendor_end_until > %(now)s)
        {{narrowed}}
    ) AS found
"""  # noqa: S608  # of constants


def opened_values(project_id: int, silent: Collection[str], now: datetime) -> dict[str, Any]:
    """Return what OPENED asks for, but for its filters.

    `silent` are the keys of those in which nobody had written for long, a moment ago (silence.py).
    """
    adapt = connection.ops.adapt_datetimefield_value
    moments = {name: adapt(now - timedelta(seconds=ago)) for name, ago in MOMENTS.items()}
    return {"project": project_id, "silent": json.dumps(dict.fromkeys(silent, 1)), **moments}
