"""Start all of Baton on this machine, with data to try."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.demo.embedded import StoreError
from config.demo.processes import ProcessError
from config.demo.start import DemoError, demo_run
from config.demo.vendors import demo_carriers, demo_vendors


class Command(BaseCommand):
    """Needs no service: what the environment does not give is embedded."""

    help = "Start portal, workers, stores and a simulated vendor, and print where to look."
    # The servers check for themselves when they start.
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the port, and how the launcher calls itself for the data."""
        port = int(os.environ.get("PORT") or 8000)
        parser.add_argument("--port", type=int, default=port, help="of the portal (8000)")
        parser.add_argument(
            "--seed-only", action="store_true", help="make the database and its data, then leave"
        )
        parser.add_argument(
            "--simulators", type=json.loads, help="where the seed connects to: key to URL, as JSON"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run until interrupted."""
        try:
            if options["seed_only"]:
                self._seed(options)
            else:
                demo_run(port=options["port"], write=self._write)
        except (DemoError, StoreError, ProcessError) as error:
            raise CommandError(str(error)) from error

    def _seed(self, options: dict[str, Any]) -> None:
        # Only here: the launcher itself never touches the database.
        from config.demo.seed import demo_seed

        port = options["port"]
        demo_seed(port=port, simulator_urls=options["simulators"] or default_simulator_urls(port))

    def _write(self, line: str) -> None:
        self.stdout.write(line)
        self.stdout.flush()


def default_simulator_urls(port: int) -> dict[str, str]:
    """Return the addresses that the demo gives its simulators when nothing else listens there."""
    keys = [*demo_vendors(), *demo_carriers()]
    return {key: f"http://127.0.0.1:{port + 1 + n}" for n, key in enumerate(keys)}
