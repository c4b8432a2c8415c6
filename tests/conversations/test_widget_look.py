"""How a widget looks: one call that anybody may keep, and nothing for a foreign page."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from conversations.models import Channel
from tests import factories
from tests.conversations.handshake_calls import error

pytestmark = pytest.mark.django_db
LOOK = "/api/v1/widget"


@pytest.fixture
def channel() -> Channel:
    return factories.channel()


def look(channel: Channel, host: str = "shop.example", **more: str) -> Any:
    query = {"key": channel.public_key, "host": host}
    return Client().get(LOOK, query | more.pop("query", {}), headers=more)  # type: ignore[arg-type]


def test_an_allowed_page_reads_the_look_and_every_browser_may_keep_it(channel):
    answer = look(channel, Origin="https://shop.example")

    widget = answer.json()["widget"]
    assert widget.pop("words")["send"] == "Send message"
    assert widget == {
        "title": "Chat with us",
        "accent": "#2457d6",
        "agent_name": "Birch",
        "language": "en",
    }
    assert answer["Cache-Control"] == "public, max-age=60"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "access_token" not in answer.content.decode()


def test_the_look_is_sent_small_and_not_again_while_it_is_the_same(channel):
    first = look(channel, Accept_Encoding="gzip")
    again = look(channel, If_None_Match=first["ETag"])

    assert first["Content-Encoding"] == "gzip"
    assert len(first.content) < 2_500
    assert (again.status_code, again.content) == (304, b"")


def test_a_refusal_can_be_read_by_whoever_takes_compressed_answers(channel):
    refused = look(channel, "evil.test", Accept_Encoding="gzip")

    assert "Content-Encoding" not in refused
    assert error(refused)[:2] == (401, "HOST_NOT_ALLOWED")


@pytest.mark.parametrize(
    ("host", "origin", "named"),
    [
        ("evil.test", "", "host"),
        ("shop.example", "https://evil.test", "Origin"),
        ("shop.example", "null", "Origin"),
        ("evil.test", "https://shop.example", "host"),
    ],
)
def test_a_foreign_page_is_refused_and_nothing_keeps_that(channel, host, origin, named):
    answer = look(channel, host, Origin=origin)

    assert error(answer)[:2] == (401, "HOST_NOT_ALLOWED")
    assert error(answer)[2].startswith(f"The page named by {named} ")
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("registered", "host", "origin", "is_allowed"),
    [
        ("capacitor://localhost", "localhost", "capacitor://localhost", True),
        ("capacitor://localhost", "localhost", "ionic://localhost", False),
        ("com.example.my_app", "com.example.My_App", "", True),
        ("com.example.my_app", "com.example.My_Other", "", False),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", "https://xn--bcher-kva.example", True),
        ("xn--bcher-kva.example", "bucher.example", "", False),
        ("localhost", "localhost", "null", False),
    ],
)
def test_apps_and_names_of_other_scripts_are_known_as_browsers_name_them(
    channel, registered, host, origin, is_allowed
):
    channel.allowed_origins = [registered]
    channel.save()

    answer = look(channel, host, **({"Origin": origin} if origin else {}))

    assert answer.status_code == (200 if is_allowed else 401)


def test_only_the_public_key_of_a_channel_that_is_on_has_a_look(channel):
    secret = factories.secret_token(channel)
    refused = [look(channel, query={"key": key}) for key in (secret, "wk_nobody", "")]
    channel.is_enabled = False
    channel.save()

    assert [error(answer)[:2] for answer in refused] == [
        (401, "UNAUTHORIZED"),
        (401, "UNAUTHORIZED"),
        (400, "INVALID_REQUEST"),
    ]
    assert error(look(channel))[:2] == (401, "UNAUTHORIZED")


def test_an_office_behind_one_address_opens_as_many_pages_as_it_likes(channel, settings):
    settings.ACCESS_TOKENS_PER_MINUTE = settings.SESSIONS_PER_MINUTE = 1

    assert {look(channel).status_code for _ in range(50)} == {200}


def test_a_page_that_isolates_itself_may_load_the_widget(settings):
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True

    answer = Client().get("/static/conversations/widget.js")

    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
