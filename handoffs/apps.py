"""Set up the handoffs application."""

from django.apps import AppConfig


class HandoffsConfig(AppConfig):
    """Escalations of conversations to live agents."""

    name = "handoffs"

    def ready(self) -> None:
        """Hear what the project's endpoints are told of connections."""
        from handoffs.lifecycle.webhooks import connection_tell
        from integrations.connections.state_changes import connection_state_changed

        connection_state_changed.connect(connection_tell)
