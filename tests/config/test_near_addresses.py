"""Addresses as people type and paste them: slashes, capitals and blanks lead to the same view."""

from __future__ import annotations

import re
import uuid

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import resolve

from config.requests.near_addresses import _OTHERS, _mended_path, mended_path
from tests import factories
from tests.config.routes import ROOT, routes
from tests.conversations.handshake_calls import error
from tests.conversations.test_streams import Exchange
from tests.conversations.widget import widget_of

pytestmark = pytest.mark.django_db(transaction=True)
FORMS = {
    "a slash more or less": lambda path: (
        path.removesuffix("/") + "/" * (path[-1] != "/" or path == "/")
    ),
    "two slashes": lambda path: path.replace("/", "//", 1) + "//",
    "a doubled slash inside": lambda path: path[0] + path[1:].replace("/", "//", 1),
    "blanks": lambda path: f"/ {path[1:].removesuffix('/')} " if path != "/" else "/ ",
}
CLOSED = ("admin/", "metrics")
SOMEONE = str(uuid.UUID(int=7))
VALUES = {
    "environment": "sandbox",
    "vendor": "genesys",
    "connection": "genesys",
    "project_id": "PROJECT-aB",
    "appended": "a/b",
}


def ours() -> list[str]:
    """Return an address of every route."""
    return [
        route.filled(VALUES | dict.fromkeys(re.findall(r"<uuid:(\w+)>", route.pattern), SOMEONE))
        for route in routes()
        if not route.pattern.startswith(CLOSED)
    ]


@pytest.mark.parametrize("form", FORMS)
def test_every_address_is_reached_by_what_is_nearly_it(form):
    for path in ours():
        meant = mended_path(FORMS[form](path))

        assert resolve(meant).route == resolve(path).route, path
        assert meant.strip("/").removesuffix("/") == path.strip("/"), path


def test_capitals_of_an_address_do_not_matter_and_those_of_an_id_do():
    assert mended_path("/API/V1/Access-Token") == "/api/v1/access-token"
    assert mended_path("/V1/Acct/PROJECT-aB/Handoff_State/") == "/v1/Acct/PROJECT-aB/handoff_state"
    assert mended_path(f"/api/v1/sessions/{uuid.UUID(int=0xAB)}/Events".upper()) == (
        f"/api/v1/sessions/{uuid.UUID(int=0xAB)}/events"
    )


@pytest.mark.parametrize("path", ["/ADMIN/", "/Metrics", "//admin/", "/nothing//here/", "/a%00b"])
def test_what_a_proxy_may_have_closed_and_what_is_nothing_stay_as_they_are(path):
    assert mended_path(path) == path


@pytest.mark.parametrize(
    "path", ["/api/v1/access-token/", "/api//v1//access-token", "/API/v1/Access-Token%20"]
)
def test_a_program_reaches_the_same_view_with_its_body(path):
    channel = factories.channel()
    headers = {"X-Token": channel.public_key, "X-Host": "shop.example"}

    answer = Client().post(path, "{}", content_type="application/json", headers=headers)
    page = {"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    asked = Client().options(path, headers=page)

    assert answer.status_code == 200
    assert "access_token" in answer.json()
    assert asked["Access-Control-Allow-Origin"] == "*"
    assert error(Client().post(path, "{}", content_type="application/json"))[1] == "MISSING_HEADER"


def test_a_reader_of_a_page_is_sent_to_its_own_address_and_a_form_arrives(client: Client):
    User.objects.create_user("mira", password="a good one 7")

    read = client.get("/LOGIN", {"next": "/p/x/"})
    sent = client.post("/Login", {"username": "mira", "password": "a good one 7"})

    assert (read.status_code, read["Location"]) == (302, "/login/?next=%2Fp%2Fx%2F")
    assert (sent.status_code, sent["Location"]) == (302, "/")


@pytest.mark.parametrize(
    "path", ["//evil.example/login/", "/\\evil.example/login", "//evil.example//login/.."]
)
def test_no_address_leads_to_another_host(path: str):
    assert mended_path(path) == path


async def test_sockets_streams_and_files_are_reached_too():
    async with widget_of(factories.conversation) as widget:
        client = await widget.connect()
        path = widget.path
        widget.path = lambda **query: path(**query).replace("/ws?", "/WS/?")  # type: ignore[method-assign]
        other = await widget.connect()
        first = [await one.until("EVENT_BATCH") for one in (client, other)]
        assert first[0]["payload"] == first[1]["payload"]

        session = widget.conversation.session_id
        stream = Exchange(
            f"/api/v1/Sessions/{session}/events/",
            accept="text/event-stream",
            authorization=f"Bearer {widget.token}",
        )
        await stream.begin()
        await stream.until(lambda body: b"data" in body)
        await stream.leave()

    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"


def test_the_addresses_of_all_sockets_are_known():
    source = (ROOT / "config" / "asgi.py").read_text()

    assert {*re.findall(r'^ +path\("([^"]+)"', source, re.M)} <= {*_OTHERS}


@pytest.mark.parametrize("path", ["/v2/ws/P/chat/create", "/v1/nothing", "/api/v9/sessions"])
def test_a_program_that_is_at_no_address_reads_the_envelope(path):
    answer = Client().post(path, {}, content_type="application/json")

    assert (answer.status_code, answer.json()["error_code"]) == (404, "NOT_FOUND")


def test_an_address_that_is_too_long_to_be_ours_is_neither_looked_at_nor_kept():
    long = "/" + "a" * 20_000
    before = _mended_path.cache_info()

    assert mended_path(long) == long
    assert _mended_path.cache_info() == before
