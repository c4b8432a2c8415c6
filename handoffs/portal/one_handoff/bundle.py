"""The support bundle of a handoff: what happened by codes and times, versions, settings.

It is posted in public: it holds no secret, no text, no name and no address. Nothing is masked here;
what may be one of these is never read.
"""

from __future__ import annotations

import io
import json
import platform
import zipfile
from datetime import datetime
from importlib.metadata import version
from typing import Any

from django.db import connection
from django.utils import timezone

from conversations.models import Event
from handoffs.models import Handoff
from handoffs.portal.one_handoff.outcomes import handoff_outcome
from handoffs.portal.one_handoff.timeline import ROWS_MAX
from integrations.connect.documents.settings import settings_json
from integrations.models import Integration, VendorCall

PACKAGES = (
    *("django", "channels", "channels-redis", "celery", "kombu", "redis", "psycopg"),
    *("uvicorn", "websockets", "aiohttp"),
)
_TIMES = ("requested_at", "accepted_at", "joined_at", "ended_at", "deadline_at")
_READ_ME = """This is what a handoff looked like from the inside: times, states, codes, versions and
settings. It holds no credential, no message and no name. bundle.json is for people and machines.
"""


def bundle_of(handoff: Handoff) -> dict[str, Any]:
    """Return the bundle of a handoff as plain JSON."""
    return {
        "made_at": timezone.now().isoformat(),
        "versions": _versions(),
        "handoff": _handoff(handoff),
        "integration": _integration(handoff.integration) if handoff.integration else None,
        "transitions": [
            {
                "at": _text(row.at),
                "from": row.from_state,
                "to": row.to_state,
                "trigger": row.trigger,
            }
            for row in handoff.transitions.all()[:ROWS_MAX]
        ],
        "attempts": [
            {
                "number": row.number,
                "integration": row.integration_key,
                "error_code": row.error_code,
                "at": _text(row.at),
            }
            for row in handoff.past_attempts.all()
        ],
        "journal": _journal(handoff),
        "deliveries": _deliveries(handoff),
        "vendor_events": _vendor_events(handoff),
        "vendor_calls": _calls(handoff),
    }


def bundle_file(handoff: Handoff) -> bytes:
    """Return the bundle as one file."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("README.txt", _READ_ME)
        file.writestr("bundle.json", json.dumps(bundle_of(handoff), indent=2, default=str))
    return written.getvalue()


def _versions() -> dict[str, str]:
    return {name: version(name) for name in PACKAGES} | {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "database": connection.vendor,
    }


def _handoff(handoff: Handoff) -> dict[str, Any]:
    return {name: _text(getattr(handoff, name)) for name in _TIMES} | {
        "id": handoff.pk,
        "conversation_id": handoff.conversation_id,
        "environment": handoff.environment,
        "channel": handoff.channel_kind,
        "vendor": handoff.integration_key,
        "state": handoff.state,
        "outcome": handoff_outcome(handoff).value,
        "end_reason": handoff.end_reason,
        "error_code": handoff.error_code,
        "attempt": handoff.attempt,
        "lease_epoch": handoff.lease_epoch,
        "has_vendor_conversation": bool(handoff.vendor_conversation_id),
        "has_worker": handoff.owner_id is not None,
        # By name alone: what a tool gave may be anything.
        "routing": sorted(handoff.routing),
    }


def _integration(row: Integration) -> dict[str, Any]:
    return {
        "connector": row.connector_key,
        "vendor": row.integration_key,
        "environment": row.environment,
        "status": row.status,
        # Which are set, never to what.
        "credentials": sorted(name for name, value in row.credentials.items() if value),
        "settings": _switches(settings_json(row)),
    }


def _switches(settings: dict[str, Any]) -> dict[str, Any]:
    """Return switches and numbers as they are; of texts that something is set."""
    return {
        name: value if isinstance(value, bool | int | float) else bool(value)
        for name, value in settings.items()
    }


def _journal(handoff: Handoff) -> list[dict[str, Any]]:
    rows = Event.objects.filter(conversation_id=handoff.conversation_id).order_by("-sequence")
    found = rows.values_list("sequence", "type", "created_at")[:ROWS_MAX]
    return [{"sequence": n, "type": kind, "at": _text(at)} for n, kind, at in found][::-1]


def _deliveries(handoff: Handoff) -> list[dict[str, Any]]:
    rows = handoff.deliveries.order_by("-sequence")[:ROWS_MAX]
    return [
        {
            "sequence": row.sequence,
            "status": row.status,
            "attempts": row.attempts,
            "error_code": row.error_code,
            "created_at": _text(row.created_at),
            "sent_at": _text(row.sent_at),
        }
        for row in rows
    ][::-1]


def _vendor_events(handoff: Handoff) -> list[dict[str, Any]]:
    rows = handoff.vendor_events.order_by("-id")[:ROWS_MAX]
    return [
        {
            "kind": row.kind,
            "occurred_at": _text(row.occurred_at),
            "received_at": _text(row.received_at),
        }
        for row in rows
    ][::-1]


def _calls(handoff: Handoff) -> list[dict[str, Any]]:
    rows = VendorCall.objects.filter(reference=handoff.pk).order_by("-at", "-id")[:ROWS_MAX]
    return [
        {
            "at": _text(row.at),
            "operation": row.operation,
            "method": row.method,
            "status": row.status,
            "error_code": row.error_code,
            "duration_ms": row.duration_ms,
        }
        for row in rows
    ][::-1]


def _text(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
