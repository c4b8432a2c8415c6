"""Set up the integrations application."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Projects, and what they are connected to."""

    name = "integrations"

    def ready(self) -> None:
        """Register the system checks, and refuse to start where they would be ignored."""
        from integrations import checks

        checks.refuse_unsafe_start()
