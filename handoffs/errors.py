"""The errors a handoff may end in before or beside the vendor's own; `code` is what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from integrations.contract.hints import PayloadProblem


class HandoffError(Exception):
    """Base of the errors this app raises on purpose; the message never quotes message text."""

    code: ClassVar[str] = "unknown"
    # What clients are told; codes of ours that mean the same to them share one.
    reason: ClassVar[str] = ""
    # An admin can mend it without touching the tool.
    depends_on_settings: ClassVar[bool] = False

    def __init__(self, message: str = "", *, integration_key: str = "") -> None:
        """Fall back to the code where the class says enough; name the integration if known."""
        super().__init__(message or self.code)
        self.integration_key = integration_key

    def client_reason(self) -> str:
        """Return the reason that clients get."""
        return self.reason or self.code


class InvalidPayloadError(HandoffError):
    """What the tool returned cannot become a handoff; `problems` holds every reason at once."""

    code = "invalid_payload"

    def __init__(
        self, problems: Sequence[tuple[str, str]], warnings: Sequence[tuple[str, str]] = ()
    ) -> None:
        """Join the problems into one readable message and keep them apart for editors and APIs."""
        self.problems = [PayloadProblem(*problem) for problem in problems]
        self.warnings = [PayloadProblem(*warning) for warning in warnings]
        super().__init__("; ".join(f"{path}: {message}" for path, message in self.problems))


class NotAllowedHereError(InvalidPayloadError):
    """The payload names what only an admin may choose in this project or for this connection."""

    code = "not_allowed_here"
    reason = "invalid_payload"
    depends_on_settings = True


class UnknownConnectionError(InvalidPayloadError):
    """Of several connections of one kind, the payload names one that is not there."""

    depends_on_settings = True


class NotConnectedError(HandoffError):
    """The integration the payload names is not connected in this environment."""

    code = "not_connected"
    depends_on_settings = True


class NothingConnectedError(NotConnectedError):
    """The payload leaves the choice to the project, and nothing is connected."""

    code = "nothing_connected"
    reason = "not_connected"


class NoConnectorError(NotConnectedError):
    """The payload names a vendor that this version cannot hand over to."""

    code = "no_connector"
    reason = "not_connected"
    depends_on_settings = False


class NoDefaultError(HandoffError):
    """The payload leaves the choice to the project, which has several and no default."""

    code = "no_default"
    reason = "invalid_payload"
    depends_on_settings = True


class IllegalTransitionError(HandoffError):
    """The state table has no move for this trigger in this state: a slip in our own code."""

    code = "illegal_transition"
