"""Set up the conversations application."""

from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    """What was said, and how it reaches the end user."""

    name = "conversations"

    def ready(self) -> None:
        """Offer the ways to an outside agent that have a package of their own."""
        from conversations.ai_agent.outside.bot_framework.rows import BOT_FRAMEWORK_KINDS
        from conversations.ai_agent.runtimes.kinds import kinds_add

        kinds_add(*BOT_FRAMEWORK_KINDS)
