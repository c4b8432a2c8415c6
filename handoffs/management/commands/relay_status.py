"""Print who relays what, and what waits."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from handoffs.relay.status import (
    delivery_oldest,
    handoffs_open_counts,
    handoffs_orphaned,
    workers_status,
)


class Command(BaseCommand):
    """Reads only; all times are by the database's clock."""

    help = "Print the relay workers, their handoffs, and the oldest message not yet delivered."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print workers, open handoffs, orphans and the oldest message, a line each."""
        workers = workers_status()
        for worker in workers:
            state = "alive" if worker.is_alive else "gone"
            age = f"heartbeat {worker.heartbeat_age_seconds:.1f} s ago"
            self.stdout.write(f"worker  {worker.name}  {state}, {age}, {worker.handoffs} handoffs")
        if not workers:
            self.stdout.write("worker  none")
        for (state, connector), number in sorted(handoffs_open_counts().items()):
            if number:
                self.stdout.write(f"open  {state}  {connector or 'no integration'}  {number}")
        self.stdout.write(f"orphaned  {handoffs_orphaned()}")
        oldest = delivery_oldest()
        waiting = f"{oldest.age_seconds:.1f} s  {oldest.handoff_id}" if oldest else "none"
        self.stdout.write(f"oldest undelivered  {waiting}")
