"""The id that joins the log lines of one request, socket, task or session across processes."""

from __future__ import annotations

import re
import uuid
from contextvars import ContextVar

HEADER = "X-Correlation-Id"
# What a task carries; Celery has a correlation_id of its own, which is the task's id.
TASK_HEADER = "baton_correlation_id"
_VALID = re.compile(r"[A-Za-z0-9._:-]{1,64}")

correlation_id: ContextVar[str] = ContextVar("correlation_id", default="")
# The handoff for which the current relay session works: what its records of calls are found by.
reference: ContextVar[str] = ContextVar("reference", default="")


def correlation_begin(given: str = "") -> str:
    """Take the caller's id where it is one, else make one; return what holds from here on."""
    value = given if _VALID.fullmatch(given) else uuid.uuid4().hex
    correlation_id.set(value)
    return value


def correlation_ensure() -> str:
    """Return the id that holds, making one where there is none."""
    return correlation_id.get() or correlation_begin()
