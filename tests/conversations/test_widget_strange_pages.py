"""The widget on pages whose scripts, frames and windows are not as one would have them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from tests.conversations.widget_lab import ORIGIN, STATIC, Lab, message, reply

# What libraries and applications do to a page before anything else runs.
SCRIPTS = {
    "dates are revived by the page's JSON.parse": """
        const parse = JSON.parse, isDate = (value) => /^\\d{4}-\\d\\d-\\d\\dT/.test(value);
        JSON.parse = (text) => parse(text, (_, it) => isDate(it) ? new Date(it) : it);""",
    "loops that know only what is there": """
        for (const kind of [Array, Object, String, Function]) kind.prototype.own = "enumerable";
        crypto.randomUUID = undefined;""",
    "elements and lists as an old library has them": """
        Element.prototype.remove = function () { this.parentNode.removeChild(this); return this; };
        Array.prototype.entries = function () { return [...this]; };
        Array.prototype.without = Array.prototype.filter;""",
}
TIDY = """<script>
  let isTidy = true;
  new MutationObserver(() => {
    if (isTidy) document.querySelectorAll("baton-widget").forEach((one) => one.remove());
  }).observe(document.documentElement, { childList: true });
</script>"""
# What pages call their own values, and which kind they say that these are.
NAMES = {
    "values": ":root, * { --x: 300px !important; --y: 50% !important; --top: 200px !important; }",
    "kinds": "".join(
        f"@property --{name} {{ syntax: '<number>'; inherits: false; initial-value: 0; }}"
        for name in ("surface", "text", "fill", "on", "side", "rise", "link", "line", "shadow")
    ),
}
SEEN = """() => {
  const root = document.querySelector("baton-widget").shadowRoot;
  return [".panel", ".bubble", "header", "textarea"].map((part) => {
    const element = root.querySelector(part);
    const { color, backgroundColor, boxShadow } = getComputedStyle(element);
    return [color, backgroundColor, boxShadow, JSON.stringify(element.getBoundingClientRect())];
  });
}"""
FULL = """<script>
  localStorage.setItem("baton.wk_lab", '{"token": "old", "expiresAt": 0}');
  Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
</script>"""


def talks(page: Page, lab: Lab, text: str = "Hello there") -> None:
    """Write a line, and see that the portal was sent just that and echoed it."""
    page.get_by_test_id("input").fill(text)
    page.get_by_test_id("input").press("Enter")
    expect(message(page, text)).to_have_attribute("data-status", "sent")
    assert lab.sent("USER_MESSAGE")[-1]["payload"]["text"] == text


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_whatever_scripts_did_to_the_page_the_conversation_goes_on(lab: Lab, script: str) -> None:
    lab.markup = f"<script>{{ {script} }}</script>"
    page = lab.open()
    lab.offers(choices=[reply(1, "Yes"), reply(2, "No")])

    talks(page, lab)
    page.get_by_role("button", name="Yes").click()

    own = page.locator("[data-from=end_user]")
    expect(message(page, "Yes").and_(own)).to_have_attribute("data-status", "sent")
    assert lab.sessions[0]["extensions"] == ["rich_content", "message_changes"]
    assert lab.sessions[0]["page"]["title"] == "Shop"
    assert lab.sent("USER_MESSAGE")[-1]["payload"]["answer"] == {
        "message_id": "m1",
        "payload": "c1",
    }


@pytest.mark.parametrize("style", NAMES.values(), ids=NAMES)
def test_names_of_the_pages_own_styles_are_not_the_widgets(lab: Lab, style: str) -> None:
    page = lab.visit()
    expect(page.get_by_test_id("input")).to_be_visible()
    usual = page.evaluate(SEEN)

    lab.markup = f"<style>{style}</style>"
    page.reload()
    expect(page.get_by_test_id("input")).to_be_visible()

    assert page.evaluate(SEEN) == usual


def test_a_page_that_fills_the_screen_has_the_widget_above_it(lab: Lab) -> None:
    lab.attributes = ""
    page = lab.visit()
    bubble = page.get_by_test_id("bubble")
    expect(bubble).to_be_visible()

    page.evaluate("document.body.requestFullscreen()")
    page.wait_for_function("document.fullscreenElement === document.body")
    bubble.click()

    expect(page.get_by_test_id("input")).to_be_visible()


def test_inline_the_widget_waits_for_its_place_and_goes_into_a_new_one(lab: Lab) -> None:
    lab.attributes += ' data-render-mode="inline" data-container="#chat"'
    page = lab.visit()
    page.wait_for_function("!!window.HandoffChat?.openWidget")
    place = "document.querySelector('main').innerHTML = '<div id=chat></div>'"

    page.evaluate(place)
    talks(page, lab)
    for swap in ("document.body.outerHTML = '<body><main></main></body>'", "0"):
        page.evaluate(swap)
        page.evaluate(place)
        expect(page.locator("#chat > baton-widget")).to_have_count(1)
        expect(message(page, "Hello there")).to_be_visible()
    assert len(lab.sessions) == 1


def test_a_title_that_is_cut_in_the_middle_of_a_character_opens_a_conversation(lab: Lab) -> None:
    lab.markup = "<script>document.title = 'Sale \\ud83d\\ude00 now \\ud83d'</script>"
    page = lab.open()

    talks(page, lab)
    assert lab.sessions[0]["page"]["title"] == "Sale \U0001f600 now"


def test_a_locale_with_all_that_one_can_hold_opens_a_conversation(lab: Lab) -> None:
    lab.attributes = 'data-auto-open data-locale="de-AT-u-ca-buddhist-co-phonebk-hc-h23-nu-latn"'
    page = lab.open()

    expect(page.get_by_placeholder("Nachricht schreiben…")).to_be_visible()
    assert lab.sessions[0]["locale"] == "de-AT"


def test_a_conversation_that_the_portal_does_not_open_is_not_asked_for_again_at_once(
    lab: Lab,
) -> None:
    asked: list[str] = []

    def refuse(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(status=400, json={"error_code": "INVALID_REQUEST", "error_message": "No."})

    lab.context.route("**/api/v1/sessions", refuse)
    page = lab.context.new_page()
    page.clock.install()
    page.goto(f"{ORIGIN}/")
    expect(page.get_by_test_id("input")).to_be_visible()
    page.wait_for_timeout(1000)
    assert len(asked) == 1

    with page.expect_response("**/api/v1/sessions"):
        page.clock.fast_forward(30_000)


def test_a_page_that_takes_the_widget_away_stays_alive_and_gets_it_back(lab: Lab) -> None:
    lab.markup = TIDY
    page = lab.visit()
    page.wait_for_function("!!window.HandoffChat?.openWidget")

    page.evaluate("isTidy = false")

    talks(page, lab)


def test_a_storage_that_is_full_costs_no_second_conversation(lab: Lab) -> None:
    lab.markup = FULL
    page = lab.open()
    talks(page, lab)
    lab.loses_the_network()
    expect(page.get_by_test_id("banner")).to_contain_text("Reconnecting")
    lab.finds_the_network()

    talks(page, lab, "Still here")
    assert len(lab.sessions) == 1


def test_a_key_that_was_pasted_with_quotes_is_the_key(lab: Lab) -> None:
    lab.markup = f'<script src="{STATIC}widget.js" data-key=" “wk_lab” " async></script>'
    page = lab.visit()

    expect(page.get_by_test_id("bubble")).to_be_visible()
    assert page.evaluate("HandoffChat.key") == "wk_lab"


def test_a_policy_against_styles_leaves_a_picture_its_size(lab: Lab) -> None:
    policy = "style-src 'none'"
    lab.markup = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    picture = {"content_type": "ATTACHMENT_CONTENT_TYPE_IMAGE", "title": "Plan"}
    address = {"content_url": "/files/a/plan.png", "preview_image_url": "/files/a/plan.png"}
    lab.says(
        "LIVE_AGENT_MESSAGE",
        {"message_id": "m1", "agent_id": "a1", "text": "", "attachments": [picture | address]},
    )
    page = lab.open()

    page.get_by_role("link", name="Plan").click()

    shown = page.get_by_test_id("lightbox").get_by_role("img")
    expect(shown).to_have_css("display", "block")


def over_http(lab: Lab, stream: str) -> tuple[Page, list[int], list[int]]:
    """Open a page beside a portal over HTTP; return the sizes of what it was sent and asked."""
    said: list[int] = []
    asked: list[int] = []

    def answer(route: Route) -> None:
        if route.request.method == "POST":
            said.append(len(route.request.post_data_buffer or b""))
            return route.fulfill(json={"events": []})
        is_stream = "event-stream" in route.request.headers["accept"]
        asked.append(len(asked))
        if is_stream:
            return route.fulfill(content_type="text/event-stream", body=stream)
        return route.fulfill(json={"events": []})

    lab.context.route("**/sessions/s1/events**", answer)
    page = lab.visit()
    page.evaluate(
        f"""async (url) => {{
          const {{ HttpSocket }} = await import("{STATIC}widget/made/http_socket.js");
          const target = {{ url, token: async () => "t", cursor: () => 0 }};
          window.way = new HttpSocket(target);
        }}""",
        f"{ORIGIN}/api/v1/sessions/s1/events",
    )
    return page, said, asked


def test_what_waited_is_sent_in_requests_that_the_portal_takes(lab: Lab) -> None:
    page, said, _ = over_http(lab, "data: {}\n\n")

    with page.expect_response(lambda _: sum(said) > 12 * 38_000):
        page.evaluate("for (let n = 0; n < 12; n++) way.send(JSON.stringify('я'.repeat(19_000)))")

    assert max(said) < settings.FRAME_MAX_BYTES


def test_whoever_has_the_whole_journal_need_not_wait_for_news_to_begin(lab: Lab) -> None:
    page, _, _ = over_http(lab, ":\n\n")

    with page.expect_request("**/sessions/s1/events?*wait=*") as asked:
        pass

    assert asked.value.url.endswith("&wait=1")


def goes_on_over_http(
    lab: Lab, on_socket: Callable[[WebSocketRoute], None], *, step_ms: int
) -> None:
    """Open a page whose sockets fare so, and let its time pass until it asks over HTTP."""
    lab.context.route_web_socket("ws://portal.test/ws**", on_socket)
    lab.context.route("**/api/v1/sessions/s1", lambda route: route.fulfill(json={}))
    page = lab.context.new_page()
    page.clock.install()

    with page.expect_request("**/sessions/s1/events?*", timeout=20_000):
        page.goto(f"{ORIGIN}/")
        for _ in range(12):
            page.clock.run_for(step_ms)
            page.wait_for_timeout(100)


def test_a_socket_that_opens_and_says_nothing_is_one_that_is_blocked(lab: Lab) -> None:
    goes_on_over_http(lab, lambda _: None, step_ms=5_000)


def test_sockets_that_the_network_cuts_before_they_had_to_beat_are_blocked(lab: Lab) -> None:
    def cut(socket: WebSocketRoute) -> None:
        lab._connect(socket)
        socket.close()

    goes_on_over_http(lab, cut, step_ms=1_000)


def test_a_network_that_ends_every_answer_at_once_is_not_asked_again_and_again(lab: Lab) -> None:
    page, _, asked = over_http(lab, ":\n\n")

    page.wait_for_timeout(1500)

    assert len(asked) == 1


def test_a_page_with_a_base_of_its_own_loads_nothing_from_there(lab: Lab) -> None:
    lab.markup = '<base href="https://elsewhere.test/deep/">'
    asked: list[str] = []
    lab.context.on("request", lambda request: asked.append(request.url))

    talks(lab.open(), lab)

    assert [url for url in asked if "elsewhere.test" in url] == []


def test_a_frame_without_storage_talks_from_memory(lab: Lab) -> None:
    lab.markup = '<iframe sandbox="allow-scripts" src="/framed" width=500 height=600></iframe>'
    lab.attributes += ' data-render-mode="fullscreen"'
    page = lab.visit()
    frame = page.frame_locator("iframe")

    frame.get_by_test_id("input").fill("From a frame")
    frame.get_by_test_id("input").press("Enter")

    line = frame.get_by_test_id("message").filter(has_text="From a frame")
    expect(line).to_have_attribute("data-status", "sent")


def test_a_first_opening_without_a_network_goes_on_when_it_is_back(lab: Lab) -> None:
    lab.attributes = ""
    page = lab.visit()
    expect(page.get_by_test_id("bubble")).to_be_visible()
    lab.loses_the_network()
    lab.context.route("**/api/v1/**", lambda route: route.abort())
    page.get_by_test_id("bubble").click()
    expect(page.get_by_test_id("banner")).to_contain_text("Reconnecting")
    page.get_by_test_id("input").fill("Written meanwhile")
    page.get_by_test_id("input").press("Enter")

    lab.context.unroute("**/api/v1/**")
    lab.finds_the_network()

    expect(message(page, "Written meanwhile")).to_have_attribute("data-status", "sent")


def test_whoever_goes_back_to_the_page_finds_the_conversation_open(lab: Lab) -> None:
    page = lab.open()
    talks(page, lab)
    page.goto("about:blank")
    page.go_back()

    expect(message(page, "Hello there")).to_be_visible()
    talks(page, lab, "And again")
    assert len(lab.sessions) == 1


def test_at_four_times_the_size_the_field_is_in_sight_and_nothing_is_wider(lab: Lab) -> None:
    page = lab.open()
    page.set_viewport_size({"width": 320, "height": 256})

    for part in ("input", "send", "close"):
        expect(page.get_by_test_id(part)).to_be_in_viewport(ratio=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    talks(page, lab)


def test_in_forced_colours_every_part_has_an_edge_and_nothing_moves(lab: Lab) -> None:
    lab.offers(choices=[reply(1, "Yes"), reply(2, "No")])
    page = lab.open()
    page.emulate_media(forced_colors="active", reduced_motion="reduce")
    expect(page.get_by_role("button", name="Yes")).to_be_visible()

    edges = page.evaluate("""() => {
      const root = document.querySelector("baton-widget").shadowRoot;
      return [".panel", ".bubble", ".box", ".choice", ".bubble-text"].map((part) => {
        const style = getComputedStyle(root.querySelector(part));
        return [part, style.borderTopStyle, style.animationName, style.transitionProperty];
      });
    }""")

    assert [edge[1:3] for edge in edges] == [["solid", "none"]] * len(edges)


@pytest.mark.parametrize(
    ("portal", "told"),
    [
        ("http://192.168.1.5:8000", "asks the visitor for access to the local network"),
        ("https://baton.corp.internal", "asks the visitor for access to the local network"),
        ("https://baton.example.com", "has it in connect-src"),
    ],
)
def test_why_a_portal_is_out_of_reach_is_said_as_far_as_it_shows(
    lab: Lab, portal: str, told: str
) -> None:
    page = lab.visit()

    said = page.evaluate(
        f"""async (portal) => {{
          const {{ cause }} = await import("{STATIC}widget/made/trouble.js");
          const kinds = {{ Refused: RangeError, Unreachable: TypeError }};
          return cause({{ portal, key: "wk_lab" }}, new TypeError("Failed to fetch"), kinds);
        }}""",
        portal,
    )

    assert f"{portal} could not be reached from http://portal.test." in said
    assert told in said


def test_the_platform_that_the_tag_names_is_told_to_the_portal(lab: Lab) -> None:
    usual = lab.attributes
    for said in ("ios", "android", "web", "", "tv"):
        lab.attributes = f'{usual} data-platform="{said}"'
        page = lab.open()
        page.evaluate("localStorage.clear()")
        page.close()

    told = [session["platform"] for session in lab.sessions]
    assert told == ["ios-web", "android-web", "web", "web", "web"]
