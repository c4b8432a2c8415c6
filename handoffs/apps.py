"""Set up the handoffs application."""

from django.apps import AppConfig


class HandoffsConfig(AppConfig):
    """Escalations of conversations to live agents."""

    name = "handoffs"
