"""The two people of every journey: an end user in a browser, a live agent at the desk."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.journeys.stack import Stack
from tests.waiting import eventually

PHRASE = "I want to talk to a human"
UTTERANCE = "No problem, I'll transfer you to one of our agents now."


class EndUser:
    """Chats in the widget on the hosted page."""

    def __init__(self, page: Page, stack: Stack, *, url: str = "") -> None:
        self.page = page
        page.goto(url or stack.demo["widget_page"])
        self.open()

    def open(self) -> None:
        """Open the panel unless it is open already."""
        expect(self.by_id("bubble")).to_be_visible()
        if not self.by_id("input").is_visible():
            self.by_id("bubble").click()
        expect(self.by_id("input")).to_be_visible()

    def by_id(self, name: str) -> Locator:
        """Return a part of the widget by its test id."""
        return self.page.get_by_test_id(name)

    def write(self, text: str) -> None:
        """Send a message."""
        self.by_id("input").fill(text)
        self.by_id("input").press("Enter")

    def messages(self, speaker: str) -> Locator:
        """Return the bubbles of one speaker."""
        return self.page.locator(f'[data-testid=message][data-from="{speaker}"]')

    def sees(self, text: str, speaker: str = "live_agent") -> None:
        """Wait until a speaker's bubble holds the text."""
        expect(self.messages(speaker).filter(has_text=text)).to_be_visible()

    def texts(self, speaker: str) -> list[str]:
        """Return what one speaker said, oldest first, without times and ticks."""
        return self.messages(speaker).locator(".text").all_inner_texts()

    def is_in_state(self, state: str) -> None:
        """Wait until the widget says that it is in a state."""
        expect(self.page.locator(f"baton-widget[data-state={state}]")).to_have_count(1)

    def asks_for_a_person(self, phrase: str = PHRASE) -> None:
        """Say the sentence of a vendor and wait in its queue."""
        self.sees("Hello", "ai_agent")
        self.write(phrase)
        self.is_in_state("queued")

    def leaves_a_marker(self) -> str:
        """Say something that nobody else says, by which the live agent's side is found."""
        marker = f"marker {uuid.uuid4().hex[:10]}"
        self.sees("Hello", "ai_agent")
        self.write(marker)
        self.sees(marker, "end_user")
        expect(self.messages("ai_agent")).to_have_count(2)
        return marker


class Desk:
    """The live agent, through the simulator's desk."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/_desk"

    def conversations(self, status: str = "") -> list[dict[str, Any]]:
        """Return the vendor's conversations, newest last."""
        found: list[dict[str, Any]] = self._call("GET", "/conversations")
        return [row for row in found if not status or row["status"] == status]

    def reset(self) -> None:
        """Forget everything."""
        self._call("POST", "/reset", {})

    def fault(self, kind: str, **details: Any) -> None:
        """Make the vendor misbehave."""
        self._call("POST", "/faults", {"kind": kind, **details})

    def config(self, **switches: Any) -> None:
        """Set up the vendor's organisation."""
        self._call("POST", "/config", switches)

    def kinds(self) -> list[str]:
        """Return the kinds of rich content that the vendor can send."""
        found: list[str] = self._call("GET", "/rich")
        return found

    def does(self, conversation_id: str, action: str, **details: Any) -> None:
        """Act as the live agent."""
        self._call("POST", f"/conversations/{conversation_id}/{action}", details)

    def holding(self, marker: str) -> list[dict[str, Any]]:
        """Return the conversations in whose transcript or attributes a marker stands."""
        return [row for row in self.conversations() if marker in json.dumps(row)]

    def accept_newest(self, agent_name: str = "Noor Halvorsen") -> str:
        """Take the newest waiting conversation and return its id."""
        waiting = eventually(lambda: self.conversations("queued"))[-1]
        self.does(waiting["id"], "accept", agent_name=agent_name)
        return str(waiting["id"])

    def said_by_end_user(self, conversation_id: str) -> list[str]:
        """Return what reached the live agent from the end user, the transcript left out."""
        row = next(row for row in self.conversations() if row["id"] == conversation_id)
        texts = [line["text"] for line in row["messages"] if line["from"] == "end_user"]
        return [text for text in texts if not text.startswith("Transcript of")]

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._url + path, data, {"Content-Type": "application/json"}, method=method
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"desk: {error.code} {error.read().decode()[:200]}") from error


def seconds_since(started: float) -> float:
    """Return seconds since a time.monotonic() value."""
    return time.monotonic() - started


def best_seconds(once: Callable[[str], object], text: str, *, wanted: float) -> float:
    """Return how long a text takes: the best of three, for the machine may do something else."""
    took = float("inf")
    for said in (text, f"{text}, again", f"{text}, once more"):
        started = time.monotonic()
        once(said)
        took = min(took, seconds_since(started))
        if took < wanted:
            break
    return took
