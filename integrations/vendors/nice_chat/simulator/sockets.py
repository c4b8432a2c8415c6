"""The open sockets of the pretend gateway, and how a push reaches them."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from integrations.simulators.event_faults import EventFaults
from integrations.simulators.event_streams import EventStream


@dataclass(slots=True, kw_only=True, eq=False)
class GuestSocket(EventStream):
    """One open socket of a customer; what it has to say waits in its outbox."""

    customer_id: str = ""
    # Pushes are for who has said who it is: by token, or by AuthorizeCustomer.
    is_authorized: bool = False
    close_code: int = 1000
    outbox: list[str] = field(default_factory=list)

    def send(self, frame: str) -> None:
        """Say something."""
        self.outbox.append(frame)
        self.notify()

    def shut(self, code: int, *, is_cut: bool = False) -> None:
        """Close with a code."""
        self.close_code = code
        self.close(is_cut=is_cut)


class Sockets:
    """All open sockets; every customer's pushes are a lane of their own."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._open: list[GuestSocket] = []
        self.faults: EventFaults[str] = EventFaults()

    def add(self, socket: GuestSocket) -> None:
        """Have one more."""
        with self._lock:
            self._open.append(socket)

    def remove(self, socket: GuestSocket) -> None:
        """Have one less."""
        with self._lock:
            self._open.remove(socket)

    def all(self) -> list[GuestSocket]:
        """Return what is open."""
        with self._lock:
            return list(self._open)

    def push(self, customer_id: str, frame: Mapping[str, Any]) -> None:
        """Send a frame to a customer's sockets, with the planned repeats, swaps and losses."""
        with self._lock:
            label = str(frame.get("eventType", ""))
            for one in self.faults.arriving(json.dumps(frame), label=label, lane=customer_id):
                self.push_text(customer_id, one)

    def push_text(self, customer_id: str, text: str) -> None:
        """Send whatever it is."""
        for socket in self.all():
            if socket.customer_id == customer_id and socket.is_authorized:
                socket.send(text)
