"""Write the generated pages and parts of pages anew."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from config.docs.pages import generated_pages


class Command(BaseCommand):
    """Generate what stands between marks in docs/ and on the connectors' pages."""

    help = "Write the generated pages of docs/ anew, or check that they are fresh."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the check."""
        parser.add_argument("--check", action="store_true", help="change nothing, fail if stale")

    def handle(self, *args: Any, **options: Any) -> None:
        """Write or compare each page."""
        stale = []
        for name, text in generated_pages().items():
            path = settings.BASE_DIR / "docs" / name
            if path.exists() and path.read_text(encoding="utf-8") == text:
                continue
            stale.append(name)
            if not options["check"]:
                path.write_text(text, encoding="utf-8")
                self.stdout.write(f"{path.resolve().relative_to(settings.BASE_DIR)} written")
        if stale and options["check"]:
            raise CommandError(f"Stale: {', '.join(stale)}. Run make docs.")
