"""Twilio's error numbers: which of our errors each is, and what helps."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.contract.carrier import OptedOutError
from integrations.contract.errors import (
    ConnectorError,
    InvalidAuthError,
    InvalidRoutingError,
    MissingPermissionError,
    RateLimitedError,
    RejectedError,
)
from integrations.contract.manifest import ErrorHelp

# Of a refusal to create a message.
KINDS: Mapping[str, type[ConnectorError]] = {
    "20003": InvalidAuthError,
    "20404": InvalidRoutingError,
    "20429": RateLimitedError,
    "21211": RejectedError,
    "21212": MissingPermissionError,
    "21408": MissingPermissionError,
    "21606": MissingPermissionError,
    "21608": MissingPermissionError,
    "21610": OptedOutError,
    "21611": RateLimitedError,
    "21612": RejectedError,
    "21614": RejectedError,
}
# Refused for its media alone: the same text goes with a link.
MEDIA_REFUSED = frozenset({"21620", "21623"})

CAUSES: Mapping[str, ErrorHelp] = {
    code: ErrorHelp(cause=cause, cure=cure)
    for code, cause, cure in (
        ("20003", "Twilio refused the credentials.", "Test the connection and mend the token."),
        ("20404", "There is no such account.", "Check the Account SID."),
        ("20429", "Too many texts at once.", "It is sent again; lower the texts per second."),
        ("21211", "The end user's number is not a number.", "Nothing can be sent to it."),
        ("21212", "The sender is not a number.", "Check the numbers of the connection."),
        (
            "21408",
            "Your account may not text to this country.",
            "Switch it on under Messaging > Settings > Geo permissions.",
        ),
        ("21602", "The text had no words.", "It is a fault of this portal; report it."),
        ("21603", "The text had no sender.", "Check the numbers of the connection."),
        (
            "21606",
            "The account does not own the sender, or it cannot send SMS.",
            "Check the numbers of the connection.",
        ),
        (
            "21608",
            "A trial account may only text to numbers that it has verified.",
            "Verify the number, or upgrade the account.",
        ),
        (
            "21609",
            "Twilio takes no delivery reports at the address of this portal.",
            "The host of PUBLIC_URL may have no underscore; or switch Delivery reports off.",
        ),
        (
            "21610",
            "The end user has opted out of SMS.",
            "Only their own START brings them back.",
        ),
        ("21611", "The sender's queue is full.", "It is sent again by itself."),
        ("21612", "The number cannot be reached from this sender.", "Use another sender."),
        ("21614", "The end user's number is not a mobile number.", "Nothing can be sent to it."),
        ("21617", "The text is too long.", "It is a fault of this portal; report it."),
        ("21620", "Twilio could not use the address of a file.", "A link is sent in its place."),
        ("21623", "Too many files for one text.", "A link is sent in their place."),
        ("30001", "The sender's queue ran over.", "Lower the texts per second."),
        ("30002", "The account is suspended.", "Open it again in the Twilio Console."),
        (
            "30003",
            "The phone could not be reached: it is off, out of reach, or no mobile.",
            "It may go better later.",
        ),
        (
            "30004",
            "The text was blocked by the recipient or their carrier.",
            "Ask them to write first.",
        ),
        ("30005", "There is no such phone, or not any more.", "Nothing can be sent to it."),
        (
            "30006",
            "A landline, or a carrier that cannot be reached.",
            "Nothing can be sent to it.",
        ),
        (
            "30007",
            "A carrier's filter took the text for spam.",
            "Register your number (A2P 10DLC, toll-free), and avoid short links.",
        ),
        ("30008", "A carrier did not say what went wrong.", "It may go better later."),
        ("30009", "A part of the text was lost on the way.", "It may go better later."),
        ("30032", "The toll-free number is not verified.", "Verify it in the Twilio Console."),
        ("30034", "The US number is not registered.", "Register it for A2P 10DLC."),
    )
}
