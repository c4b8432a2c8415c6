"""Sheets of the widget as end users see it: three sizes, two directions, light and dark."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

from playwright.sync_api import Browser, Page, expect

from config.demo.processes import BASE_DIR
from integrations.behaviour.sentences import sentence
from tests.conversations.test_widget_around import BEFORE, BRAND, SURVEY
from tests.conversations.widget_lab import Lab, reply

IMAGES = BASE_DIR / "docs" / "images"
SIZES = (
    {"width": 1280, "height": 800},
    {"width": 768, "height": 900},
    {"width": 390, "height": 844},
)
SCHEMES = ("light", "dark")
QUALITY = 60
SHEET_WIDTH_PX = 1200
WORDS = {
    "en": ("My parcel has not come.", "Shall I send it again?", "Yes, please", "No"),
    "ar": ("لم يصل الطرد.", "هل أرسله مرة أخرى؟", "نعم، من فضلك", "لا"),
}
OWN_WORDS = {
    "ar": {
        "title": "متجر البتولا",
        "welcome": "نرد خلال دقائق.",
        "launcher": "اسألنا",
    }
}
BEFORES = {
    "en": BEFORE,
    "ar": {
        "consent": {
            "version": 3,
            "text": "نحتفظ بما تكتبه لمدة 30 يومًا.",
            "links": [{"label": "الخصوصية", "url": "https://shop.example/privacy"}],
        },
        "fields": [
            {"name": "email", "label": "البريد الإلكتروني", "kind": "email", "is_required": True},
            {"name": "topic", "label": "الموضوع", "kind": "text"},
        ],
    },
}


def _before(lab: Lab, page: Page) -> None:
    expect(page.get_by_test_id("before")).to_be_visible()


def _conversation(lab: Lab, page: Page, locale: str) -> None:
    said, asked, *answers = WORDS[locale]
    expect(page.get_by_test_id("input")).to_be_visible()
    page.get_by_test_id("input").fill(said)
    page.get_by_test_id("input").press("Enter")
    lab.offers(text=asked, choices=[reply(at, label) for at, label in enumerate(answers, 1)])
    expect(page.get_by_role("button", name=answers[0])).to_be_visible()


def _survey(lab: Lab, page: Page, locale: str) -> None:
    expect(page.get_by_test_id("input")).to_be_visible()
    bot, live = (sentence(f"survey_question_{who}", locale) for who in ("bot", "live_agent"))
    asked = [{"subject": "bot", "question": bot}, {"subject": "live_agent", "question": live}]
    title = sentence("survey_title", locale)
    lab.says("SHOW_CSAT_REQUEST", {**SURVEY, "title": title, "questions": asked})
    lab.says("SESSION_END", {"reason": "REASON_NATURAL_END"})
    expect(page.get_by_test_id("survey")).to_be_visible()


# What is to be seen, and how a page comes to show it.
STEPS: dict[str, Callable[[Lab, Page, str], None]] = {
    "before": lambda lab, page, locale: _before(lab, page),
    "brand": _conversation,
    "survey": _survey,
}


def sheets_take(browser: Browser) -> None:
    """Write one picture for each kind, with every size, direction and scheme in it."""
    for kind in STEPS:
        shots = [*_shots(browser, kind)]
        page = browser.new_page(viewport={"width": SHEET_WIDTH_PX, "height": 400})
        page.set_content(_sheet(shots))
        page.wait_for_function("[...document.images].every((image) => image.complete)")
        path = IMAGES / f"widget_{kind}.jpg"
        page.screenshot(path=path, full_page=True, type="jpeg", quality=QUALITY)
        page.close()


def _shots(browser: Browser, kind: str) -> Iterator[bytes]:
    for scheme in SCHEMES:
        for locale in WORDS:
            for size in SIZES:
                yield _shot(browser, kind, locale, viewport=size, color_scheme=scheme)


def _shot(browser: Browser, kind: str, locale: str, **options: Any) -> bytes:
    lab = Lab(browser, locale=locale, **options)
    lab.echoes()
    lab.look = {**BRAND, **OWN_WORDS.get(locale, {})}
    if kind == "before":
        lab.look["before"] = BEFORES[locale]
    page = lab.visit()
    STEPS[kind](lab, page, locale)
    picture = page.screenshot(type="jpeg", quality=90)
    lab.context.close()
    return picture


def _sheet(shots: list[bytes]) -> str:
    """Return a page that shows all pictures, those of one scheme and direction in a row."""
    images = "".join(
        f'<img src="data:image/jpeg;base64,{base64.b64encode(shot).decode()}">' for shot in shots
    )
    style = (
        "body{margin:12px;background:#8a93a3;display:grid;gap:12px;align-items:start;"
        "grid-template-columns:1280fr 768fr 390fr}img{width:100%;display:block}"
    )
    return f"<!doctype html><style>{style}</style>{images}"
