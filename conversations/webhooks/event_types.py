"""What an endpoint can be told of (agent_api section 16)."""

from __future__ import annotations

from django.db import models


class WebhookType(models.TextChoices):
    """The events that can be chosen, each with what it tells."""

    HANDOFF_REQUESTED = "handoff.requested", "A handoff was asked for"
    HANDOFF_ACCEPTED = "handoff.accepted", "The vendor has taken a handoff into its queue"
    HANDOFF_QUEUE_UPDATED = "handoff.queue_updated", "The place or the wait in the queue changed"
    HANDOFF_AGENT_JOINED = "handoff.agent_joined", "A live agent joined"
    HANDOFF_AGENT_LEFT = "handoff.agent_left", "A live agent left"
    HANDOFF_ENDED = "handoff.ended", "A handoff is over"
    HANDOFF_FAILED = "handoff.failed", "A handoff came to nothing"
    HANDOFF_TIMEOUT = "handoff.timeout", "Nobody joined in the time allowed"
    CONVERSATION_STARTED = "conversation.started", "A conversation was opened"
    CONVERSATION_ENDED = "conversation.ended", "A conversation is over"
    MESSAGE_CREATED = "message.created", "Somebody said something"
    CSAT_SUBMITTED = "csat.submitted", "An end user answered the survey"
    CONNECTION_STATE_CHANGED = (
        "connection.state_changed",
        "A connection to a vendor was made, broke, recovered or was switched",
    )
    ALERTS_TRIGGERED = "alerts.triggered", "Something is wrong that people should know of"
    ALERTS_RESOLVED = "alerts.resolved", "What was told of is over"


# Sent from the endpoint's page, whatever is chosen.
TEST = "webhook.test"
# The lines of a journal that are messages, and who says them.
SENDERS = {
    "USER_MESSAGE": "user",
    "POLY_AGENT_MESSAGE": "bot",
    "LIVE_AGENT_MESSAGE": "live_agent",
}
