"""What can be wrong with a request to a conversation."""

from __future__ import annotations

ENDED_TEXT = "This conversation has ended. Start a new one."


class ConversationError(Exception):
    """Base; `code` is the SYSTEM_MESSAGE code and the text is fit for the client."""

    code = "event_not_allowed"


class ConversationEndedError(ConversationError):
    """Nothing is written after SESSION_END."""


class NotAllowedError(ConversationError):
    """The event does not fit the conversation's state."""


class RateLimitedError(ConversationError):
    """Too much waits already, or came in a short time; the same may be sent again later."""

    code = "rate_limited"
