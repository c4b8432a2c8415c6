"""The API's own page: readable in a browser under the portal's policy, and nothing from outside."""

from __future__ import annotations

from drf_spectacular.generators import SchemaGenerator
from playwright.sync_api import Page, expect

from tests.journeys.stack import Stack


def test_the_api_page_shows_every_operation_under_the_portals_policy(
    page: Page, stack: Stack
) -> None:
    blocked: list[str] = []
    page.expose_function("tell", lambda directive: blocked.append(directive))
    page.add_init_script(
        "addEventListener('securitypolicyviolation', (event) => tell(event.violatedDirective))"
    )

    answer = page.goto(f"{stack.url}/api/docs")

    schema = SchemaGenerator().get_schema(request=None, public=True)
    operations = [one for methods in schema["paths"].values() for one in methods.values()]
    summaries = page.locator(".opblock-summary-description")
    expect(summaries).to_have_count(len(operations))
    assert sorted(summaries.all_inner_texts()) == sorted(one["summary"] for one in operations)
    page.get_by_text("Open a session").click()
    expect(page.get_by_role("option", name="A page in German")).to_have_count(1)
    assert answer is not None
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert blocked == []
