"""Route URLs to the applications."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularSwaggerSplitView

from config.docs.served import SchemaView, asyncapi
from config.health import healthz, readyz
from config.metrics import metrics
from conversations.api.asyncapi import socket_page
from integrations.entry.sign_in import sign_in_guarded

# Its script is a file of its own: the policy of this portal allows none in a page.
_api_docs = SpectacularSwaggerSplitView.as_view(
    url_name="schema", template_name="api_docs.html", http_method_names=["get", "head"]
)


def admin_urls(place: str) -> list[URLPattern | URLResolver]:
    """Return the addresses of Django's admin; none where it is closed."""
    if not place:
        return []
    admin.autodiscover()
    return [
        path(f"{place}/login/", sign_in_guarded(admin.site.login, "admin")),
        path(f"{place}/", admin.site.urls),
    ]


urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
    *admin_urls(settings.ADMIN_PATH),
    path("api/schema", SchemaView.as_view(), name="schema"),
    path("api/docs", _api_docs, name="api_docs"),
    path("api/asyncapi", asyncapi, name="asyncapi"),
    path("api/docs/socket", socket_page, name="socket_docs"),
    path("", include("integrations.urls")),
    path("", include("conversations.urls.api")),
    path("", include("conversations.urls.portal")),
    path("", include("handoffs.urls")),
    path("", include("handoffs.portal.urls")),
]
handler403 = "integrations.projects.frame.views.no_access"
