"""The errors a connector may raise: what went wrong, and whether trying again can help."""

from __future__ import annotations

from typing import Any, ClassVar


class ConnectorError(Exception):
    """Base of all connector errors; `code` and `retryable` decide what callers do.

    The message names vendor, operation and status only: never a credential, a token, a header,
    a message text or a body.
    """

    code: ClassVar[str] = "unknown"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        message: str = "",
        *,
        vendor_code: str = "",
        status: int | None = None,
        field: str = "",
        retry_after: float | None = None,
        reason: str = "",
    ) -> None:
        """Keep what the vendor said; `field` names the credential field at fault, if known.

        `reason` tells kinds of one code apart for an admin: dns, tls, timeout, address, stream,
        disabled.
        """
        super().__init__(message or self.code)
        self.message = message or self.code
        self.vendor_code = vendor_code
        self.status = status
        self.field = field
        self.retry_after = retry_after
        self.reason = reason


class CannotConnectError(ConnectorError):
    """DNS, TLS, time-out or 5xx: the vendor could not be reached or could not answer."""

    code = "cannot_connect"
    retryable = True

    @property
    def is_in_doubt(self) -> bool:
        """Say whether the call may have been taken, and only its answer is missing."""
        is_busy = self.status == 503  # says itself that it took nothing
        return self.reason in ("timeout", "stream") or (self.status is not None and not is_busy)


class RateLimitedError(ConnectorError):
    """The vendor asks to slow down; `retry_after` holds seconds where it said so."""

    code = "rate_limited"
    retryable = True


class InvalidAuthError(ConnectorError):
    """Credentials or token were refused; the integration needs attention."""

    code = "invalid_auth"


class MissingPermissionError(ConnectorError):
    """Credentials are right but may not do this; the integration needs attention."""

    code = "missing_permission"


class RejectedError(ConnectorError):
    """The vendor understood and refused; `vendor_code` says why in its own words."""

    code = "rejected"


class InvalidRoutingError(RejectedError):
    """A queue, skill or deployment named by the routing does not exist."""

    code = "invalid_routing"


class NoLiveAgentsError(RejectedError):
    """Nobody is available at the vendor; the AI agent continues."""

    code = "no_live_agents"


class ConversationGoneError(ConnectorError):
    """The vendor conversation is over or unknown to the vendor; a message sent has reached nobody.

    `opened` names a vendor conversation that this very call has opened in its place, because it
    crossed the end: the caller ends it too, until the vendor has confirmed that.
    """

    code = "conversation_gone"

    def __init__(self, message: str = "", *, opened: str = "", **details: Any) -> None:
        """Keep what ConnectorError keeps, and what was opened."""
        super().__init__(message, **details)
        self.opened = opened


class UnexpectedResponseError(ConnectorError):
    """The vendor's answer did not parse."""

    code = "unexpected_response"


class UnsupportedFeatureError(ConnectorError):
    """A slip of ours: the caller did not check the manifest's capabilities."""

    code = "unsupported_feature"


class WebhookVerificationError(ConnectorError):
    """The signature of an inbound call is wrong; answered with 401, nothing is parsed."""

    code = "webhook_unverified"
