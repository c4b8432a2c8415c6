"""Where an address in a text begins and ends, as people expect it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser import ARGUMENTS, find_browser
from tests.conversations.widget_lab import STATIC, Lab

FIND = f"""async (text) => {{
  const {{ addresses }} = await import("{STATIC}widget/links.js");
  return addresses(text).map(({{ start, end, url }}) => [text.slice(start, end), url]);
}}"""
# The text, and the addresses in it as they are shown.
SHOWN = [
    ("See https://a.example.", ["https://a.example"]),
    ("https://a.example/x, https://b.example/y; and HTTP://C.EXAMPLE!",
     ["https://a.example/x", "https://b.example/y", "HTTP://C.EXAMPLE"]),
    ("(https://a.example/x)", ["https://a.example/x"]),
    ("(see https://a.example/wiki/Tea_(meal)).", ["https://a.example/wiki/Tea_(meal)"]),
    ("https://a.example/a[1]{2}", ["https://a.example/a[1]{2}"]),
    ("[here](https://a.example/x)now", ["https://a.example/x"]),
    ("<https://a.example/x>", ["https://a.example/x"]),
    ('"https://a.example/x"', ["https://a.example/x"]),
    ("“https://a.example/x”", ["https://a.example/x"]),
    ("«https://a.example/x»", ["https://a.example/x"]),
    ("‘https://a.example/it’s", ["https://a.example/it"]),
    ("https://a.example/x… and", ["https://a.example/x"]),
    ("https://a.example/x—it is", ["https://a.example/x"]),
    ("https://a.example/Michelson–Morley", ["https://a.example/Michelson–Morley"]),
    ("詳細はhttps://a.example/x。次", ["https://a.example/x"]),
    ("「https://a.example/x」をどうぞ", ["https://a.example/x"]),
    ("https://a.example/x、https://b.example", ["https://a.example/x", "https://b.example"]),
    ("https://a.example/日本", ["https://a.example/日本"]),
    ("（https://a.example/x）", ["https://a.example/x"]),
    ("https://a.example/x\u3000次", ["https://a.example/x"]),
    ("انظر https://a.example/x، ثم", ["https://a.example/x"]),
    ("https://a.example/x?q=1&r=2#end", ["https://a.example/x?q=1&r=2#end"]),
    ("https://a.example:8443/x", ["https://a.example:8443/x"]),
    ("https://user@a.example/x'", ["https://user@a.example/x"]),
    ("https://xn--bcher-kva.example/ and https://bücher.example",
     ["https://xn--bcher-kva.example/", "https://bücher.example"]),
    ("https:// and http://. and https:///x", []),
    ("javascript:alert(1) ftp://a.example data:text/html,x", []),
    ("www.a.example/x, not awww.b.example or www.", ["www.a.example/x"]),
    ("mail ida.b+c@shop.example.", ["ida.b+c@shop.example"]),
    ("a@b is none, nor is @ida", []),
]  # fmt: skip


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page on which the widget's modules can be loaded."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        made = Lab(chromium).context.new_page()
        made.goto("http://portal.test/")
        yield made
        chromium.close()


@pytest.mark.parametrize(("text", "shown"), SHOWN)
def test_an_address_ends_where_people_expect_it(page: Page, text: str, shown: list[str]) -> None:
    assert [found for found, _ in page.evaluate(FIND, text)] == shown


def test_www_and_mailboxes_lead_somewhere(page: Page) -> None:
    found = page.evaluate(FIND, "www.a.example ida@shop.example")

    assert [url for _, url in found] == ["https://www.a.example", "mailto:ida@shop.example"]


@pytest.mark.parametrize("part", ["http://", "www.a@", "a@", "(", "https://a.example/((", "<"])
def test_a_hostile_text_is_read_at_once(page: Page, part: str) -> None:
    took = page.evaluate(
        f"""async (text) => {{
          const {{ linked }} = await import("{STATIC}widget/links.js");
          const {{ markdown }} = await import("{STATIC}widget/markdown.js");
          const started = performance.now();
          linked(text); markdown(text);
          return performance.now() - started;
        }}""",
        part * (60_000 // len(part)),
    )

    assert took < 4000
