"""Route the Handoff API."""

from __future__ import annotations

from django.urls import path

from handoffs.api.views import HandoffStateView
from handoffs.receiving.webhooks import vendor_webhook, vendor_webhook_appended

urlpatterns = [
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
