"""The widget on pages of another origin, as they are: hostile styles, policies, swapped bodies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

from tests.browser import ARGUMENTS, find_browser
from tests.journeys.conftest import Watch
from tests.journeys.host_pages import HostPages, Tag
from tests.journeys.people import EndUser
from tests.journeys.stack import Stack

HOSTILE = """
  * { transition: none !important; visibility: hidden !important; }
  body > *:not(h1), html > *:not(head, body, h1) { display: none !important; }
  html { transform: scale(.5); } body { transform: rotate(3deg); filter: blur(2px); opacity: .2; }
  baton-widget, :not(:defined) {
    position: static !important; inset: 50% !important; zoom: 3 !important; opacity: 0 !important;
    z-index: -1 !important; clip-path: inset(50%) !important; width: 1px !important;
  }
  #cover { position: fixed; inset: 0; z-index: 2147483647; background: red; }
  ::backdrop { background: black !important; }
  button, textarea { display: none !important; font-size: 90px !important; }
"""
SWAPS = {
    "Turbo and Astro put another body there": """
        const body = document.createElement("body");
        body.innerHTML = "<h1>Another page</h1>";
        document.body.replaceWith(body);""",
    "htmx fills the body anew": 'document.body.innerHTML = "<h1>Another page</h1>";',
    "a page that empties the document": """
        for (const node of [...document.documentElement.children])
          if (node.localName !== "head") node.remove();
        document.documentElement.append(document.createElement("body"));""",
    "a page that puts another document there": """
        const html = document.createElement("html");
        html.innerHTML = "<head></head><body><h1>Another page</h1></body>";
        document.replaceChild(html, document.documentElement);""",
}
BRING_ALONG = """(html) => {
  document.body.append(document.createRange().createContextualFragment(html));
}"""
STORED = [
    "null", "5", '"text"', "[1, 2]", "{nope", '{"session": null, "outbox": "[]", "sequence": "7"}',
    '{"session": 5, "token": ["x"], "expiresAt": "soon", "outbox": {"0": {"id": "a"}}}',
    '{"outbox": [null, 1, {"id": 2}, {"id": "x", "text": 5}], "seen": -1, "received": 1.5}',
]  # fmt: skip
LOCALES = {
    "en-US@posix": "Write a message…", "de_DE@euro": "Nachricht schreiben…",
    "C": "Write a message…", "fr-CA": "Écrivez un message…", "es_MX": "Escriba un mensaje…",
    "de_AT.UTF-8": "Nachricht schreiben…", "*": "Write a message…", "x": "Write a message…",
    "zh_Hant_TW": "Write a message…", "DE": "Nachricht schreiben…",
}  # fmt: skip


# What Prototype and its like give to every page that they are on.
PROTOTYPE = """<script>
  Array.prototype.toJSON = function () { return `[${[...this].join()}]`; };
  String.prototype.toJSON = function () { return `"${this}"`; };
  Object.prototype.toJSON = function () { return "an object"; };
  Object.prototype.extend = function () {};
  Array.prototype.each = Array.prototype.forEach;
  Array.from = (items) => [...items];
  Function.prototype.bind = function (that) { return (...all) => this.apply(that, all); };
</script>"""


@pytest.fixture(scope="module")
def pages() -> Iterator[HostPages]:
    made = HostPages()
    yield made
    made.close()


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[HostPages]:
    """Pages of a host that is not among the allowed ones, on this machine too."""
    made = HostPages("127.0.0.2")
    yield made
    made.close()


@pytest.fixture
def watch(stack: Stack, pages: HostPages, elsewhere: HostPages) -> Watch:
    return Watch(allowed_origins=[stack.url, pages.origin, elsewhere.origin])


@pytest.fixture
def tag(stack: Stack) -> Tag:
    return Tag(f"{stack.url}/static/conversations/widget.js", stack.demo["webchat"]["public_key"])


def is_on_top(page: Page) -> bool:
    """Say whether a click on the middle of the round button reaches it."""
    return bool(
        page.evaluate("""() => {
          const host = document.querySelector("baton-widget");
          const box = host.shadowRoot.querySelector(".bubble").getBoundingClientRect();
          const isWhole = box.width === 60 && box.right <= innerWidth && box.bottom <= innerHeight;
          const hit = document.elementFromPoint(box.x + 30, box.y + 30);
          return isWhole && hit === host && box.x > innerWidth - 100;
        }""")
    )


def test_styles_of_the_page_neither_hide_nor_move_nor_cover_the_widget(
    page: Page, pages: HostPages, tag: Tag, stack: Stack
) -> None:
    url = pages.add(f"<style>{HOSTILE}</style><h1>Shop</h1><div id=cover></div>{tag}")
    page.goto(url)
    expect(page.get_by_test_id("bubble")).to_be_visible()

    assert is_on_top(page)
    page.get_by_test_id("bubble").click()
    EndUser(page, stack, url=url).sees("Hello", "ai_agent")
    page.emulate_media(media="print")
    expect(page.locator("baton-widget")).not_to_be_visible()


def test_a_page_that_swaps_its_body_keeps_the_widget_and_its_conversation(
    page: Page, pages: HostPages, tag: Tag, stack: Stack
) -> None:
    end_user = EndUser(page, stack, url=pages.add(f"<h1>Shop</h1>{tag}"))
    end_user.sees("Hello", "ai_agent")
    end_user.write("Keep this")
    end_user.sees("Keep this", "end_user")

    for swap in SWAPS.values():
        page.evaluate(f"() => {{ {swap} }}")
        # The new body brings the script along.
        page.evaluate(BRING_ALONG, str(tag))
        expect(page.locator("baton-widget")).to_have_count(1)
        expect(page.get_by_test_id("input")).to_be_visible()
        end_user.sees("Keep this", "end_user")
        assert page.evaluate("document.querySelector('baton-widget').matches(':popover-open')")


def test_whatever_stands_in_storage_the_widget_starts(
    page: Page, pages: HostPages, tag: Tag
) -> None:
    page.goto(pages.add(f"<h1>Shop</h1>{tag}"))
    for stored in STORED:
        page.evaluate("(text) => localStorage.setItem(`baton.${HandoffChat.key}`, text)", stored)
        page.reload()
        expect(page.get_by_test_id("bubble")).to_be_visible()
        page.get_by_test_id("bubble").click()
        expect(page.get_by_test_id("message").first).to_be_visible()
        page.get_by_test_id("close").click()


def test_whatever_stands_in_the_locale_the_widget_starts(
    page: Page, pages: HostPages, tag: Tag
) -> None:
    for locale, words in LOCALES.items():
        page.goto(pages.add(tag.with_(f'data-locale="{locale}" data-auto-open')))
        expect(page.get_by_placeholder(words)).to_be_visible()


def test_however_the_tag_is_written_the_widget_starts_once(
    page: Page, pages: HostPages, tag: Tag
) -> None:
    injected = f"""<script>addEventListener("load", () => {{
      const tag = document.createElement("script");
      tag.src = "{tag.src}"; tag.async = true;
      tag.dataset.key = "{tag.key}"; document.head.append(tag); }})</script>"""
    in_address = f'<script src="{tag.src}?key={tag.key}" async></script>'
    module = f'<script type="module" src="{tag.src}" data-key="{tag.key}"></script>'
    for written in (injected, in_address, module, f"{tag}{tag}", f"<head>{tag}</head>"):
        page.goto(pages.add(f"<h1>Shop</h1>{written}"))
        expect(page.get_by_test_id("bubble")).to_be_visible()
        expect(page.locator("baton-widget")).to_have_count(1)


def test_the_policy_that_the_documentation_names_is_enough(
    page: Page, pages: HostPages, tag: Tag, stack: Stack
) -> None:
    portal, socket = stack.url, stack.url.replace("http", "ws", 1)
    sources = f"script-src {portal}; connect-src {portal} {socket}; img-src {portal}"
    url = pages.add(
        f"{tag}", policy=f"default-src 'none'; {sources}; require-trusted-types-for 'script'"
    )
    end_user = EndUser(page, stack, url=url)
    end_user.sees("Hello", "ai_agent")
    end_user.asks_for_a_person()


def test_a_policy_without_the_sockets_address_costs_only_the_socket(
    page: Page, pages: HostPages, tag: Tag, stack: Stack, watch: Watch
) -> None:
    policy = f"default-src 'none'; script-src {stack.url}; connect-src {stack.url}"
    end_user = EndUser(page, stack, url=pages.add(f"{tag}", policy=policy))
    end_user.sees("Hello", "ai_agent")
    end_user.write("Over HTTP")
    end_user.sees("Over HTTP", "end_user")
    watch.errors.clear()


def is_ours(message: ConsoleMessage) -> bool:
    """Say whether the widget wrote it; browsers write of their own accord."""
    return message.text.startswith("Chat widget:")


def cause(context: BrowserContext, url: str, *, blocked: str = "") -> str:
    """Return what the console says of a page on which the widget does not appear."""
    page = context.new_page()
    if blocked:
        page.route(blocked, lambda route: route.abort())

    with page.expect_console_message(is_ours, timeout=20_000) as said:
        page.goto(url)
    expect(page.locator("baton-widget")).to_have_count(0)
    page.close()
    return said.value.text


def test_the_console_names_the_true_cause(
    context: BrowserContext,
    pages: HostPages,
    elsewhere: HostPages,
    tag: Tag,
    stack: Stack,
    watch: Watch,
) -> None:
    fine, portal = pages.add(f"{tag}"), stack.url
    only_script = pages.add(
        f"{tag}", policy=f"default-src 'none'; script-src {portal}/static/conversations/widget.js"
    )
    sandbox = pages.add(f"{tag}", policy="sandbox allow-scripts")
    causes = {
        "has no origin that could be allowed": cause(context, sandbox),
        "no data-key": cause(context, pages.add(f'<script src="{tag.src}"></script>')),
        'refused the key "wk_no"': cause(context, pages.add(str(Tag(tag.src, "wk_no")))),
        "not among this widget's allowed pages": cause(context, elsewhere.add(f"{tag}")),
        "did not load": cause(context, only_script),
        "could not be reached": cause(context, fine, blocked="**/made/styles.css"),
        "is on this page already": cause_beside(
            context, pages.add(f"{tag}{Tag(tag.src, 'wk_no')}".replace(" async", ""))
        ),
    }

    for wanted, said in causes.items():
        assert wanted in said
    watch.errors.clear()


def cause_beside(context: BrowserContext, url: str) -> str:
    """Return what the console says of a second tag; the first one's widget is there."""
    page = context.new_page()
    with page.expect_console_message(is_ours, timeout=20_000) as said:
        page.goto(url)
    expect(page.get_by_test_id("bubble")).to_be_visible()
    page.close()
    return said.value.text


@pytest.mark.parametrize(("width", "height"), [(844, 390), (844, 180), (390, 844), (390, 330)])
def test_the_field_is_in_sight_on_phones_in_either_direction_with_their_keyboard(
    page: Page, pages: HostPages, tag: Tag, stack: Stack, width: int, height: int
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    end_user = EndUser(page, stack, url=pages.add(f"<h1>Shop</h1>{tag}"))
    end_user.sees("Hello", "ai_agent")

    expect(end_user.by_id("input")).to_be_in_viewport(ratio=1)
    expect(end_user.by_id("send")).to_be_in_viewport(ratio=1)
    box = end_user.by_id("log").bounding_box()
    assert box
    assert box["height"] > 20


def test_what_old_libraries_do_to_every_list_and_object_changes_nothing_that_is_sent(
    page: Page, pages: HostPages, tag: Tag, stack: Stack
) -> None:
    end_user = EndUser(page, stack, url=pages.add(f"<h1>Shop</h1>{PROTOTYPE}{tag}"))
    end_user.sees("Hello", "ai_agent")
    end_user.write("Where is my parcel?")
    end_user.sees("Where is my parcel?", "end_user")
    page.reload()
    end_user.sees("Where is my parcel?", "end_user")


def test_a_public_page_reaches_a_portal_of_the_local_network_once_its_visitor_agrees(
    browser: Browser, pages: HostPages, tag: Tag, stack: Stack
) -> None:
    public = f"--ip-address-space-overrides={pages.origin.removeprefix('http://')}=public"
    chromium = browser.browser_type.launch(
        executable_path=find_browser(), args=[*ARGUMENTS, public]
    )
    page, url = chromium.new_page(), pages.add(f"<h1>Shop</h1>{tag}")
    with page.expect_console_message(lambda message: "address space" in message.text):
        page.goto(url)
    expect(page.locator("baton-widget")).to_have_count(0)

    page.context.grant_permissions(["local-network-access"])

    end_user = EndUser(page, stack, url=url)
    end_user.sees("Hello", "ai_agent")
    end_user.write("From far away")
    end_user.sees("From far away", "end_user")
    chromium.close()


def test_a_frozen_tab_goes_on_where_it_was(
    page: Page, pages: HostPages, tag: Tag, stack: Stack
) -> None:
    end_user = EndUser(page, stack, url=pages.add(f"<h1>Shop</h1>{tag}"))
    end_user.sees("Hello", "ai_agent")
    devtools = page.context.new_cdp_session(page)
    devtools.send("Page.setWebLifecycleState", {"state": "frozen"})
    other = EndUser(page.context.new_page(), stack, url=page.url)
    other.write("From the other tab")
    other.sees("From the other tab", "end_user")
    devtools.send("Page.setWebLifecycleState", {"state": "active"})

    end_user.sees("From the other tab", "end_user")
