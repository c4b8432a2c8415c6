"""Route the Handoff API."""

from __future__ import annotations

from django.urls import path

from handoffs.api.agent import (
    AgentEndView,
    AgentHandoffCancelView,
    AgentHandoffView,
    AgentMessageView,
    AgentTypingView,
)
from handoffs.api.views import HandoffStateView
from handoffs.receiving.webhooks import vendor_webhook, vendor_webhook_appended

_CONVERSATION = "v1/<str:account_id>/<str:project_id>/conversations/<str:conversation_id>/"

urlpatterns = [
    path(f"{_CONVERSATION}messages", AgentMessageView.as_view(), name="agent_messages"),
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
