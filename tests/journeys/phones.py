"""The end user of a text-message journey: a phone at the simulated carrier."""

from __future__ import annotations

import itertools
import json
import os
import urllib.request
from typing import Any
from urllib.parse import quote

from tests.journeys.stack import Stack
from tests.waiting import eventually

_NUMBERS = itertools.count(int.from_bytes(os.urandom(2), "big"))


class Phone:
    """A phone with a number of its own."""

    def __init__(self, stack: Stack) -> None:
        self.carrier = stack.demo["simulators"]["twilio"]["url"]
        self.number = f"+1555{next(_NUMBERS):07d}"

    def texts(self, text: str, **more: Any) -> None:
        """Send a text."""
        self.call(f"phones/{quote(self.number)}/send", {"text": text, **more})

    def received(self) -> list[str]:
        """What stands on it from others, oldest first."""
        answer = self.call(f"phones/{quote(self.number)}")
        return [one["text"] for one in answer["messages"] if one["from"] != "phone"]

    def reads(self, text: str) -> list[str]:
        """Wait until a text is there, once, and return all that are."""
        eventually(lambda: any(text in one for one in self.received()))
        found = self.received()
        assert sum(text in one for one in found) == 1, found
        return found

    def fault(self, kind: str, **fields: Any) -> None:
        """Let something go wrong at the carrier."""
        self.call("faults", {"kind": kind, **fields})

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Call the carrier's own desk."""
        request = urllib.request.Request(
            f"{self.carrier}/_desk/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=15) as answer:
            return json.loads(answer.read())
