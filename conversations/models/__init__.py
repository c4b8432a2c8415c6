"""What was said; Django finds models by this module."""

from conversations.models.agent import LogEntry, OutsideAgent, Tool, Topic
from conversations.models.attachment import Attachment
from conversations.models.channel import Channel
from conversations.models.conversation import Conversation, EndUser, Event
from conversations.models.destination import Destination
from conversations.models.flow import Flow, Variant
from conversations.models.release import Deployment, Release
from conversations.models.tool_means import Secret, ToolApi, ToolValues
from conversations.models.webhook import WebhookDelivery, WebhookEndpoint

__all__ = [
    "Attachment",
    "Channel",
    "Conversation",
    "Deployment",
    "Destination",
    "EndUser",
    "Event",
    "Flow",
    "LogEntry",
    "OutsideAgent",
    "Release",
    "Secret",
    "Tool",
    "ToolApi",
    "ToolValues",
    "Topic",
    "Variant",
    "WebhookDelivery",
    "WebhookEndpoint",
]
