"""The errors a handoff may end in before or beside the vendor's own; `code` is what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, NamedTuple


class PayloadProblem(NamedTuple):
    """One thing wrong in a payload: where it is, and what was expected there (never the value)."""

    path: str
    message: str


class HandoffError(Exception):
    """Base of the errors this app raises on purpose; the message never quotes message text."""

    code: ClassVar[str] = "unknown"

    def __init__(self, message: str = "") -> None:
        """Fall back to the code where the class says enough."""
        super().__init__(message or self.code)


class InvalidPayloadError(HandoffError):
    """What the tool returned cannot become a handoff; `problems` holds every reason at once."""

    code = "invalid_payload"

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        """Join the problems into one readable message and keep them apart for editors and APIs."""
        self.problems = [PayloadProblem(*problem) for problem in problems]
        super().__init__("; ".join(f"{path}: {message}" for path, message in self.problems))


class NotConnectedError(HandoffError):
    """The integration the payload names is not connected in this environment."""

    code = "not_connected"


class AlreadyOpenError(HandoffError):
    """The conversation already has an open handoff; nothing is created at the vendor."""

    code = "already_open"


class IllegalTransitionError(HandoffError):
    """The state table has no move for this trigger in this state: a slip in our own code."""

    code = "illegal_transition"
