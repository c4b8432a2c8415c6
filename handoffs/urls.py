"""Route the Handoff API."""

from __future__ import annotations

from django.urls import path

from handoffs.api.agent.places import DestinationsView
from handoffs.api.agent.views import (
    AgentEndView,
    AgentHandoffCancelView,
    AgentHandoffView,
    AgentMessageView,
    AgentPieceView,
    AgentTypingView,
)
from handoffs.api.chat import (
    ChatCloseView,
    ChatCreateView,
    ChatMessagesView,
    ChatRespondView,
)
from handoffs.api.conversation_list import ConversationListView
from handoffs.api.credentials.views import (
    CredentialsStatusView,
    CredentialsTestView,
    CredentialsView,
)
from handoffs.api.queue import QueueUpdateView
from handoffs.api.review.analytics import AnalyticsView
from handoffs.api.review.conversations import (
    ConversationEventsView,
    ConversationNotesView,
    ConversationTagView,
    ConversationView,
)
from handoffs.api.review.handoffs import HandoffListView
from handoffs.api.review.one_handoff import HandoffBundleView, HandoffTimelineView
from handoffs.api.views import HandoffStateView
from handoffs.receiving.webhooks import vendor_webhook, vendor_webhook_appended

_CONVERSATION = "v1/<str:account_id>/<str:project_id>/conversations/<str:conversation_id>/"
_CHAT = "v1/<str:account_id>/<str:project_id>/chat/"

_PROJECT = "v1/accounts/<str:account_id>/projects/<str:project_id>/"
_CREDENTIALS = f"{_PROJECT}messaging-handoff-integrations/<str:vendor>/<str:client_env>"
_REVIEW = f"{_PROJECT}conversations/<str:conversation_id>"

urlpatterns = [
    path(_CREDENTIALS, CredentialsView.as_view(), name="credentials"),
    path(f"{_CREDENTIALS}/test", CredentialsTestView.as_view(), name="credentials_test"),
    path(f"{_CREDENTIALS}/status", CredentialsStatusView.as_view(), name="credentials_status"),
    path(f"{_PROJECT}analytics/<str:subject>", AnalyticsView.as_view(), name="analytics_api"),
    path(f"{_PROJECT}handoffs", HandoffListView.as_view(), name="handoffs_list"),
    path(
        f"{_PROJECT}handoffs/<str:handoff_id>/timeline",
        HandoffTimelineView.as_view(),
        name="handoff_timeline",
    ),
    path(
        f"{_PROJECT}handoffs/<str:handoff_id>/bundle",
        HandoffBundleView.as_view(),
        name="handoff_bundle_api",
    ),
    path(_REVIEW, ConversationView.as_view(), name="review"),
    path(f"{_REVIEW}/events", ConversationEventsView.as_view(), name="review_events"),
    path(f"{_REVIEW}/notes", ConversationNotesView.as_view(), name="review_notes"),
    path(f"{_REVIEW}/tags/<str:tag>", ConversationTagView.as_view(), name="review_tag"),
    path(
        "v3/<str:account_id>/<str:project_id>/conversations",
        ConversationListView.as_view(),
        name="conversations_v3",
    ),
    path(
        "v1/<str:account_id>/<str:project_id>/handoffs/<str:handoff_id>/queue",
        QueueUpdateView.as_view(),
        name="handoff_queue",
    ),
    path(f"{_CHAT}create", ChatCreateView.as_view(), name="chat_create"),
    path(f"{_CHAT}respond", ChatRespondView.as_view(), name="chat_respond"),
    path(f"{_CHAT}close", ChatCloseView.as_view(), name="chat_close"),
    path(f"{_CHAT}messages", ChatMessagesView.as_view(), name="chat_messages"),
    path(
        "v1/<str:account_id>/<str:project_id>/destinations",
        DestinationsView.as_view(),
        name="destinations",
    ),
    path(f"{_CONVERSATION}messages", AgentMessageView.as_view(), name="agent_messages"),
    path(f"{_CONVERSATION}messages/chunks", AgentPieceView.as_view(), name="agent_pieces"),
    path(f"{_CONVERSATION}typing", AgentTypingView.as_view(), name="agent_typing"),
    path(f"{_CONVERSATION}handoff", AgentHandoffView.as_view(), name="agent_handoff"),
    path(
        f"{_CONVERSATION}handoff/cancel",
        AgentHandoffCancelView.as_view(),
        name="agent_handoff_cancel",
    ),
    path(f"{_CONVERSATION}end", AgentEndView.as_view(), name="agent_end"),
    path(
        "v1/<str:account_id>/<str:project_id>/handoff_state",
        HandoffStateView.as_view(),
        name="handoff_state",
    ),
    path(
        "handoff/webhooks/<str:vendor>/<str:account_id>/<str:project_id>/<str:environment>/"
        "<str:endpoint>",
        vendor_webhook,
        name="vendor_webhook",
    ),
    path(
        "handoff/webhooks/<str:vendor>/<str:account_id>/<str:project_id>/<str:environment>/"
        "<str:endpoint>/<path:appended>",
        vendor_webhook_appended,
        name="vendor_webhook_appended",
    ),
]
