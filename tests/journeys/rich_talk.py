"""An end user with a vendor's live agent who sends rich content."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.journeys.people import Desk, EndUser
from tests.journeys.stack import Stack
from tests.waiting import eventually

AGENT = "Noor Halvorsen"
ANSWER_SECONDS = 15
# What a vendor may send and nobody can draw, as it is documented nowhere or encrypted: the end user
# is told so.
UNDRAWABLE = {("genesys", "form"), ("webex", "encrypted_file")}
# Whose documentation has nothing that an end user can choose from.
WITHOUT_CHOICES = {"webex"}
# Where the vendor takes no structured answer, what was taken goes as a text.
ANSWERED_AS_TEXT = {
    ("salesforce_messaging", "action_buttons"),
    ("genesys", "list_picker"),
    ("zendesk", "form"),
    ("nice_chat", "slots"),
    ("nice_chat", "form"),
}


class Talk:
    """An end user with a vendor's live agent who has accepted."""

    def __init__(self, key: str, page: Page, stack: Stack) -> None:
        self.key = key
        self.page = page
        self.end_user = EndUser(page, stack)
        self.desk = Desk(stack.simulator_urls[key])
        self.desk.reset()
        self.end_user.sees("Hello", "ai_agent")
        self.end_user.write(stack.demo["simulators"][key]["phrase"])
        self.chat = self.desk.accept_newest(AGENT)
        self.end_user.is_in_state("live")

    @property
    def said(self) -> Locator:
        """What the vendor's side has said so far, whoever said it."""
        return self.page.locator(
            "[data-testid=message]:is([data-from=live_agent], [data-from=vendor_bot])"
        )

    def receives(self, kind: str) -> Locator:
        """Have the vendor send a kind, and return the first line that it makes in the widget."""
        before = self.said.count()
        self.desk.does(self.chat, "rich", kind=kind)
        line = self.said.nth(before)
        expect(line, f"{kind} is not drawn").to_be_visible()
        if (self.key, kind) in UNDRAWABLE:
            expect(line.get_by_test_id("unknown")).to_contain_text("cannot be shown here")
        else:
            is_drawn(kind, line)
        return line

    def newest_offer(self) -> Locator:
        """Return what can be answered now."""
        return self.page.locator("[data-testid=offer][data-open=true]")

    def answers(self) -> list[dict[str, Any]]:
        """Return the structured answers that the vendor has received."""
        row = next(row for row in self.desk.conversations() if row["id"] == self.chat)
        return [line["answer"] for line in row["messages"] if line.get("answer")]

    def answered(self, kind: str, label: str, how: str, *, give: Callable[[], None]) -> None:
        """Give an answer, and wait until the vendor has one more, of that label."""
        if (self.key, kind) in ANSWERED_AS_TEXT:
            said = len(self.desk.said_by_end_user(self.chat))
            give()
            eventually(lambda: self.desk.said_by_end_user(self.chat)[said:])
            return
        before = len(self.answers())
        give()
        try:
            eventually(lambda: self.answers()[before:], seconds=ANSWER_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{kind} {how}: the vendor has no structured answer") from error
        (answer,) = self.answers()[before:]
        assert answer["label"], kind
        assert _plain(label) in _plain(answer["label"]), f"{kind} {how}: {answer}"
        assert len(answer) > 1, f"{kind} {how}: nothing of the vendor's own in {answer}"
        expect(self.newest_offer()).to_have_count(0)


def is_drawn(kind: str, line: Locator) -> None:
    """Check that a line holds what its kind is made of, and nothing of its plumbing."""
    if kind == "choices":
        expect(line.get_by_test_id("choice").first).to_be_enabled()
    elif kind == "cards":
        expect(line.get_by_test_id("cards").get_by_role("listitem").first).to_be_visible()
    elif kind == "slots":
        expect(line.get_by_test_id("slots")).to_contain_text("Central European")
    elif kind == "form":
        expect(line.get_by_test_id("form").locator("label").first).to_be_visible()
    elif kind == "markdown":
        expect(line.locator(".markdown :is(strong, em, li, a)").first).to_be_visible()
        assert "**" not in line.inner_text()
    elif kind == "image":
        expect(line.locator("img").first).to_have_js_property("complete", True)
        expect(line.locator("img").first).not_to_have_js_property("naturalWidth", 0)
    assert line.inner_text().strip()
    assert not re.search(r"[{}]|undefined|\[object", line.inner_text())


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
