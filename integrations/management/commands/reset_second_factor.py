"""Take a lost second factor away."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from integrations.entry.second_factor.services import factors_reset
from integrations.entry.sessions.services import sessions_end_all


class Command(BaseCommand):
    """Signs the user out everywhere, too."""

    help = "Take a user's lost second factor away: reset_second_factor mira"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Ask for the user."""
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what was done; the audit names Baton itself."""
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']}.")
        if not factors_reset(user=user, actor=None):
            raise CommandError(f"{user.username} has no second factor.")
        sessions_end_all(user=user, actor=None)
        self.stdout.write(f"{user.username} signs in with the password alone.")
