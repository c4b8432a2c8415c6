"""The waits the connector lives by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class GenesysTiming:
    """Seconds; tests shorten them."""

    # Asking about a conversation: when the socket tells as well, and when nothing else does.
    poll: float = 60.0
    poll_alone: float = 15.0
    # While a live agent's desktop rings, and while an end is in the air.
    poll_offered: float = 2.0
    settle: float = 3.0
    lag: float = 1.0
    # Webhooks are repeated for 85 seconds; what has not come by then is fetched.
    webhooks_given_up: float = 100.0
    # Two heartbeats of the notification socket, which come every 30 seconds.
    silence: float = 60.0
    first_delay: float = 1.0
    max_delay: float = 30.0
    refused_delay: float = 300.0
    typing_out: float = 5.0
    lookup: float = 0.5
