"""The editor of a tool in a real browser, under the portal's own content security policy."""

from __future__ import annotations

import asyncio
import gzip
import mimetypes
import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from conversations.ai_agent.tools.bundle import BUNDLE, editor_bundle_text
from conversations.ai_agent.tools.completions import completions_of
from conversations.ai_agent.tools.editor import live_source
from conversations.models import Secret, Tool, ToolApi
from conversations.releases.services import release_deploy, release_publish
from integrations.models import Environment, Project
from tests import factories
from tests.browser import ARGUMENTS, find_browser
from tests.members import client_of_admin, client_of_reader

pytestmark = pytest.mark.django_db
ORIGIN = "http://portal.test"
COLOURS = """e => new Set([...e.querySelectorAll("span")].map(one =>
    getComputedStyle(one).color)).size"""
SOURCE = 'def look(conv):\n    # later\n    x = 1\n    return conv.idd + "é"\n'


@contextmanager
def chromium() -> Iterator[Browser]:
    """One Chromium, within a test alone: beside its event loop there is no database."""
    with sync_playwright() as playwright:
        path = find_browser()
        assert path, "There is no Chromium: run make browser."
        found = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield found
        finally:
            found.close()
    # After asynchronous tests it may leave its loop as the running one: no database then.
    asyncio.events._set_running_loop(None)


class Opened:
    """A page of the portal as it was sent, in a browser that reaches nothing else."""

    def __init__(self, browser: Browser, answer: object, **options: object) -> None:
        self._answer = answer
        self.context = browser.new_context(reduced_motion="reduce", **options)
        self.strange: list[str] = []
        self.context.route("**/*", self._serve)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.page.on("console", lambda one: self._hear(one.type, one.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(f"{ORIGIN}/tool/")

    def _hear(self, kind: str, text: str) -> None:
        if kind == "error" or "Content Security Policy" in text:
            self.complaints.append(text)

    def _serve(self, route: Route) -> None:
        url = route.request.url
        if not url.startswith(ORIGIN):
            self.strange.append(url)
            route.abort()
        elif "/static/" in url:
            found = finders.find(url.partition("/static/")[2].partition("?")[0])
            kind = mimetypes.guess_type(str(found))[0] or "text/plain"
            route.fulfill(path=str(found), content_type=kind)
        elif url.endswith("/tool/"):
            policy = {"Content-Security-Policy": self._answer["Content-Security-Policy"]}
            headers = {"Content-Type": "text/html; charset=utf-8", **policy}
            route.fulfill(body=self._answer.content.decode(), headers=headers)
        else:
            route.fulfill(status=204)


def sent(project: Project, source: str = SOURCE, client_of=client_of_admin) -> object:
    """Return the page as the portal sends it; asked for before a browser holds the thread."""
    tool = factories.tool(project, source, name="look")
    where = {"project_id": project.public_id, "tool_id": tool.pk}
    return client_of(project).get(reverse("tool_edit", kwargs=where))


def to_live(project: Project) -> None:
    made = release_publish(project=project, actor=None)
    release_deploy(release=made.release, environment=Environment.LIVE.value, actor=None)


def editor(page: Page):
    return page.get_by_role("textbox", name="Python source")


def test_the_bundle_is_what_the_modules_and_the_pinned_packages_make():
    assert BUNDLE.read_text() == editor_bundle_text(), (
        "python -m conversations.ai_agent.tools.bundle"
    )
    assert len(gzip.compress(BUNDLE.read_bytes(), 9)) < 175_000
    assert re.findall(r"\bimport\s*\(|(?:^|;)import\b", BUNDLE.read_text()) == []


def test_one_writes_is_offered_what_conv_has_and_gets_out_by_keyboard(project):
    answer = sent(project)

    with chromium() as browser:
        seen = Opened(browser, answer)
        page, box = seen.page, editor(seen.page)
        expect(box).to_contain_text("return conv.idd")
        assert box.evaluate(COLOURS) >= 3
        expect(page.locator(".cm-lint-marker-error")).to_have_count(1)
        page.get_by_role("link", name=re.compile("Line 4")).click()
        page.keyboard.press("End")
        page.keyboard.type(" + conv.lang")
        expect(page.get_by_role("option", name=re.compile("^language"))).to_be_visible()
        # A list that has just opened takes no key for a moment, so that none is taken by mistake.
        page.wait_for_timeout(150)
        page.keyboard.press("Tab")
        expect(box).to_contain_text("conv.language")
        assert page.locator("[data-code]").input_value().endswith('"é" + conv.language\n')
        page.get_by_role("button", name="Compare with what is saved").click()
        expect(page.locator(".cm-changedLine").first).to_be_visible()

        box.focus()
        page.keyboard.press("Escape")
        page.keyboard.press("Tab")
        expect(box).not_to_be_focused()
        assert seen.complaints == [] and seen.strange == []


def test_the_draft_is_held_against_what_live_runs(project):
    tool = factories.tool(project, "def look(conv):\n    return 'released'\n", name="look")
    to_live(project)
    Tool.objects.update(source="def look(conv):\n    x = 1\n    return 'edited'\n")
    where = {"project_id": project.public_id, "tool_id": tool.pk}
    answer = client_of_admin(project).get(reverse("tool_edit", kwargs=where))
    live = answer.context["live"]
    assert (live.label, live.source) == ("Live", "def look(conv):\n    return 'released'\n")
    assert "-    return 'released'\n+    x = 1" in live.difference

    with chromium() as browser:
        page = Opened(browser, answer).page
        button = page.get_by_role("button", name="Compare with Live")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(page.locator(".cm-deletedChunk")).to_contain_text("return 'released'")
        editor(page).focus()
        page.keyboard.press("Control+End")
        page.keyboard.type("# typed now")
        expect(page.locator(".cm-changedLine", has_text="typed now")).to_be_visible()
        button.click()
        expect(page.locator(".cm-deletedChunk")).to_have_count(0)
        assert page.locator("[data-code]").input_value().endswith("# typed now")


def test_a_tool_that_live_does_not_know_is_all_new(project):
    to_live(project)
    tool = factories.tool(project, "def look(conv): ...", name="look")

    live = live_source(project, tool)

    assert (live.label, live.source) == ("Live", "")
    assert live.difference.endswith("+def look(conv): ...")


def test_it_is_dark_fits_a_phone_works_as_a_box_and_changes_nothing_for_readers(project):
    answer = sent(project)
    for_reader = client_of_reader(project).get(answer.wsgi_request.path)

    with chromium() as browser:
        phone = {"width": 390, "height": 800}
        dark = Opened(browser, answer, color_scheme="dark", viewport=phone).page
        back = dark.locator(".cm-editor").evaluate("e => getComputedStyle(e).backgroundColor")
        assert max(map(int, re.findall(r"\d+", back)[:3])) < 80
        assert dark.evaluate("document.documentElement.scrollWidth") <= 390

        plain = Opened(browser, answer, java_script_enabled=False).page
        assert plain.locator("textarea[name=source]").is_visible()
        assert plain.locator(".problem").first.is_visible()

        read = Opened(browser, for_reader).page
        editor(read).click()
        read.keyboard.type("x")
        assert read.locator("[data-code]").input_value() == SOURCE


def test_completion_knows_conv_and_the_projects_own_names(project):
    factories.tool(project, name="other")
    Secret.objects.create(project=project, name="shop")
    ToolApi.objects.create(
        project=project, name="orders", operations=[{"name": "get", "method": "GET", "path": "/x"}]
    )

    found = {
        path: [one["label"] for one in options] for path, options in completions_of(project).items()
    }

    assert {"state", "say", "call_handoff", "check_availability"} <= set(found["conv"])
    assert found["conv.log"] == ["info", "warning", "error"]
    assert found["conv.utils"] == ["get_secret", "prompt_llm"]
    assert found["conv.functions"] == ["other"] and found["get_secret("] == ["shop"]
    assert found["conv.api"] == ["orders"] and found["conv.api.orders"] == ["get"]
    assert "Attachment" in found[""]
