"""What can be wrong with a request to a conversation."""

from __future__ import annotations

from integrations.behaviour.sentences import sentence


class ConversationError(Exception):
    """Base; `code` is the SYSTEM_MESSAGE code, the text one of the table of sentences."""

    code = "event_not_allowed"

    def __init__(self, key: str, **values: object) -> None:
        """Take the sentence's key and what is filled in there; as a string it is English."""
        super().__init__(sentence(key, "", **values))
        self._key, self._values = key, values

    def text(self, locale: str) -> str:
        """Return what the end user reads."""
        return sentence(self._key, locale, **self._values)


class ConversationEndedError(ConversationError):
    """Nothing is written after SESSION_END."""


class NotAllowedError(ConversationError):
    """The event does not fit the conversation's state."""


class ClientFaultError(NotAllowedError):
    """The client's program is wrong, not the end user: the text is for whoever writes it."""

    def __init__(self, message: str) -> None:
        """Take the text, which names the cure."""
        Exception.__init__(self, message)

    def text(self, locale: str) -> str:
        """Return the text, which is English in every conversation."""
        return str(self)


class ChoiceClosedError(ConversationError):
    """What was offered is taken already, or something newer stands in its place."""

    code = "choice_closed"


class RateLimitedError(ConversationError):
    """Too much waits already, or came in a short time; the same may be sent again later."""

    code = "rate_limited"
