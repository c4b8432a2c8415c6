"""Write one log line for each record: JSON in production, readable in development.

Only the message and the ids given as `extra` are written; callers never log message text.
"""

from __future__ import annotations

import json
import logging
import logging.config
import warnings
from datetime import UTC, datetime
from typing import Any

from integrations.telemetry.correlation import correlation_id, reference

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
# The line a second time, coloured, as uvicorn gives it.
_STANDARD |= {"color_message"}
# As uvicorn says it, at ERROR and with a traceback, of a text frame of a WebSocket.
_CLIENTS_FAULTS = frozenset({"Invalid UTF-8 sequence received from client."})

# Of how files are served: those of the portal are few and small, and a demo has none collected.
_HARMLESS = ("No directory at: ", "StreamingHttpResponse must consume synchronous iterators")


def logs_configure(config: dict[str, Any]) -> None:
    """Apply the settings; Python's own warnings become log lines like all others."""
    logging.config.dictConfig(config)
    logging.captureWarnings(True)
    for beginning in _HARMLESS:
        warnings.filterwarnings("ignore", message=beginning)


class LineFormatter(logging.Formatter):
    """Format a record with its extras, as JSON or as plain text."""

    def __init__(self, *, as_json: bool) -> None:
        """Choose the form once."""
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for a record."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        extras = _identity() | {
            k: v for k, v in vars(record).items() if k not in _STANDARD and _is_plain(v)
        }
        is_clients = _is_clients_fault(record)
        level = _level(record, is_clients)
        trace = self.formatException(record.exc_info) if record.exc_info and not is_clients else ""
        if self._as_json:
            entry = {"at": at, "level": level, "logger": record.name}
            entry |= {"message": record.getMessage(), **extras}
            if trace:
                entry["trace"] = trace
            return json.dumps(entry, default=str, ensure_ascii=False)
        pairs = " ".join(f"{key}={value}" for key, value in extras.items())
        line = f"{at} {level:<7} {record.name}: {record.getMessage()} {pairs}".rstrip()
        return f"{line}\n{trace}" if trace else line


def _identity() -> dict[str, str]:
    """Return what joins this line with others: written where the line is, so in its context."""
    found = {"correlation_id": correlation_id.get(), "handoff_id": reference.get()}
    return {name: value for name, value in found.items() if value}


def _is_clients_fault(record: logging.LogRecord) -> bool:
    """Say whether a client sent something wrongly, whatever a library raised over it."""
    return getattr(record, "status_code", 500) < 500 or record.msg in _CLIENTS_FAULTS


def _level(record: logging.LogRecord, is_clients: bool) -> str:
    is_too_loud = is_clients and record.levelno > logging.WARNING
    return logging.getLevelName(logging.WARNING) if is_too_loud else record.levelname


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool)
