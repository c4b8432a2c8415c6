"""Rich content in the widget: drawn, answered once, and readable by everybody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser import ARGUMENTS, find_browser
from tests.conversations.widget_lab import Lab, message, reply

CARDS = [
    {
        "title": name,
        "text": f"{name} is fast: https://shop.example/{name}.",
        "image_url": "/files/1",
        "choices": [
            {"payload": f"k{n}c1", "label": "Choose", "kind": "reply"},
            {
                "payload": f"k{n}c2",
                "label": "More",
                "kind": "link",
                "url": f"https://a.example/{n}",
            },
        ],
    }
    for n, name in enumerate(["Bus", "Train", "Plane", "Ship"], start=1)
]
SLOTS = [
    {"payload": "s1", "starts_at": "2026-12-01T23:30:00Z", "duration_seconds": 1800, "label": ""},
    {"payload": "s2", "starts_at": "2026-12-01T09:00:00+00:00", "duration_seconds": None},
]
FIELDS = [
    {"name": "email", "label": "E-mail", "kind": "email", "is_required": True, "value": ""},
    {"name": "age", "label": "Age", "kind": "number", "is_required": False, "value": ""},
    {"name": "day", "label": "Day", "kind": "date", "is_required": False, "value": ""},
    {
        "name": "topic",
        "label": "Topic",
        "kind": "select",
        "options": [{"payload": "f1o1", "label": "Bill"}, {"payload": "f1o2", "label": "Other"}],
        "is_required": True,
        "value": "",
    },
]
FORM = {"payload": "f1", "title": "About you", "fields": FIELDS}
EVERYTHING: dict[str, Any] = {
    "text": "# Hello\n\n1. **one**\n2. `two`\n\n```\ncode\n```\n[page](https://a.example)",
    "markup": "markdown",
    "choices": [
        reply(1, "Yes", description="As before", image_url="/files/2"),
        {"payload": "c2", "label": "Terms", "kind": "link", "url": "https://a.example/terms"},
        {"payload": "c3", "label": "Call us", "kind": "phone", "url": "tel:+49 30 123"},
    ],
    "cards": CARDS,
    "slots": SLOTS,
    "place": "Main Street 1",
    "form": FORM,
    "unknown": {"kind": "hologram", "url": "https://a.example/hologram"},
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium; gone afterwards, for its event loop disturbs other tests."""
    with sync_playwright() as playwright:
        path = find_browser()
        assert path, "There is no Chromium: run make browser."
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def lab(browser: Browser) -> Iterator[Lab]:
    made = Lab(browser, variant="cedar")
    yield made
    made.context.close()


def choice(page: Page, label: str) -> Any:
    return page.get_by_test_id("choice").filter(has_text=label)


def test_what_draws_more_than_text_may_come_late_and_is_asked_for_again_when_it_did_not_come(lab):
    asked: list[str] = []

    def refuse_at_first(route):
        asked.append(route.request.url)
        route.abort() if len(asked) == 1 else route.fallback()

    lab.context.route("**/made/offering.js*", refuse_at_first)
    choices = [reply(1, "Bus"), reply(2, "Train")]
    lab.offers(text="**Which** one?", markup="markdown", choices=choices)
    page = lab.open()

    expect(page.locator(".markdown strong")).to_have_text("Which")
    page.get_by_role("button", name="Train").click()

    expect(page.get_by_role("button", name="Train")).to_have_attribute("aria-pressed", "true")
    assert [sent["payload"]["answer"]["payload"] for sent in lab.sent("USER_MESSAGE")] == ["c2"]
    assert len(asked) == 2


def test_while_what_draws_more_than_text_is_held_back_the_text_can_be_read(lab):
    held = []
    lab.context.route("**/made/*.js*", lambda route: held.append(route))
    lab.offers(text="**Which** one? a.b@c.example", markup="markdown", choices=[reply(1, "Bus")])
    page = lab.open()

    expect(message(page, "**Which** one?")).to_be_visible()
    expect(page.get_by_role("link", name="a.b@c.example")).to_be_visible()
    for route in held:
        route.fallback()

    expect(page.get_by_role("button", name="Bus")).to_be_visible()
    expect(page.locator(".markdown strong")).to_have_text("Which")


def test_a_plain_conversation_loads_nothing_more(lab: Lab) -> None:
    asked: list[str] = []
    lab.context.on("request", lambda request: asked.append(request.url.rpartition("/")[2]))
    lab.offers(text="Look at https://a.example/page.", choices=[])
    page = lab.open()

    expect(page.get_by_role("link", name="https://a.example/page")).to_be_visible()
    assert [name for name in asked if name.endswith(".js")] == ["widget.js", "bundle.js"]


def test_the_session_names_what_the_widget_can_draw_and_the_variant_of_the_tag(lab: Lab) -> None:
    lab.open()

    assert lab.sessions[0]["extensions"] == ["rich_content", "message_changes"]
    assert lab.sessions[0]["variant_id"] == "cedar"
    assert (lab.sessions[0]["locale"], lab.sessions[0]["is_locale_guessed"]) == ("en", False)
    assert lab.sessions[0]["time_zone"] == "Europe/Berlin"


def test_a_choice_is_answered_once_and_stays_marked_after_a_reload_and_in_a_second_tab(
    lab: Lab,
) -> None:
    lab.echoes()
    first, second = lab.open(), lab.open()
    lab.offers(choices=[reply(1, "Yes"), reply(2, "No")])

    choice(first, "Yes").click()

    for page in (first, second):
        expect(message(page, "Yes").and_(page.locator("[data-from=end_user]"))).to_have_count(1)
        expect(choice(page, "Yes")).to_have_attribute("aria-pressed", "true")
        expect(choice(page, "Yes")).to_be_disabled()
        expect(choice(page, "No")).to_be_disabled()
    first.reload()
    expect(choice(first, "Yes")).to_have_attribute("aria-pressed", "true")
    expect(choice(first, "No")).to_be_disabled()
    expect(choice(first, "No")).not_to_have_attribute("aria-pressed", "true")
    (frame,) = lab.sent("USER_MESSAGE")
    assert frame["payload"] == {"text": "Yes", "answer": {"message_id": "m1", "payload": "c1"}}
    assert frame["metadata"]["custom"]["client_event_id"]


def test_only_the_newest_offer_can_be_taken_and_talk_in_between_leaves_it_open(lab: Lab) -> None:
    page = lab.open()
    lab.offers("m1", choices=[reply(1, "Old")])
    lab.offers("m2", choices=[reply(1, "New")])
    lab.offers("m3", text="Take your time.")

    expect(message(page, "Take your time.")).to_be_visible()
    expect(choice(page, "Old")).to_be_disabled()
    expect(choice(page, "New")).to_be_enabled()
    lab.says("POLY_AGENT_JOINED", {"agent_name": "Birch"})
    expect(choice(page, "New")).to_be_disabled()


def test_a_choice_pressed_without_a_network_is_sent_once_when_it_is_back(lab: Lab) -> None:
    page = lab.open()
    lab.offers(choices=[reply(1, "Yes"), reply(2, "No")])
    expect(choice(page, "Yes")).to_be_visible()
    lab.loses_the_network()
    expect(page.get_by_test_id("banner")).to_contain_text("Reconnecting")

    choice(page, "Yes").click()
    expect(choice(page, "Yes")).to_have_attribute("aria-pressed", "true")
    expect(choice(page, "No")).to_be_disabled()
    assert lab.sent("USER_MESSAGE") == []
    lab.echoes()
    lab.finds_the_network()

    expect(message(page, "Yes").last).to_have_attribute("data-status", "sent", timeout=15_000)
    (frame,) = lab.sent("USER_MESSAGE")
    assert frame["payload"]["answer"] == {"message_id": "m1", "payload": "c1"}


def test_an_answer_that_comes_too_late_leaves_one_quiet_line_and_no_message(lab: Lab) -> None:
    lab.refuses("choice_closed")
    page = lab.open()
    lab.offers(choices=[reply(1, "Yes"), reply(2, "No")])

    choice(page, "Yes").click()

    expect(page.get_by_text("This can no longer be chosen.")).to_be_visible()
    expect(page.locator("[data-from=end_user]")).to_have_count(0)
    expect(choice(page, "Yes")).to_be_disabled()
    expect(choice(page, "Yes")).not_to_have_attribute("aria-pressed", "true")
    expect(page.get_by_test_id("retry")).to_have_count(0)


def test_after_an_answer_the_keyboard_is_in_the_field(lab: Lab) -> None:
    lab.echoes()
    page = lab.open()
    lab.offers(choices=[reply(1, "Yes")])

    choice(page, "Yes").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_test_id("input")).to_be_focused()


def test_pages_open_in_a_new_tab_and_numbers_are_dialled(lab: Lab) -> None:
    page = lab.open()
    lab.offers(choices=EVERYTHING["choices"])

    terms = page.get_by_role("link", name="Terms")
    expect(terms).to_have_attribute("href", "https://a.example/terms")
    expect(terms).to_have_attribute("target", "_blank")
    expect(terms).to_have_attribute("rel", "noopener noreferrer")
    expect(page.get_by_role("link", name="Call us")).to_have_attribute("href", "tel:+4930123")


def test_a_link_of_another_scheme_is_no_link(lab: Lab) -> None:
    page = lab.open()
    bad = {"payload": "c1", "label": "Press", "kind": "link", "url": "javascript:alert(1)"}
    lab.offers(text="[x](javascript:alert(1))", markup="markdown", choices=[bad])

    expect(message(page, "Press")).to_be_visible()
    expect(page.locator("baton-widget a")).to_have_count(0)


def test_cards_are_moved_by_keys_and_buttons_and_let_the_keyboard_through(lab: Lab) -> None:
    page = lab.open()
    lab.offers(cards=CARDS)
    row = page.get_by_test_id("cards")
    expect(row.get_by_role("listitem")).to_have_count(4)
    expect(row.locator("img")).to_have_count(4)
    assert row.locator("img").first.get_attribute("src") == "/files/1"

    row.focus()
    page.keyboard.press("ArrowRight")
    expect(row).not_to_have_js_property("scrollLeft", 0)
    expect(page.get_by_test_id("card-before")).to_have_attribute("aria-disabled", "false")
    for _ in CARDS:
        page.get_by_test_id("card-after").dispatch_event("click")
    expect(page.get_by_test_id("card-after")).to_have_attribute("aria-disabled", "true")
    expect(row.get_by_role("listitem").last).to_be_in_viewport(ratio=0.9)
    row.focus()
    stops = _tab_stops_until_the_field(page)
    # Each card has its link in the text, its choice and its page; then come the two arrows.
    assert stops == 4 * 3 + 2


def _tab_stops_until_the_field(page: Page) -> int:
    field = page.get_by_test_id("input")
    for count in range(40):
        page.keyboard.press("Tab")
        if field.evaluate("(one) => one.getRootNode().activeElement === one"):
            return count
    raise AssertionError("the keyboard is trapped")


def test_a_picture_comes_from_the_portal_alone(lab: Lab) -> None:
    page = lab.open()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    lab.offers(cards=[{"title": "Bus", "image_url": "https://elsewhere.example/bus.png"}])

    expect(message(page, "Bus")).to_be_visible()
    expect(page.locator("baton-widget img")).to_have_count(0)
    assert [url for url in asked if "elsewhere" in url] == []


def test_times_are_shown_by_day_in_the_end_users_zone_which_is_named(lab: Lab) -> None:
    lab.echoes()
    page = lab.open()
    lab.offers(slots=SLOTS, place="Main Street 1")
    slots = page.get_by_test_id("slots")

    expect(slots.locator("summary")).to_have_text(["Tuesday, December 1", "Wednesday, December 2"])
    expect(slots).to_contain_text("Times in Central European Standard Time")
    expect(slots).to_contain_text("Main Street 1")
    expect(page.get_by_test_id("choice").first).to_have_text("10:00 AM")
    late = choice(page, "12:30")
    expect(late).to_contain_text("1:00")
    late.click()

    expect(late).to_have_attribute("aria-pressed", "true")
    (frame,) = lab.sent("USER_MESSAGE")
    assert frame["payload"]["answer"] == {"message_id": "m1", "payload": "s1"}
    assert "Wednesday, December 2" in frame["payload"]["text"]


def test_a_form_says_at_its_fields_what_is_wrong_and_is_sent_once(lab: Lab) -> None:
    lab.echoes()
    page = lab.open()
    lab.offers(form=FORM)
    send, email = page.get_by_test_id("form-send"), page.get_by_label("E-mail")

    send.click()
    expect(email).to_be_focused()
    expect(email).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("Please fill this in.")).to_have_count(2)
    email.fill("nobody")
    page.get_by_label("Topic").select_option("Other")
    send.click()
    expect(page.get_by_text("Write an e-mail address")).to_be_visible()
    assert lab.sent("USER_MESSAGE") == []
    email.fill("ida@example.com")
    email.press("Enter")

    expect(page.get_by_test_id("form-state")).to_have_text("Your answers were sent.")
    expect(email).to_be_hidden()
    (frame,) = lab.sent("USER_MESSAGE")
    assert frame["payload"]["text"] == "E-mail: ida@example.com\nTopic: Other"
    assert frame["payload"]["answer"] == {
        "message_id": "m1",
        "payload": "f1",
        "values": {"email": "ida@example.com", "topic": "f1o2"},
    }
    page.reload()
    expect(page.get_by_test_id("form-state")).to_have_text("Your answers were sent.")


def test_what_cannot_be_drawn_is_told_in_one_sentence_with_its_link(lab: Lab) -> None:
    page = lab.open()
    lab.offers(text="", unknown=EVERYTHING["unknown"])

    expect(page.get_by_test_id("unknown")).to_contain_text("cannot be shown here")
    expect(page.get_by_role("link", name="Open it")).to_have_attribute(
        "href", "https://a.example/hologram"
    )


def test_an_empty_message_makes_no_line(lab: Lab) -> None:
    page = lab.open()
    lab.offers("m1", text="")
    lab.says("LIVE_AGENT_MESSAGE", {"message_id": "m2", "agent_id": "a1", "text": ""})
    lab.offers("m3", text="Hello")

    expect(message(page, "Hello")).to_be_visible()
    expect(page.locator("[data-from=live_agent]")).to_have_count(1)


def test_while_the_vendors_bot_talks_nobody_is_waited_for(lab: Lab) -> None:
    del lab.journal[-1]  # nobody has joined yet
    page = lab.context.new_page()
    page.goto("http://portal.test/")
    banner = page.get_by_test_id("banner")
    expect(banner).to_contain_text("Waiting")

    lab.offers(
        by="vendor_bot", text="I am Pico.\nhttps://bot.example/help", choices=[reply(1, "Go")]
    )

    line = message(page, "I am Pico.")
    expect(line).to_have_attribute("data-from", "vendor_bot")
    expect(line.locator(".name")).to_have_text("Pico")
    expect(line.locator(".text")).to_have_text(
        "I am Pico.\nhttps://bot.example/help", use_inner_text=True
    )
    expect(line.get_by_role("link")).to_have_attribute("href", "https://bot.example/help")
    expect(banner).to_be_hidden()
    expect(page.get_by_test_id("input")).to_be_enabled()
    expect(page.locator("header")).to_contain_text("Pico")
    expect(choice(page, "Go")).to_be_enabled()
    lab.tells("HANDOFF_QUEUE_STATUS", {"position_in_queue": 2})
    expect(banner).to_contain_text("number 2")


def test_a_notice_keeps_its_lines_and_its_links(lab: Lab) -> None:
    page = lab.open()
    lab.says("SYSTEM_MESSAGE", {"message": "Closed today.\nSee https://a.example/(hours)."})

    line = message(page, "Closed today.")
    expect(line).to_have_text("Closed today.\nSee https://a.example/(hours).", use_inner_text=True)
    expect(line.get_by_role("link")).to_have_text("https://a.example/(hours)")


def test_an_edited_message_says_so_and_a_deleted_one_is_gone(lab: Lab) -> None:
    page = lab.open()
    lab.offers("m1", text="It costs 5.")
    lab.offers("m2", text="Wrong", choices=[reply(1, "Yes")])
    expect(choice(page, "Yes")).to_be_enabled()

    lab.says(
        "LIVE_AGENT_MESSAGE_CHANGED",
        {"message_id": "m1", "text": "It costs 6.", "is_deleted": False},
    )
    lab.says("LIVE_AGENT_MESSAGE_CHANGED", {"message_id": "m2", "text": "", "is_deleted": True})

    expect(message(page, "It costs 6.")).to_contain_text("edited")
    expect(message(page, "It costs 5.")).to_have_count(0)
    expect(message(page, "This message was deleted.")).to_be_visible()
    expect(message(page, "Wrong")).to_have_count(0)
    expect(choice(page, "Yes")).to_have_count(0)


def test_an_idle_warning_counts_down_until_the_end_user_writes(lab: Lab) -> None:
    lab.echoes()
    page = lab.open()
    clock, banner = page.get_by_test_id("seconds-left"), page.get_by_test_id("banner")

    lab.tells("SESSION_IDLE_WARNING", {"seconds_left": 60, "message": "Are you there?"})
    expect(banner).to_contain_text("Are you there?")
    expect(clock).to_have_text("60 sec")
    expect(clock).to_have_text("58 sec")
    page.get_by_test_id("input").fill("Yes")
    page.get_by_test_id("input").press("Enter")

    expect(banner).to_be_hidden()
    lab.tells("SESSION_IDLE_WARNING", {"message": "Are you there?"})
    expect(banner).to_contain_text("Are you there?")
    expect(clock).to_be_hidden()


def test_a_message_given_up_is_tried_again_once_for_one_press_of_the_keyboard(lab: Lab) -> None:
    page = lab.open()
    lab.says("USER_MESSAGE", {"message_id": "u1", "text": "Where is it?"}, client_event_id="x1")
    failed = {"code": "handoff_forward_failed", "message_id": "u1", "level": "W", "message": "No."}
    lab.says("SYSTEM_MESSAGE", failed)
    line, again = message(page, "Where is it?"), page.get_by_test_id("retry")
    expect(line).to_contain_text("Not delivered")

    again.focus()
    lab.says("LIVE_AGENT_TYPING", {"state": "TYPING_STATE_STARTED"})
    expect(page.get_by_test_id("typing")).to_be_visible()
    expect(again).to_be_focused()
    page.keyboard.press("Enter")
    expect(line).to_have_attribute("data-status", "sending")
    expect(page.get_by_test_id("input")).to_be_focused()
    expect(again).to_have_count(0)
    (frame,) = lab.sent("USER_RETRY_MESSAGE")
    assert frame["payload"] == {"message_id": "u1"}

    lab.says("USER_RETRY_MESSAGE", {"message_id": "u1"}, **frame["metadata"]["custom"])
    lab.says("LIVE_AGENT_RECEIVED_MESSAGE", {"message_id": "u1"})
    expect(line).to_have_attribute("data-status", "delivered")
    lab.says("SYSTEM_MESSAGE", failed)
    expect(line).to_contain_text("Not delivered")
    lab.refuses("event_not_allowed")
    again.click()
    expect(page.get_by_text("No.", exact=True)).to_be_visible()
    expect(line).to_have_attribute("data-status", "failed")
    lab.says("HANDOFF_FAILED", {"message": "Nobody is there."})
    expect(message(page, "Nobody is there.")).to_be_visible()
    expect(again).to_have_count(0)


MARKDOWN = [
    (
        "**strong** and *slanted* and __so__ _on_",
        "strong and slanted and so on",
        ["strong", "em", "strong", "em"],
    ),
    ("***both***", "both", ["em", "strong"]),
    ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name", []),
    ("**重要。**です", "重要。です", ["strong"]),
    ("`a*b*` and \\*no\\*", "a*b* and *no*", ["code"]),
    ("**open and *mixed** up*", "open and *mixed up*", ["strong"]),
    ("<b>x</b> &amp; <script>1</script>", "<b>x</b> & <script>1</script>", []),
    ("https://a.example/_x_/*y*", "https://a.example/_x_/*y", ["a"]),
]


@pytest.mark.parametrize(("source", "shown", "elements"), MARKDOWN)
def test_markdown_is_a_safe_subset(lab: Lab, source: str, shown: str, elements: list[str]) -> None:
    page = lab.open()
    lab.offers(text=source, markup="markdown")
    text = page.locator("[data-from=live_agent] .markdown")

    expect(text).to_be_visible()
    if elements:
        assert sorted(
            text.locator("strong, em, code, a").evaluate_all(
                "(all) => all.map((one) => one.localName)"
            )
        ) == sorted(elements)
    if "https" not in source:
        assert text.inner_text() == shown
    assert text.locator("b, script").count() == 0


PHONE = {"viewport": {"width": 390, "height": 844}}
LOOKS: dict[str, tuple[str, dict[str, Any]]] = {
    "light": ("en", {}),
    "dark phone": ("de", {**PHONE, "color_scheme": "dark"}),
    "right to left on a phone": ("ar", PHONE),
    "high contrast": ("en", {"forced_colors": "active"}),
}
RULES = {
    "resultTypes": ["violations"],
    "rules": {name: {"enabled": True} for name in ("target-size", "label-content-name-mismatch")},
}


@pytest.mark.parametrize("look", LOOKS)
def test_everything_is_free_of_violations_and_fits_its_panel(browser: Browser, look: str) -> None:
    locale, options = LOOKS[look]
    lab = Lab(browser, locale=locale, **options)
    lab.echoes()
    page = lab.open()
    lab.offers("m1", choices=[reply(1, "Yes"), reply(2, "No")])
    choice(page, "Yes").click()
    lab.offers("m2", **EVERYTHING)
    lab.offers("m3", by="vendor_bot", **EVERYTHING)
    lab.tells("SESSION_IDLE_WARNING", {"seconds_left": 60, "message": "Are you there?"})
    buttons = page.get_by_test_id("form-send")
    expect(buttons).to_have_count(2)
    buttons.last.click()
    expect(page.get_by_label("E-mail").last).to_be_focused()

    found = Axe().run(page, options=RULES).response["violations"]
    overflow = page.get_by_test_id("log").evaluate("(log) => log.scrollWidth - log.clientWidth")
    lab.context.close()

    assert [(rule["id"], rule["nodes"][0]["failureSummary"]) for rule in found] == []
    assert overflow == 0


def test_a_screen_reader_hears_a_message_once_and_not_again_when_it_is_answered(lab: Lab) -> None:
    lab.echoes()
    page = lab.open()
    page.get_by_test_id("log").evaluate(
        """(log) => {
          window.heard = [];
          const isNew = ({ type, oldValue, target }) =>
            type === "childList" || oldValue !== target.getAttribute("aria-busy");
          const lineOf = (node) =>
            (node.closest ? node : node.parentElement)?.closest("[aria-busy]");
          new MutationObserver((changes) => {
            const nodes = changes.filter(isNew).flatMap((one) => [one.target, ...one.addedNodes]);
            const lines = new Set(nodes.map(lineOf).filter((line) => line?.ariaBusy === "false"));
            window.heard.push(...[...lines].map((line) => line.textContent));
          }).observe(log, { childList: true, subtree: true,
            attributeFilter: ["aria-busy"], attributeOldValue: true });
        }"""
    )

    lab.offers(cards=CARDS)
    expect(choice(page, "Choose")).to_have_count(4)
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    heard = page.evaluate("window.heard.splice(0)")
    assert [text.count("Train is fast") for text in heard] == [1]
    choice(page, "Choose").first.click()
    expect(message(page, "Choose").last).to_have_attribute("data-status", "sent")
    assert not [text for text in page.evaluate("window.heard") if "Train" in text]


def test_the_ai_agents_text_grows_until_the_journals_line_takes_its_place(lab: Lab) -> None:
    page = lab.open()
    for number, piece in enumerate(["Your order ", "is here."], start=1):
        grown = {"message_id": "m9", "text": piece, "chunk_index": number}
        lab.tells("POLY_AGENT_MESSAGE_CHUNK", {**grown, "is_complete": number == 2})
    # Who has missed the beginning draws nothing of it.
    late = {"message_id": "m8", "text": "never seen", "chunk_index": 2, "is_complete": False}
    lab.tells("POLY_AGENT_MESSAGE_CHUNK", late)

    line = message(page, "Your order is here.")
    expect(line).to_have_count(1)
    expect(line).to_have_attribute("aria-busy", "true")
    lab.says("POLY_AGENT_MESSAGE", {"message_id": "m9", "text": "Your order is here."})
    expect(line).to_have_attribute("aria-busy", "false")
    expect(line).to_have_count(1)
    expect(message(page, "never seen")).to_have_count(0)

    half = {"message_id": "m10", "text": "I was about", "chunk_index": 1, "is_complete": False}
    lab.tells("POLY_AGENT_MESSAGE_CHUNK", half)
    expect(message(page, "I was about")).to_have_count(1)
    lab.says("POLY_AGENT_MESSAGE", {"message_id": "m11", "text": "It failed."})
    expect(message(page, "I was about")).to_have_count(0)
