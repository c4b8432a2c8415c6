"""The pages of one widget in a browser: the preview follows what is typed, axe-core is content."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from conversations.journal.services import Visitor
from conversations.models import BrandImage, Channel
from conversations.widget.section_views import SECTIONS as WIDGET_SECTIONS
from integrations.models import Project
from tests import factories
from tests.browser import ARGUMENTS, find_browser
from tests.members import client_with

ORIGIN = "http://portal.test"
SECTIONS = list(WIDGET_SECTIONS)
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 40
BRAND = {
    "accent": "#f5c518",
    "corner": "start",
    "offset_x": "40",
    "offset_y": "30",
    "title_en": "Birch",
    "title_ar": "بيرش",
    "agent_name_ar": "بيرش",
    "welcome_de": "Willkommen",
}


@pytest.fixture
def channel(db: None) -> Channel:
    return factories.channel()


@pytest.fixture
def admin(channel: Channel) -> Client:
    return client_with(channel.project, widgets=2)


def address(channel: Channel, section: str) -> str:
    return f"/p/{channel.project.public_id}/widget/{channel.pk}/{section}/"


def seen(channel: Channel, locale: str) -> dict[str, Any]:
    """Return how the widget is told to look in a language."""
    query = f"?key={channel.public_key}&host=shop.example&locale={locale}"
    return Client().get(f"/api/v1/widget{query}").json()["widget"]


def test_each_language_has_its_own_words_and_falls_back_to_the_usual_ones(channel, admin):
    assert admin.post(address(channel, "brand"), BRAND).status_code == 302

    arabic, german, english = (seen(channel, locale) for locale in ("ar", "de-AT", "en"))

    assert (arabic["title"], arabic["agent_name"]) == ("بيرش", "بيرش")
    assert (german["title"], german["welcome"]) == ("Birch", "Willkommen")
    assert "welcome" not in english
    assert english["place"] == {"corner": "start", "x": 40, "y": 30}


def test_what_nobody_has_worded_is_said_in_the_end_users_language(channel):
    Project.objects.update(agent_name="AI agent")

    arabic = seen(channel, "ar")

    assert (arabic["title"], arabic["agent_name"]) == ("", "")  # the widget's own Arabic words


def test_the_ai_agent_joins_with_its_name_and_picture_in_the_language(channel, admin):
    admin.post(address(channel, "brand"), BRAND | {"avatar": _file("a.png", PNG)})
    channel.refresh_from_db()

    conversation = factories.conversation(channel, visitor=Visitor(locale="ar"))

    joined = conversation.events.get(type="POLY_AGENT_JOINED").payload
    assert joined["agent_name"] == "بيرش"
    assert joined["agent_avatar_url"].endswith(f"/brand/{BrandImage.objects.get().token}")


def test_a_picture_is_one_by_its_first_bytes_and_small(channel, admin):
    for content in (b"<svg onload=alert(1)>", b"GIF8" + b"x" * 20, PNG + b"x" * 1_000_000):
        refused = admin.post(address(channel, "brand"), BRAND | {"avatar": _file("a.png", content)})
        assert refused.status_code == 422
        assert "id_avatar_error" in refused.content.decode()

    admin.post(address(channel, "brand"), BRAND | {"avatar": _file("a.txt", PNG)})
    image = BrandImage.objects.get()
    shown = Client().get(f"/brand/{image.token}")
    admin.post(address(channel, "brand"), BRAND | {"removes_avatar": "on"})

    assert (shown["Content-Type"], shown.content) == ("image/png", PNG)
    assert not BrandImage.objects.exists()


def test_a_picture_above_the_header_stands_beside_the_ai_agents_own(channel, admin):
    wide = PNG + b"x" * 1_500_000
    large = admin.post(
        address(channel, "brand"), BRAND | {"header_image": _file("h.png", PNG + b"x" * 2_000_000)}
    )
    admin.post(
        address(channel, "brand"),
        BRAND | {"avatar": _file("a.png", PNG), "header_image": _file("h.png", wide)},
    )
    both = seen(channel, "en")
    shown = Client().get(both["header_image_url"].removeprefix(settings.PUBLIC_URL))
    admin.post(address(channel, "brand"), BRAND | {"removes_avatar": "on"})
    left = seen(channel, "en")

    assert large.status_code == 422
    assert "2,000,000 are allowed" in large.content.decode()
    assert shown.content == wide
    assert "avatar_url" in both and "avatar_url" not in left
    assert left["header_image_url"] == both["header_image_url"]


def test_a_colour_that_white_text_cannot_stand_on_is_told(channel, admin):
    admin.post(address(channel, "brand"), BRAND)

    page = admin.get(address(channel, "brand")).content.decode()

    assert "White text has too little contrast here (on the accent colour 1.6 to 1" in page


def test_who_may_only_read_changes_nothing(channel):
    reader = client_with(channel.project, widgets=1)

    assert reader.get(address(channel, "brand")).status_code == 200
    assert reader.post(address(channel, "brand"), BRAND).status_code == 403


# ---- in a browser ----


def test_the_preview_follows_what_is_typed_and_every_page_is_accessible(
    channel: Channel, admin: Client, tmp_path: Path
) -> None:
    pages = {address(channel, one): admin.get(address(channel, one)).content for one in SECTIONS}

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        wrong = [
            problem
            for width, scheme in ((1280, "light"), (390, "dark"))
            for problem in looked_at(browser, pages, tmp_path, width, scheme)
        ]
        browser.close()

    assert wrong == []


def looked_at(
    browser: Browser, pages: dict[str, bytes], folder: Path, width: int, scheme: Any
) -> list[str]:
    """Open every page in one size and theme, and return what is wrong there."""
    size: Any = {"width": width, "height": 900}
    context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
    context.route(f"{ORIGIN}/**", lambda route: serve(route, pages))
    page, wrong = context.new_page(), []
    for path in pages:
        section = path.rstrip("/").rpartition("/")[2]
        page.goto(ORIGIN + path)
        if WIDGET_SECTIONS[section].has_preview:
            expect(page.locator("[data-preview] header")).to_be_visible()
        if section == "brand":
            follow_typing(page)
        wrong += problems(page, folder / f"{section}_{width}.png")
    context.close()
    return wrong


def serve(route: Route, pages: dict[str, bytes]) -> None:
    path = route.request.url.removeprefix(ORIGIN).split("?")[0]
    found = finders.find(path.removeprefix("/static/")) if path.startswith("/static/") else None
    if found:
        kind = mimetypes.guess_type(path)[0] or "text/plain"
        route.fulfill(path=str(found), content_type=kind)
    elif path in pages:
        route.fulfill(body=pages[path], content_type="text/html; charset=utf-8")
    else:
        route.fulfill(status=404, body="")


def follow_typing(page: Page) -> None:
    page.get_by_label("Name of the AI agent").first.fill("Robin")
    expect(page.locator("[data-preview] header")).to_contain_text("Robin")
    page.get_by_label("Title").first.fill("Birch Outfitters")
    page.get_by_label("State").select_option("queued")
    expect(page.locator("[data-preview] header")).to_contain_text("Birch Outfitters")
    page.get_by_label("State").select_option("ai")
    page.get_by_label("Language").select_option("ar")
    expect(page.locator("[data-preview] .frame")).to_have_attribute("dir", "rtl")
    page.get_by_label("Language").select_option("en")
    page.get_by_label("Accent colour").fill("#a04000")
    expect(page.locator("[data-preview] header")).to_have_css("background-color", "rgb(160, 64, 0)")


def problems(page: Page, picture: Path) -> list[str]:
    page.screenshot(path=picture, full_page=True)
    found = Axe().run(page).response["violations"]
    wrong = [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]
    width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    return wrong + (["it scrolls sideways"] if page.evaluate(width) > 0 else [])


def _file(name: str, content: bytes) -> Any:
    return SimpleUploadedFile(name, content)
