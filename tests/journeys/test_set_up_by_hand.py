"""A new project, set up in the portal alone: connect, paste the tool, assign it, chat."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.journeys.conftest import Watch
from tests.journeys.people import PHRASE, UTTERANCE, Desk, EndUser
from tests.journeys.portal import Portal
from tests.journeys.stack import Stack
from tests.journeys.test_connect_by_hand import begin, fill

# The function of the vendor's guide, unchanged.
SEED = (
    'def transfer_to_salesforce(conv: Conversation): return {"utterance": '
    '"No problem, I\'ll transfer you to one of our agents now.", '
    '"handoff": {"text_chat": {"salesforce_integration": {}}}}'
)


def write_source(page: Page, source: str) -> None:
    """Put another text into the editor, as a person does who pastes it, once it is there."""
    expect(page.locator(".cm-content")).to_be_visible()
    page.get_by_role("textbox", name="Python source").click()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.press("Backspace")
    page.keyboard.insert_text(source)


def test_an_admin_sets_up_a_handoff_with_nothing_but_the_portal(page: Page, stack: Stack) -> None:
    portal = Portal(page, stack)
    portal.sign_in()
    page.goto("/projects/new/")
    page.get_by_label("Name").fill("Second shop")
    page.get_by_role("button", name="Create project").click()

    begin(portal, "Sandbox")
    salesforce = stack.demo["simulators"]["salesforce_messaging"]
    fill(page, stack, developer_name=salesforce["es_developer_name"])
    expect(page.get_by_text("Every check passed.").first).to_be_visible()
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("button", name="Save behaviour")).to_be_visible()

    portal.open("Tools")
    page.get_by_role("link", name="New tool").first.click()
    page.get_by_label("Name").fill("transfer_to_salesforce")
    write_source(page, SEED)
    page.get_by_role("button", name="Save").first.click()

    portal.open("Topics")
    page.get_by_role("link", name="New topic").first.click()
    page.get_by_label("Name").fill("A person, please")
    page.get_by_label("Example queries").fill(f"{PHRASE}\nget me a person")
    page.get_by_role("button", name="Add action").click()
    page.get_by_label("What to do").first.select_option("run_tool:transfer_to_salesforce")
    page.get_by_role("button", name="Save").first.click()

    portal.open("Widget")
    page.get_by_role("link", name="New widget").first.click()
    page.get_by_label("Name").fill("Second page")
    page.get_by_role("button", name="Create").or_(page.get_by_role("button", name="Save")).click()
    page.get_by_role("link", name="Open test page").first.click()
    page.wait_for_url("**/w/**")

    desk = Desk(stack.simulator_url)
    desk.reset()
    end_user = EndUser(page, stack, url=page.url)
    end_user.asks_for_a_person()
    end_user.sees(UTTERANCE, "ai_agent")
    chat = desk.accept_newest()
    desk.does(chat, "say", text="At your service")

    end_user.sees("At your service")


def test_the_documented_tool_can_be_pasted_into_the_demo_under_its_own_name(
    page: Page, stack: Stack
) -> None:
    portal = Portal(page, stack)
    portal.sign_in()
    portal.open("Tools")
    page.get_by_role("link", name="New tool").first.click()
    page.get_by_label("Name").fill("transfer_to_salesforce")
    write_source(page, SEED)

    page.get_by_role("button", name="Save").first.click()

    portal.open("Tools")
    expect(portal.main.get_by_role("link", name="transfer_to_salesforce")).to_be_visible()


@contextmanager
def shop(address: str, tag: str, directory: Path) -> Iterator[str]:
    """Serve a customer's page, which carries the tag, from an origin of its own."""
    (directory / "index.html").write_text(f"<!doctype html><title>Shop</title><h1>Shop</h1>{tag}")
    handler = partial(SimpleHTTPRequestHandler, directory=str(directory))
    with ThreadingHTTPServer((address, 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://{address}:{server.server_port}/"
        server.shutdown()


def script_tag(stack: Stack) -> str:
    """Return the tag as the portal prints it."""
    key = stack.demo["webchat"]["public_key"]
    return f'<script src="{stack.url}/static/conversations/widget.js" data-key="{key}"></script>'


def test_one_tag_on_a_plain_page_of_an_allowed_origin_is_enough(
    page: Page, stack: Stack, watch: Watch, tmp_path: Path
) -> None:
    with shop("127.0.0.1", script_tag(stack), tmp_path) as url:
        watch.allowed_origins.append(url.rstrip("/"))
        end_user = EndUser(page, stack, url=url)

        end_user.write("When are you open?")

        end_user.sees("9:00 to 18:00", "ai_agent")
    watch.errors.clear()  # a page without an icon


def test_a_foreign_origin_shows_nothing_and_the_server_refuses_it(
    page: Page, stack: Stack, watch: Watch, tmp_path: Path
) -> None:
    with shop("127.0.0.2", script_tag(stack), tmp_path) as url:
        watch.allowed_origins.append(url.rstrip("/"))
        with (
            page.expect_console_message(lambda said: "allowed pages" in said.text),
            page.expect_response("**/api/v1/widget?*") as answer,
        ):
            page.goto(url)

        assert answer.value.status == 401
        expect(page.get_by_test_id("bubble")).to_have_count(0)
    watch.errors.clear()
