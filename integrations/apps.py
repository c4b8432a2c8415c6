"""Set up the integrations application."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Projects, and what they are connected to."""

    name = "integrations"

    def ready(self) -> None:
        """Register the system checks."""
        from integrations import checks  # noqa: F401 - registering is the effect
