"""Route the Handoff API."""

from __future__ import annotations

from django.urls import path

from handoffs.api import HandoffStateView

urlpatterns = [
    path(
        "v1/<str:account_id>/<str:project_id>/handoff_state",
        HandoffStateView.as_view(),
        name="handoff_state",
    ),
]
