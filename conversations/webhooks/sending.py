"""Make one attempt: a signed POST through the one HTTP client, and what its answer means."""

from __future__ import annotations

from django.conf import settings

from conversations.webhooks.attempts import Attempt, Outcome
from integrations.contract.errors import ConnectorError, UnexpectedResponseError
from integrations.http.client import HttpClient, Session
from integrations.http.recording import VendorCallRecord
from integrations.kit.signatures import outbound_headers

# Nothing in an answer is used: a receiver says all with its status.
ANSWER_BYTES = 64 * 1024


async def attempt_make(attempt: Attempt, session: Session) -> Outcome:
    """Send a delivery once; whatever comes of it is an outcome, and nothing is raised for it."""
    records: list[VendorCallRecord] = []
    http = HttpClient(session, allow_local=settings.ALLOW_LOCAL_AGENTS, recorder=records.append)
    signed = outbound_headers(attempt.secrets, attempt.body, str(attempt.event_id))
    error: ConnectorError | None = None
    try:
        await http.request(
            "webhook",
            "POST",
            attempt.url,
            headers={**attempt.headers, **signed},
            data=attempt.body,
            timeout=attempt.timeout_seconds,
            max_bytes=ANSWER_BYTES,
        )
    except ConnectorError as failure:
        error = failure
    return _outcome(records[-1], error)


def _outcome(record: VendorCallRecord, error: ConnectorError | None) -> Outcome:
    status = record.status
    # A long answer to what was taken is no failure.
    is_taken = status is not None and 200 <= status < 300
    if is_taken and (error is None or isinstance(error, UnexpectedResponseError)):
        return Outcome(status=status, duration_ms=record.duration_ms)
    assert error is not None
    return Outcome(
        status=status,
        error_code=error.reason or error.code,
        retry_after=error.retry_after or 0.0,
        duration_ms=record.duration_ms,
    )
