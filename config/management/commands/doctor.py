"""Say what is wrong with an installation, and how to mend it."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from config.doctor import Verdict, examine


class Command(BaseCommand):
    """Changes nothing; exits with 1 when there is a problem."""

    help = "Examine settings, stores, keys, clocks and processes; name the cure of each problem."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Print a line for each finding."""
        has_problem = False
        for finding in examine():
            line = f"{finding.verdict.value:<8} {finding.subject}: {finding.text}"
            cure = f" Cure: {finding.cure}" if finding.cure else ""
            self.stdout.write(line + "." * bool(cure) + cure)
            has_problem = has_problem or finding.verdict is Verdict.PROBLEM
        if has_problem:
            sys.exit(1)
