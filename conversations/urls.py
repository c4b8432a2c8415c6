"""Route the Messaging API."""

from __future__ import annotations

from django.urls import path

from conversations.api.messaging import AccessTokenView, SessionView

urlpatterns = [
    path("api/v1/access-token", AccessTokenView.as_view(), name="access_token"),
    path("api/v1/sessions", SessionView.as_view(), name="sessions"),
]
