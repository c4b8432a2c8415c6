"""Set up the integrations application."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Projects, and what they are connected to."""

    name = "integrations"
