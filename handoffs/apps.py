"""Set up the handoffs application."""

from django.apps import AppConfig


class HandoffsConfig(AppConfig):
    """Escalations of conversations to live agents."""

    name = "handoffs"

    def ready(self) -> None:
        """Hear what the project's endpoints are told of connections, and consoles of members."""
        from handoffs.lifecycle.webhooks import connection_tell
        from handoffs.portal.live.rights import consoles_look_again
        from integrations.connections.state_changes import connection_state_changed
        from integrations.entry.sessions.looking_again import members_changed

        connection_state_changed.connect(connection_tell)
        members_changed.connect(consoles_look_again)
