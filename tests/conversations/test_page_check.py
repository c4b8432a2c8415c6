"""Check my page: tag, host and policy of a real page, and whether the widget is live."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.test import Client

from conversations.journal.services import Visitor
from conversations.models import Channel
from conversations.widget.page_check import live_state, page_checked
from conversations.widget.views import content_policy, script_tag
from tests import factories
from tests.members import client_with

pytestmark = pytest.mark.django_db


class Shop:
    """A customer's page, and what it is served with."""

    html = ""
    policy = ""
    status = 200
    location = ""
    url = ""


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(made.status)
            if made.policy:
                self.send_header("Content-Security-Policy", made.policy)
            if made.location:
                self.send_header("Location", made.location)
            self.end_headers()
            self.wfile.write(f"<html><body>{made.html}</body></html>".encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def channel(settings: Any) -> Channel:
    settings.ALLOW_LOCAL_AGENTS = True
    return factories.channel(allowed_origins=["127.0.0.1"])


def found(channel: Channel, shop: Shop) -> list[bool]:
    return [one.is_ok for one in page_checked(channel, shop.url)]


def test_a_page_with_tag_and_policy_passes(channel, shop):
    shop.html, shop.policy = script_tag(channel), content_policy()

    assert found(channel, shop) == [True, True, True, True]


@pytest.mark.parametrize(
    ("around", "is_there"),
    [
        ("{}", True),
        ("<" * 1_000_000 + "{}", True),
        ("<!--" * 200_000 + "{}", False),
        ("<!-- {} -->", False),
        ('<script src="http://[/conversations/widget.js"></script>{}', True),
        ("<script>const a = 1 < 2;</script>{}", True),
    ],
    ids=["plain", "signs", "open comments", "comment", "no address", "script"],
)
def test_a_page_of_any_shape_is_read_at_once(channel, shop, around, is_there):
    shop.html = around.replace("{}", script_tag(channel))

    assert found(channel, shop)[2] == is_there


@pytest.mark.parametrize("location", ["http://[", "javascript:alert(1)", "//", "https://10.0.0.1/"])
def test_a_redirect_to_nowhere_is_a_page_that_does_not_answer(channel, shop, location, settings):
    shop.status, shop.location = 302, location

    assert found(channel, shop)[0] is False


@pytest.mark.parametrize(
    ("policy", "lacks"),
    [
        ("default-src 'self'", "script-src"),
        ("script-src *; connect-src 'self'", "connect-src"),
        ("img-src https://cdn.example", "img-src"),
    ],
)
def test_what_a_policy_keeps_out_is_named(channel, shop, policy, lacks):
    shop.html, shop.policy = script_tag(channel), policy

    last = page_checked(channel, shop.url)[-1]

    assert not last.is_ok
    assert lacks in last.about


def test_a_missing_tag_another_key_and_a_foreign_host_are_told_apart(channel, shop):
    missing = page_checked(channel, shop.url)[2]
    shop.html = script_tag(factories.channel(channel.project))
    other = page_checked(channel, shop.url)[2]
    channel.allowed_origins = ["shop.example"]
    host = page_checked(channel, shop.url)[1]

    assert "No script" in missing.about
    assert "another key" in other.about
    assert not host.is_ok


def test_a_page_that_answers_nothing_good_says_so(channel, shop):
    shop.status = 500
    broken = page_checked(channel, shop.url)[0]
    away = page_checked(channel, "http://127.0.0.1:9/")

    assert "status 500" in broken.about
    assert [one.is_ok for one in away] == [False]


def test_an_address_inside_is_refused_where_none_may_be_called(channel, shop, settings):
    settings.ALLOW_LOCAL_AGENTS = False
    client = client_with(channel.project, widgets=2)
    address = f"/p/{channel.project.public_id}/widget/{channel.pk}/check/"

    refused = client.post(address, {"page": shop.url})

    assert refused.status_code == 422
    assert "cannot be fetched" in refused.content.decode()


def test_the_page_shows_what_was_found(channel, shop):
    shop.html = script_tag(channel)
    client = client_with(channel.project, widgets=2)

    page = client.post(
        f"/p/{channel.project.public_id}/widget/{channel.pk}/check/", {"page": shop.url}
    )

    assert page.status_code == 200
    assert "The tag with this widget’s key is there." in page.content.decode()


def test_a_widget_is_live_after_a_real_session_and_not_after_a_trial(channel, settings):
    trial = {"url": f"{settings.PUBLIC_URL}/w/{channel.public_key}/"}
    factories.conversation(channel, visitor=Visitor(page=trial))
    # Whoever opens a session says what its page is.
    for url in ("https://evil.example/", "http://[x"):
        factories.conversation(channel, visitor=Visitor(page={"url": url}))
    assert live_state(channel) is None

    factories.conversation(channel, visitor=Visitor(page={"url": "http://127.0.0.1/shoes?u=1"}))

    state = live_state(channel)
    assert state is not None
    assert state.page == "http://127.0.0.1/shoes"
    page: Client = client_with(channel.project, widgets=1)
    shown = page.get(f"/p/{channel.project.public_id}/widget/").content.decode()
    assert "http://127.0.0.1/shoes" in shown
