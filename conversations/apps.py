"""Set up the conversations application."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    """What was said, and how it reaches the end user."""

    name = "conversations"
