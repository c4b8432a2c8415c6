"""What was said; Django finds models by this module."""

from conversations.models.agent import LogEntry, OutsideAgent, SafetyFilter, Tool, Topic
from conversations.models.attachment import Attachment
from conversations.models.channel import BrandImage, Channel
from conversations.models.conversation import Conversation, EndUser, Event
from conversations.models.destination import Destination
from conversations.models.erasure import Erasure, LegalHold
from conversations.models.fact import ConversationFact, DayTotal, HandoffFact
from conversations.models.flow import Flow, Variant
from conversations.models.release import Deployment, Release
from conversations.models.review import ConversationSearch, ConversationTag, Note, Tag
from conversations.models.sms import SmsInbound, SmsNumber, SmsOutbound, SmsThread
from conversations.models.survey import Survey
from conversations.models.tool_means import Secret, ToolApi, ToolValues
from conversations.models.webhook import WebhookDelivery, WebhookEndpoint

__all__ = [
    "Attachment",
    "BrandImage",
    "Channel",
    "Conversation",
    "ConversationFact",
    "ConversationSearch",
    "ConversationTag",
    "DayTotal",
    "Deployment",
    "Destination",
    "EndUser",
    "Erasure",
    "Event",
    "Flow",
    "HandoffFact",
    "LegalHold",
    "LogEntry",
    "Note",
    "OutsideAgent",
    "Release",
    "SafetyFilter",
    "Secret",
    "SmsInbound",
    "SmsNumber",
    "SmsOutbound",
    "SmsThread",
    "Survey",
    "Tag",
    "Tool",
    "ToolApi",
    "ToolValues",
    "Topic",
    "Variant",
    "WebhookDelivery",
    "WebhookEndpoint",
]
