"""A passkey in a real browser, with Chromium's own virtual device: added, signed in by, removed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect, sync_playwright

from integrations.models import Passkey
from tests.browser import ARGUMENTS, find_browser

PASSWORD = "a-long-and-good-one"
# A device of the browser's own that knows who holds it.
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}


@pytest.mark.django_db(transaction=True)
def test_a_member_adds_a_passkey_and_signs_in_by_it(live_server: Any, settings: Any) -> None:
    # By a name: an address of numbers has no passkeys.
    settings.PUBLIC_URL = f"http://localhost:{urlsplit(live_server.url).port}"
    settings.PASSWORD_HASHERS = ["tests.integrations.hashers.QuickHasher"]
    User.objects.create_superuser("mira", "mira@birchline.example", PASSWORD)

    # In a thread: the browser's event loop would forbid this one its database.
    with ThreadPoolExecutor(1) as browsers:
        errors = browsers.submit(in_browser, settings.PUBLIC_URL).result()

    assert errors == []
    assert not Passkey.objects.exists()


def in_browser(url: str) -> list[str]:
    """Walk the journey; return what the browser logged as wrong."""
    errors: list[str] = []
    with sync_playwright() as playwright:
        path = find_browser()
        assert path, "There is no Chromium: run make browser."
        chromium = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        page = chromium.new_page(base_url=url)
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        devices = page.context.new_cdp_session(page)
        devices.send("WebAuthn.enable")
        devices.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
        journey(page)
        chromium.close()
    return errors


def sign_in_by_password(page: Page) -> None:
    page.goto("/login/?next=/account/")
    page.get_by_label("User name").fill("mira")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def sign_out(page: Page) -> None:
    page.get_by_role("button", name="Sign out", exact=True).click()


def is_accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


def journey(page: Page) -> None:
    sign_in_by_password(page)
    page.get_by_role("button", name="Add a passkey").click()
    page.get_by_label("Name").fill("Laptop")
    is_accessible(page)
    page.get_by_role("button", name="Create passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("link", name="Laptop")).to_be_visible()

    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url("**/projects/new/")
    page.goto("/account/")
    expect(page.get_by_text("by passkey")).to_be_visible()

    sign_out(page)
    sign_in_by_password(page)
    is_accessible(page)
    page.get_by_role("button", name="Use a passkey or security key").click()
    expect(page.get_by_text("by password and passkey")).to_be_visible()

    page.get_by_role("link", name="Laptop").click()
    is_accessible(page)
    page.get_by_role("button", name="Remove this passkey").click()
    expect(page.get_by_text("Laptop is removed.")).to_be_visible()
