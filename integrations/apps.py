"""Set up the integrations application."""

from django.apps import AppConfig


class IntegrationsConfig(AppConfig):
    """Projects, and what they are connected to."""

    name = "integrations"

    def ready(self) -> None:
        """Note where members sign in, by whatever door."""
        from integrations.entry.sessions import services  # noqa: F401 - registering is the effect
