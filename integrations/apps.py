"""Set up the integrations application."""

from typing import Any

from django.apps import AppConfig
from django.db import connections
from django.db.models.signals import post_migrate, pre_migrate


class IntegrationsConfig(AppConfig):
    """Projects, and what they are connected to."""

    name = "integrations"

    def ready(self) -> None:
        """Note where members sign in, by whatever door; let migrations take their time."""
        from integrations.entry.sessions import services  # noqa: F401 - registering is the effect

        pre_migrate.connect(_limit_lift, sender=self)
        post_migrate.connect(_limit_restore, sender=self)


def _limit_lift(*, using: str, **_: Any) -> None:
    """Keep the session of a migration, whatever a frozen process is given."""
    _execute(using, "SET idle_in_transaction_session_timeout = 0")


def _limit_restore(*, using: str, **_: Any) -> None:
    _execute(using, "RESET idle_in_transaction_session_timeout")


def _execute(using: str, statement: str) -> None:
    if connections[using].vendor == "postgresql":
        with connections[using].cursor() as cursor:
            cursor.execute(statement)
