"""Addresses of the portal's frame, of Configure > Integrations and of API keys."""

from __future__ import annotations

from django.contrib.auth import views as auth_views
from django.urls import path

from integrations import project_views

urlpatterns = [
    path("", project_views.home, name="home"),
    path("login/", auth_views.LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("theme/", project_views.theme_set, name="theme"),
    path("projects/new/", project_views.project_create, name="project_create"),
    path("p/<str:project_id>/", project_views.project_home, name="project_home"),
]
