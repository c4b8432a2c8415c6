"""The editor of a tool in a real browser, under the portal's own content security policy."""

from __future__ import annotations

import gzip
import mimetypes
import re
from collections.abc import Iterator

import pytest
from django.contrib.staticfiles import finders
from django.urls import reverse
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from conversations.ai_agent.tools.bundle import BUNDLE, editor_bundle_text
from conversations.ai_agent.tools.completions import completions_of
from conversations.models import Secret, ToolApi
from integrations.models import Project
from tests import factories
from tests.browser import ARGUMENTS, find_browser
from tests.members import client_of_admin, client_of_reader

pytestmark = pytest.mark.django_db
ORIGIN = "http://portal.test"
SOURCE = 'def look(conv):\n    # later\n    x = 1\n    return conv.idd + "é"\n'


@pytest.fixture
def project() -> Project:
    return factories.project()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = find_browser()
        assert path, "There is no Chromium: run make browser."
        found = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield found
        found.close()


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
            headers = {"Content-Type": "text/html", **policy}
            route.fulfill(body=self._answer.content.decode(), headers=headers)
        else:
            route.fulfill(status=204)


def sent(project: Project, source: str = SOURCE, client_of=client_of_admin) -> object:
    """Return the page as the portal sends it; asked for before a browser holds the thread."""
    tool = factories.tool(project, source, name="look")
    where = {"project_id": project.public_id, "tool_id": tool.pk}
    return client_of(project).get(reverse("tool_edit", kwargs=where))


def opened(browser: Browser, project: Project, source: str = SOURCE, **options: object) -> Opened:
    return Opened(browser, sent(project, source), **options)


def editor(page: Page):
    return page.get_by_role("textbox", name="Python source")


def test_the_bundle_is_what_the_modules_and_the_pinned_packages_make():
    assert BUNDLE.read_text() == editor_bundle_text(), (
        "python -m conversations.ai_agent.tools.bundle"
    )
    assert len(gzip.compress(BUNDLE.read_bytes(), 9)) < 175_000
    assert re.findall(r"\bimport\s*\(|(?:^|;)import\b", BUNDLE.read_text()) == []


def test_writing_colours_problems_completion_and_the_way_out_by_keyboard(browser, project):
    seen = opened(browser, project)
    page, box = seen.page, editor(seen.page)

    expect(box).to_contain_text("return conv.idd")
    colours = box.evaluate(
        "e => new Set([...e.querySelectorAll('span')].map(s => getComputedStyle(s).color)).size"
    )
    assert colours >= 3
    expect(page.locator(".cm-lint-marker-error")).to_have_count(1)
    page.get_by_role("link", name=re.compile("Line 4")).click()
    page.keyboard.press("End")
    page.keyboard.type(" + conv.lang")
    offered = page.get_by_role("option", name=re.compile("^language"))
    expect(offered).to_be_visible()
    page.keyboard.press("Tab")
    expect(box).to_contain_text("conv.language")
    assert page.locator("[data-code]").input_value().endswith('"é" + conv.language\n')

    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(box).not_to_be_focused()
    assert seen.complaints == [] and seen.strange == []
    seen.context.close()


def test_what_differs_is_shown_line_by_line(browser, project):
    seen = opened(browser, project, SOURCE.replace("conv.idd", "conv.id"))
    page = seen.page
    editor(page).click()
    page.keyboard.press("Control+Home")
    page.keyboard.type("X = 1\n")

    page.get_by_role("button", name="Compare with what is saved").click()

    expect(page.locator(".cm-changedLine, .cm-insertedLine").first).to_be_visible()
    assert seen.complaints == []
    seen.context.close()


def test_it_follows_the_page_into_the_dark_and_fits_a_phone(browser, project):
    seen = opened(browser, project, color_scheme="dark", viewport={"width": 390, "height": 800})

    back = seen.page.locator(".cm-editor").evaluate("e => getComputedStyle(e).backgroundColor")

    assert max(map(int, re.findall(r"\d+", back)[:3])) < 80
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= 390
    seen.context.close()


def test_without_a_script_it_is_a_box_with_the_source(browser, project):
    seen = opened(browser, project, java_script_enabled=False)

    assert seen.page.locator("textarea[name=source]").is_visible()
    assert seen.page.locator(".problem").first.is_visible()
    seen.context.close()


def test_who_may_only_read_changes_nothing(browser, project):
    seen = Opened(browser, sent(project, SOURCE, client_of_reader))

    editor(seen.page).click()
    seen.page.keyboard.type("x")

    assert seen.page.locator("[data-code]").input_value() == SOURCE
    seen.context.close()


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
