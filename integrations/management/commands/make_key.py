"""Print a new key for BATON_ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from cryptography.fernet import Fernet
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    """Make one encryption key."""

    help = "Print a new key for BATON_ENCRYPTION_KEYS; it is stored nowhere."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the key alone, so that it can be piped."""
        self.stdout.write(Fernet.generate_key().decode())
