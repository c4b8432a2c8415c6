"""What is around a conversation in the widget: looks, consent, questions, and the survey."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.conversations.widget_lab import ORIGIN, Lab

# Three sizes, two directions.
PLACES: list[dict[str, Any]] = [
    {"viewport": {"width": 1280, "height": 800}},
    {"viewport": {"width": 768, "height": 900}, "locale": "ar", "color_scheme": "dark"},
    {"viewport": {"width": 390, "height": 844}},
    {"viewport": {"width": 390, "height": 844}, "locale": "ar"},
]
BRAND = {
    "title": "Birch Outfitters",
    "accent": "#f5c518",
    "header": "#123524",
    "avatar_url": f"{ORIGIN}/files/avatar",
    "header_image_url": f"{ORIGIN}/files/header",
    "welcome": "We answer within minutes.",
    "launcher": "Ask us",
    "place": {"corner": "start", "x": 40, "y": 30},
}
BEFORE = {
    "consent": {
        "version": 3,
        "text": "We keep what you write for 30 days.",
        "links": [{"label": "Privacy", "url": "https://shop.example/privacy"}],
    },
    "fields": [
        {"name": "email", "label": "E-mail", "kind": "email", "is_required": True},
        {
            "name": "topic",
            "label": "About",
            "kind": "select",
            "options": [{"payload": "Order", "label": "Order"}],
        },
    ],
}
SURVEY = {
    "title": "How did it go?",
    "question": "How do you rate the live agent?",
    "questions": [
        {"subject": "bot", "question": "How do you rate the AI agent?"},
        {"subject": "live_agent", "question": "How do you rate the live agent?"},
    ],
    "subject": "both",
    "scale": 5,
    "asks_comment": True,
    "deadline_seconds": 600,
}


def ended(lab: Lab, page: Page) -> None:
    lab.says("SHOW_CSAT_REQUEST", SURVEY)
    lab.says("SESSION_END", {"reason": "REASON_NATURAL_END"})
    expect(page.get_by_test_id("survey")).to_be_visible()


def test_nothing_is_asked_of_the_portal_before_consent_and_answers(lab: Lab) -> None:
    lab.look = {"before": BEFORE}
    page = lab.visit()
    expect(page.get_by_test_id("before")).to_be_visible()

    expect(page.get_by_test_id("input")).to_be_hidden()
    page.get_by_test_id("agree").click()
    expect(page.get_by_text("Please fill this in.")).to_be_visible()
    asked_before = (lab.tokens, list(lab.sessions))
    page.get_by_label("E-mail").fill("ann@example.com")
    page.get_by_label("About").select_option("Order")
    page.get_by_test_id("agree").click()
    expect(page.locator("baton-widget[data-state=live]")).to_have_count(1)
    expect(page.get_by_test_id("input")).to_be_visible()

    assert asked_before == (0, [])
    assert lab.sessions[0]["consent"] == {"version": 3}
    assert lab.sessions[0]["form"] == {"email": "ann@example.com", "topic": "Order"}
    page.reload()
    expect(page.get_by_test_id("input")).to_be_visible()
    assert len(lab.sessions) == 1


def test_an_answer_that_the_portal_refuses_is_told_at_its_field_and_none_is_lost(lab: Lab) -> None:
    lab.look = {"before": BEFORE}
    lab.refused_once = "form.email must be an e-mail address."
    page = lab.visit()
    page.get_by_label("E-mail").fill("ann@localhost")
    page.get_by_label("About").select_option("Order")
    page.get_by_test_id("agree").click()

    expect(page.get_by_text("Write an e-mail address such as")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_value("ann@localhost")
    expect(page.get_by_label("E-mail")).to_be_focused()
    expect(page.get_by_label("About")).to_have_value("Order")
    page.get_by_label("E-mail").fill("ann@example.com")
    page.get_by_test_id("agree").click()

    expect(page.locator("baton-widget[data-state=live]")).to_have_count(1)
    assert [one["form"]["email"] for one in lab.sessions] == ["ann@localhost", "ann@example.com"]


@pytest.mark.parametrize(
    ("number", "is_taken"),
    [("12", False), ("n/a", False), ("+49 (30) 123-45/67 ext. 8", True), ("٠٣٠١٢٣٤", True)],
)
def test_a_phone_number_is_one_as_the_portal_judges_it(
    lab: Lab, number: str, is_taken: bool
) -> None:
    lab.look = {"before": {"fields": [{"name": "phone", "label": "Phone", "kind": "phone"}]}}
    page = lab.visit()

    page.get_by_label("Phone").fill(number)
    page.get_by_test_id("agree").click()

    told = page.get_by_text("Write a phone number.")
    expect(told).to_be_visible() if not is_taken else expect(told).to_be_hidden()
    if is_taken:
        expect(page.locator("baton-widget[data-state=live]")).to_have_count(1)
    assert len(lab.sessions) == is_taken


def test_whoever_does_not_agree_closes_the_widget_and_nothing_began(lab: Lab) -> None:
    lab.look = {"before": {"consent": BEFORE["consent"]}}
    page = lab.visit()

    page.get_by_test_id("disagree").click()

    expect(page.get_by_test_id("panel")).to_be_hidden()
    assert (lab.tokens, lab.sessions) == (0, [])


def test_a_new_chat_asks_again(lab: Lab) -> None:
    lab.look = {"before": {"consent": BEFORE["consent"]}}
    page = lab.visit()
    page.get_by_test_id("agree").click()
    expect(page.locator("baton-widget[data-state=live]")).to_have_count(1)
    lab.says("SESSION_END", {"reason": "REASON_NATURAL_END"})

    page.get_by_test_id("new-chat").click()

    expect(page.get_by_test_id("before")).to_be_visible()
    assert len(lab.sessions) == 1


def test_stars_and_a_comment_go_to_the_portal_by_keyboard_too(lab: Lab) -> None:
    page = lab.open()
    ended(lab, page)

    page.get_by_test_id("survey-send").click()
    expect(page.get_by_text("Choose a number of stars, or skip.")).to_be_visible()
    page.get_by_test_id("bot-2").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("radio", name="5 of 5 stars").nth(1).check()
    page.get_by_test_id("survey-comment").fill("Quick.")
    page.get_by_test_id("survey-send").click()
    expect(page.get_by_test_id("survey-thanks")).to_have_text("Thank you for your rating.")

    assert lab.ratings == [{"scores": {"bot": 3, "live_agent": 5}, "comment": "Quick."}]


def test_a_survey_can_be_skipped_and_is_not_asked_again_after_a_reload(lab: Lab) -> None:
    page = lab.open()
    ended(lab, page)
    page.reload()
    expect(page.get_by_test_id("survey")).to_be_visible()

    page.get_by_test_id("survey-skip").click()
    expect(page.get_by_test_id("survey-thanks")).to_have_text("Skipped.")
    page.reload()

    expect(page.get_by_test_id("survey")).to_have_count(1)
    expect(page.get_by_test_id("survey")).to_be_hidden()
    assert lab.ratings == [{}]


def test_a_survey_goes_at_its_deadline(lab: Lab) -> None:
    page = lab.open()
    ended(lab, page)
    page.clock.install()
    page.reload()
    expect(page.get_by_test_id("survey")).to_be_visible()

    page.clock.fast_forward(601_000)

    expect(page.get_by_test_id("survey-send")).to_be_hidden()
    assert lab.ratings == []


def test_the_widget_looks_as_the_brand_says(lab: Lab) -> None:
    lab.look = BRAND
    page = lab.open()

    expect(page.get_by_text("We answer within minutes.")).to_be_visible()
    assert page.locator("header .mark img").count() == 0  # a person speaks now
    header = page.locator("baton-widget header").first
    expect(header).to_have_css("background-color", "rgb(18, 53, 36)")
    expect(page.locator(f'img[src="{BRAND["header_image_url"]}"]')).to_be_visible()
    page.get_by_test_id("close").click()
    bubble = page.get_by_test_id("bubble")
    expect(bubble).to_contain_text("Ask us")
    box = bubble.bounding_box()
    assert box is not None
    assert (round(box["x"]), round(box["y"] + box["height"])) == (40, 690)


def test_a_change_of_language_changes_the_words_and_keeps_what_was_typed(lab: Lab) -> None:
    page = lab.open()
    page.get_by_test_id("input").fill("Ein Entwurf")

    lab.says("LANGUAGE_CHANGED", {"language_code": "de"})

    field = page.get_by_placeholder("Nachricht schreiben…")
    expect(field).to_have_value("Ein Entwurf")
    expect(page.locator("baton-widget")).to_have_count(1)


def test_a_new_chat_goes_on_in_the_language_that_the_last_one_changed_to(lab: Lab) -> None:
    page = lab.open()
    lab.says("LANGUAGE_CHANGED", {"language_code": "de"})
    expect(page.get_by_placeholder("Nachricht schreiben…")).to_be_visible()
    lab.says("SESSION_END", {"reason": "REASON_NATURAL_END"})

    with page.expect_request("**/api/v1/sessions") as asked:
        page.get_by_test_id("new-chat").click()

    assert asked.value.post_data_json["locale"] == "de"


def test_the_portals_own_words_are_said(lab: Lab) -> None:
    lab.look = {"words": {"write": "Your question"}}

    page = lab.open()

    expect(page.get_by_placeholder("Your question")).to_be_visible()


VOUCH = """(token) => HandoffChat.onReady((chat) => {
  window.asked = [];
  chat.onContextRequired((session) => { asked.push(session); return token; });
})"""


def test_the_page_vouches_for_the_end_user_and_may_do_so_again(lab: Lab) -> None:
    lab.journal[0]["payload"]["context_id"] = "c1"
    page = lab.open()

    page.evaluate(VOUCH, "header.body.sign")
    expect(page.locator("baton-widget")).to_have_count(1)
    page.wait_for_function("asked.length === 1")
    again = page.evaluate("HandoffChat.refreshVerifiedContext()")

    assert page.evaluate("asked")[0] == {"sessionId": "s1", "contextId": "c1"}
    assert again == "verified"
    assert lab.vouched == ["header.body.sign"] * 2


def test_the_page_may_call_attention_and_a_click_opens_the_chat(lab: Lab) -> None:
    page = lab.open()
    assert page.locator("#poly-ai-chat").count() == 1
    page.get_by_test_id("close").click()

    page.evaluate("WebchatAPI.showBubble({ text: 'x'.repeat(400) })")
    boxes = [one.bounding_box() for one in page.get_by_test_id("teaser").locator("*").all()]
    assert all(one["x"] >= 0 and one["x"] + one["width"] <= 1280 for one in boxes)
    page.evaluate("WebchatAPI.showBubble({})")
    expect(page.get_by_test_id("teaser")).to_have_count(0)
    page.evaluate("WebchatAPI.animateIcon({ type: 'toString', durationMs: -5 })")
    page.evaluate("WebchatAPI.showBubble({ text: 'Questions about your order?' })")
    page.evaluate("WebchatAPI.animateIcon({ type: 'grow', durationMs: 100 })")
    page.get_by_text("Questions about your order?").click()

    expect(page.get_by_test_id("panel")).to_be_visible()
    expect(page.get_by_test_id("teaser")).to_have_count(0)


def test_a_picture_opens_in_full_size_and_escape_closes_it_alone(lab: Lab) -> None:
    page = lab.open()
    url = f"{ORIGIN}/files/photo"
    file = {"file_id": "f1", "title": "photo.png", "content_url": url, "preview_image_url": url}
    lab.says("LIVE_AGENT_MESSAGE", {"message_id": "m1", "text": "", "attachments": [file]})

    page.get_by_role("link", name="photo.png").click()
    expect(page.get_by_test_id("lightbox")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_test_id("lightbox")).to_have_count(0)
    expect(page.get_by_test_id("panel")).to_be_visible()


def test_the_end_user_keeps_what_was_said(lab: Lab) -> None:
    page = lab.open()
    lab.says("LIVE_AGENT_MESSAGE", {"message_id": "m1", "text": "Here I am.", "agent_id": "a1"})
    lab.says("SESSION_END", {"reason": "REASON_NATURAL_END"})

    with page.expect_download() as download:
        page.get_by_test_id("save").click()

    text = Path(download.value.path()).read_text()
    assert "Noor: Here I am." in text
    assert "Noor joined the conversation" in text


@pytest.mark.parametrize("size", [(320, 640), (600, 700), (1280, 420)])
def test_a_place_far_from_the_corner_leaves_the_widget_in_a_small_window(
    browser: Browser, size: tuple[int, int]
) -> None:
    width, height = size
    lab = Lab(browser, viewport={"width": width, "height": height})
    lab.look = {"place": {"corner": "end", "x": 400, "y": 400}, "launcher": "Ask us anything"}
    lab.look["welcome"] = "W" * 100
    page = lab.open()
    panel = page.get_by_test_id("panel").bounding_box()
    assert page.locator(".welcome").evaluate("(one) => one.scrollWidth <= one.clientWidth")
    page.get_by_test_id("close").click()
    bubble = page.get_by_test_id("bubble").bounding_box()

    for box in (panel, bubble):
        assert box is not None
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert box["y"] >= 0 and box["y"] + box["height"] <= height
    assert panel and panel["height"] >= 300
    lab.context.close()


def test_inline_the_widget_fills_the_pages_own_place(lab: Lab) -> None:
    lab.attributes += ' data-render-mode="inline" data-container="main"'
    page = lab.visit()

    expect(page.locator("main > baton-widget")).to_have_count(1)
    expect(page.get_by_test_id("panel")).to_be_visible()
    expect(page.get_by_test_id("bubble")).to_be_hidden()
    expect(page.get_by_test_id("close")).to_be_hidden()


@pytest.mark.parametrize("number", range(len(PLACES)))
def test_each_part_fits_and_is_accessible_in_every_size_and_direction(
    browser: Browser, number: int, tmp_path: Path
) -> None:
    place = dict(PLACES[number])
    lab = Lab(browser, locale=place.pop("locale", "en"), **place)
    lab.look = {**BRAND, "before": BEFORE}
    page = lab.visit()
    expect(page.get_by_test_id("before")).to_be_visible()
    wrong = [*problems(page, tmp_path / f"before_{number}.png")]
    page.get_by_label("E-mail").fill("ann@example.com")
    page.get_by_test_id("agree").click()
    expect(page.get_by_test_id("input")).to_be_visible()
    wrong += problems(page, tmp_path / f"brand_{number}.png")
    ended(lab, page)
    wrong += problems(page, tmp_path / f"survey_{number}.png")
    lab.context.close()

    assert wrong == []


def problems(page: Page, picture: Path) -> list[str]:
    """Take a picture, and return what is too wide or what axe-core finds wrong."""
    page.screenshot(path=picture)
    found = Axe().run(page).response["violations"]
    wrong = [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found]
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return wrong + (["it scrolls sideways"] if page.evaluate(width) > 0 else [])
