"""What this process counts and measures; docs/operating/ draws it and warns about it.

Each process has a registry of its own. The lowest layer: anybody may count, nobody is known here.
"""

from __future__ import annotations

import hmac
from contextvars import ContextVar

from prometheus_client import Counter, Gauge, Histogram

# From a quick relay on one machine up to a vendor that hangs until its deadline.
_RELAY_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_CALL_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_DELIVERY_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 240)

RELAY_LAG = Histogram(
    "baton_relay_lag_seconds",
    "From a vendor event received to its line committed and published.",
    buckets=_RELAY_SECONDS,
)
DELIVERY_AGE = Histogram(
    "baton_delivery_age_seconds",
    "From an end user's message journaled to taken by the vendor.",
    buckets=_DELIVERY_SECONDS,
)
DELIVERIES_FAILED = Counter(
    "baton_deliveries_failed", "Messages shown as not delivered.", ["error"]
)
JOURNAL_LINES = Counter("baton_journal_lines", "Lines written to journals.")
LEASES_CLAIMED = Counter(
    "baton_leases_claimed", "Handoffs claimed: first, or takeover from another worker.", ["kind"]
)
RELAY_SESSIONS = Gauge("baton_relay_sessions", "Handoffs that this relay worker serves.")
STREAMS_OPENED = Counter(
    "baton_streams_opened",
    "Vendor streams opened: first, or reconnect of the same session.",
    ["operation", "kind"],
)
VENDOR_CALL_SECONDS = Histogram(
    "baton_vendor_call_seconds",
    "Calls to vendors; of a stream, the time to open it.",
    ["connector", "operation"],
    buckets=_CALL_SECONDS,
)
VENDOR_CALL_ERRORS = Counter(
    "baton_vendor_call_errors", "Calls to vendors that failed.", ["connector", "operation", "error"]
)
VENDOR_CALL_RECORDS_LOST = Counter(
    "baton_vendor_call_records_lost", "Records of vendor calls that could not be kept."
)
WEBHOOKS_RECEIVED = Counter("baton_webhooks_received", "Vendors' webhooks stored.", ["connector"])
WEBHOOKS_REFUSED = Counter(
    "baton_webhooks_refused", "Vendors' webhooks not stored, by the status answered.", ["status"]
)
WEBHOOKS_SENT = Counter(
    "baton_webhooks_sent",
    "Attempts to tell a customer's endpoint: delivered, retried later, or failed for good.",
    ["outcome"],
)
WEBHOOK_DELIVERY_AGE = Histogram(
    "baton_webhook_delivery_age_seconds",
    "From what happened to taken by a customer's endpoint.",
    buckets=_DELIVERY_SECONDS,
)
SOCKETS_OPEN = Gauge("baton_sockets_open", "Widget sockets open in this process.")
SOCKETS_CLOSED = Counter(
    "baton_sockets_closed", "Sockets that this process closed itself, by the reason.", ["reason"]
)
FRAMES_REFUSED = Counter("baton_frames_refused", "Frames over a socket's limit of frames.")
WAKE_UPS_DROPPED = Counter(
    "baton_wake_ups_dropped", "Wake-ups dropped because too many waited; the journal is read."
)
REQUESTS_LIMITED = Counter("baton_requests_limited", "Requests answered 429.", ["limit"])

# The streams that the current task has opened before, so that a reconnect is known as one.
_opened: ContextVar[frozenset[str]] = ContextVar("opened", default=frozenset())


def stream_opened(operation: str) -> None:
    """Count a stream that answered."""
    before = _opened.get()
    STREAMS_OPENED.labels(operation, "reconnect" if operation in before else "first").inc()
    _opened.set(before | {operation})


def may_read(authorization: str, token: str) -> bool:
    """Compare an Authorization header with the token in constant time."""
    expected = f"Bearer {token}".encode()
    return hmac.compare_digest(authorization.encode(), expected)
