"""Route the Messaging API, the Webhooks API and the files of conversations."""

from __future__ import annotations

from django.urls import path

from conversations.api.events import EventsView
from conversations.api.files import FileView
from conversations.api.hearing.endpoints import (
    WebhookEndpointsView,
    WebhookEndpointView,
    WebhookSecretView,
)
from conversations.api.messaging import AccessTokenView, SessionView
from conversations.api.outbound_sms import OutboundSmsView
from conversations.api.session_state import ContextView, HistoryView, SessionStateView, SurveyView
from conversations.api.widget_look import WidgetLookView
from conversations.files.views import file_download
from conversations.widget.section_views import brand_image

urlpatterns = [
    path("api/v1/widget", WidgetLookView.as_view(), name="widget_look"),
    path("api/v1/access-token", AccessTokenView.as_view(), name="access_token"),
    path("api/v1/sessions", SessionView.as_view(), name="sessions"),
    path("api/v1/sessions/<uuid:session_id>", SessionStateView.as_view(), name="session_state"),
    path("api/v1/sessions/<uuid:session_id>/events", EventsView.as_view(), name="session_events"),
    path("api/v1/sessions/<uuid:session_id>/files", FileView.as_view(), name="session_files"),
    path("api/v1/sessions/<uuid:session_id>/context", ContextView.as_view(), name="context"),
    path("api/v1/sessions/<uuid:session_id>/history", HistoryView.as_view(), name="history"),
    path("api/v1/sessions/<uuid:session_id>/survey", SurveyView.as_view(), name="survey"),
    path("v1/outbound-sms", OutboundSmsView.as_view(), name="outbound_sms"),
    path("v1/webhook-endpoints", WebhookEndpointsView.as_view(), name="webhook_endpoints"),
    path(
        "v1/webhook-endpoints/<str:endpoint_id>",
        WebhookEndpointView.as_view(),
        name="webhook_endpoint",
    ),
    path(
        "v1/webhook-endpoints/<str:endpoint_id>/rotate-secret",
        WebhookSecretView.as_view(),
        name="webhook_rotate_secret",
    ),
    path("brand/<str:token>", brand_image, name="brand_image"),
    path("files/<str:token>/<str:name>", file_download, name="file"),
]
