"""Every page of the portal, read from the URL configuration, so that none can be forgotten."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from playwright.sync_api import BrowserContext, Page

from conversations.widget.section_views import SECTIONS
from handoffs.portal.analytics.figures import TABS
from tests.config.routes import PARAMETER, Route, routes
from tests.journeys.stack import Stack

# What machines read, and what is no page of the portal's own: files, health, the customer's page.
NO_PAGES = ("api/", "v1/", "v3/", "handoff/", "files/", "brand/", "healthz", "metrics", "readyz")
# Of Django's admin: what its own scripts read, and its answer to every other address.
NO_PAGES += (
    "login/single-sign-on/",
    "admin/<url>",
    "admin/jsi18n/",
    "admin/autocomplete/",
    "admin/r/",
)
# With a passkey the planting's admin could sign in by the password alone no more: the test of
# passkeys looks at this page.
NO_PAGES += ("account/passkeys/<int:passkey_id>/",)
OURS = ("api/docs", "api/docs/socket")
# What several addresses share is drawn once for each of these.
SEVERAL = {
    "tab": tuple(TABS),
    "section": tuple(SECTIONS),
    # One vendor that is only called, and one that calls.
    "connection": ("salesforce_messaging", "genesys"),
}
GIVEN = {
    "environment": "sandbox",
    "app_label": "handoffs",
    "session_id": "1",
}
# How the pages of one connection are named, before the step and the vendor.
INTEGRATION = "integrations-environment-connection"
# What is asked for on a page, where it shows more of the planting.
QUERIES = {"analytics": "?environment=sandbox"}
# What an address gets for a parameter that has no value here: only a page would look it up.
NOTHING = {"int": "0", "uuid": "00000000-0000-4000-8000-000000000000"}
# Whose rows Django's admin shows, and which of them.
ROWS = {
    "admin/auth/group/": "group",
    "admin/auth/user/": "user",
    "admin/handoffs/handoff/": "handoff_id",
    "admin/integrations/workspace/": "workspace",
}
TOKENS = {"invitations/": "invitation", "transcripts/": "transcript"}
TRIALS = {"p/<str:project_id>/test/": "trial_id"}


class Address(NamedTuple):
    """Where a page may be; its name is the address without what differs from project to project."""

    name: str
    path: str


@cache
def planted(simulator_url: str, stack: Stack) -> dict[str, str]:
    """Make the gallery's project once in a stack, and return its values by parameter."""
    lines = stack.run_module("tests.journeys.gallery.plant", simulator_url)
    found: dict[str, str] = json.loads(lines.splitlines()[-1])
    return found


def addresses(stack: Stack) -> list[Address]:
    """Return what may be a page of the portal; what is none answers with no document."""
    values = {**GIVEN, **planted(stack.simulator_url, stack)}
    return sorted({one for route in _routes() for one in _filled(route, values)})


def is_page(context: BrowserContext, path: str) -> bool:
    """Say whether an address answers with a document, and not with a part, a file or a move.

    Raises LookupError for an address that leads nowhere: the planting has no value for it yet.
    """
    answer = context.request.get(path, max_redirects=0)
    if answer.status in (404, 410, 500):
        raise LookupError(f"{path} answers {answer.status}: plant what it shows")
    is_html = answer.headers.get("content-type", "").startswith("text/html")
    return answer.ok and is_html and answer.text().lstrip()[:9].lower() == "<!doctype"


def sign_in(page: Page, stack: Stack) -> None:
    """Sign in as the demo's admin."""
    page.goto("/login/")
    page.get_by_label("User name or e-mail address").fill(stack.demo["admin"]["username"])
    page.get_by_label("Password").fill(stack.demo["admin"]["password"])
    page.get_by_role("button", name="Sign in").click()
    page.locator("main h1").wait_for()


def _routes() -> list[Route]:
    return [one for one in routes() if one.pattern in OURS or not one.pattern.startswith(NO_PAGES)]


def _filled(route: Route, values: dict[str, str]) -> Iterator[Address]:
    """Return the route with its parameters; one without a value here is found by its answer."""
    several = next((name for name in SEVERAL if name in route.parameters), "")
    for one in SEVERAL.get(several, ("",)):
        given = {**values, several: one, **_by_place(route, values)}
        path = route.filled({**_nothing(route), **given})
        name = _name(route, one)
        yield Address(name, path + QUERIES.get(name.partition("-")[0], ""))


def _nothing(route: Route) -> dict[str, str]:
    found = PARAMETER.finditer(route.pattern)
    return {one["name"]: NOTHING.get(one["kind"] or "", "nothing") for one in found}


def _name(route: Route, one: str) -> str:
    """Name a page after its address: integrations/connection/connect/values."""
    plain = route.pattern.removeprefix("p/<str:project_id>/").strip("/") or "home"
    parts = [PARAMETER.sub(lambda found: found["name"].removesuffix("_id"), plain)]
    return re.sub(r"[^a-z0-9]+", "-", "/".join([*parts, one]).lower()).strip("-")


def _by_place(route: Route, values: dict[str, str]) -> dict[str, str]:
    """Return the parameters whose meaning the beginning of the address tells."""
    found = {
        name: values[key]
        for places, name in (
            (TOKENS, "token"),
            (TRIALS, "conversation_id"),
            (ROWS, "object_id"),
            (ROWS, "id"),
        )
        for place, key in places.items()
        if route.pattern.startswith(place)
    }
    return {name: value for name, value in found.items() if name in route.parameters}
