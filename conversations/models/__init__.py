"""What was said; Django finds models by this module."""

from conversations.models.agent import LogEntry, OutsideAgent, Tool, Topic
from conversations.models.attachment import Attachment
from conversations.models.channel import Channel
from conversations.models.conversation import Conversation, EndUser, Event
from conversations.models.webhook import WebhookDelivery, WebhookEndpoint

__all__ = [
    "Attachment",
    "Channel",
    "Conversation",
    "EndUser",
    "Event",
    "LogEntry",
    "OutsideAgent",
    "Tool",
    "Topic",
    "WebhookDelivery",
    "WebhookEndpoint",
]
