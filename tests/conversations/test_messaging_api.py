"""The handshake: who gets a token and a session, and the exact words for everybody else."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from conversations.models import Channel, Conversation, EndUser, Event
from conversations.models.conversation import TEST_PANEL
from conversations.urls.api import urlpatterns
from conversations.widget.access_token import token_verify
from tests import factories
from tests.conversations.handshake_calls import (
    SESSIONS,
    TOKEN,
    ask_token,
    error,
    open_session,
    post,
    token_of,
)

pytestmark = pytest.mark.django_db
HOST_TEXT = (
    "The page named by {} may not use this channel. "
    "Add its host under Configure > Widget > Allowed pages."
)


@pytest.fixture
def channel() -> Channel:
    return factories.channel()


# ---- the token ----


def test_a_page_that_is_allowed_gets_a_token_and_what_the_widget_shows(channel):
    response = ask_token(channel)

    body = response.json()
    assert response.status_code == 200
    assert set(body) == {"access_token", "expires_in", "token_type", "widget"}
    assert (body["expires_in"], body["token_type"]) == (900, "Bearer")
    assert body["widget"] == {"title": "Chat with us", "accent": "#2457d6", "agent_name": "Birch"}
    assert token_verify(body["access_token"]).channel_id == channel.pk


@pytest.mark.parametrize("around", ['"{}"', "'{}' ", "\u201c{}\u201d"])
def test_a_key_is_known_with_the_quotes_that_it_was_pasted_with(channel, around):
    key = around.format(channel.public_key)
    look = Client().get("/api/v1/widget", {"key": key, "host": "shop.example"})
    token = post(TOKEN, X_Token=key, X_Host="shop.example")

    assert (look.status_code, token.status_code) == (200, 200)


def test_what_a_client_sends_as_null_it_has_not_sent(channel):
    names = ("platform", "streaming_enabled", "locale", "page", "time_zone", "consent", "form")
    body = dict.fromkeys((*names, "extensions", "variant_id"))
    response = open_session(token_of(channel), body)

    assert response.status_code == 200


@pytest.mark.parametrize("missing", ["X_Token", "X_Host"])
def test_both_headers_are_needed(channel, missing):
    headers = {"X_Token": channel.public_key, "X_Host": "shop.example"}
    del headers[missing]

    assert error(post(TOKEN, **headers)) == (
        400,
        "MISSING_HEADER",
        "Send the headers X-Token and X-Host.",
    )


@pytest.mark.parametrize("key", ["wk_nobody", "ct_nobody", "Bearer x", "' OR 1=1", "ÿ"])
def test_an_unknown_key_is_refused(channel, key):
    assert error(ask_token(channel, X_Token=key)) == (
        401,
        "UNAUTHORIZED",
        "X-Token is not the key of a channel that is switched on.",
    )


def test_a_channel_that_is_switched_off_gives_no_token_and_on_again_it_does(channel):
    token = token_of(channel)
    channel.is_enabled = False
    channel.save()

    assert error(ask_token(channel))[:2] == (401, "UNAUTHORIZED")
    assert error(open_session(token)) == (401, "UNAUTHORIZED", "The channel is switched off.")

    channel.is_enabled = True
    channel.save()
    assert open_session(token).status_code == 200


def test_a_channel_without_a_secret_has_no_empty_secret(channel):
    assert error(ask_token(channel, X_Token="ct_"))[0] == 401


@pytest.mark.parametrize(
    ("registered", "host", "is_allowed"),
    [
        ("shop.example", "shop.example", True),
        ("shop.example", "SHOP.Example", True),
        ("shop.example", "www.shop.example", True),
        ("shop.example", "a.b.shop.example:8443", True),
        ("shop.example", "https://shop.example", True),
        ("shop.example", "shop.example.evil.test", False),
        ("shop.example", "evilshop.example", False),
        ("shop.example", "evil.test", False),
        ("shop.example", "null", False),
        ("shop.example", "shop.example@evil.test", False),
        ("shop.example", "http://[broken", False),
        ("shop.example", "shop.example:99999", False),
        ("shop.example:8443", "shop.example:8443", True),
        ("shop.example:8443", "shop.example:9000", False),
        ("shop.example:443", "https://shop.example", True),
        ("shop.example:8443", "https://shop.example", False),
        ("", "anything.test", False),
        ("", "anything.test.", False),
    ],
)
def test_a_host_must_be_registered_or_below_one_that_is(channel, registered, host, is_allowed):
    channel.allowed_origins = [registered]
    channel.save()

    response = ask_token(channel, host)

    if is_allowed:
        assert response.status_code == 200
    else:
        assert error(response) == (401, "HOST_NOT_ALLOWED", HOST_TEXT.format("X-Host"))


def test_the_portals_own_page_is_always_allowed(channel, settings):
    channel.allowed_origins = []
    channel.save()

    assert ask_token(channel, settings.PUBLIC_URL).status_code == 200


def test_the_browsers_origin_is_checked_whatever_x_host_claims(channel):
    assert ask_token(channel, Origin="https://shop.example").status_code == 200
    for origin in ("https://evil.test", "null"):
        assert error(ask_token(channel, Origin=origin)) == (
            401,
            "HOST_NOT_ALLOWED",
            HOST_TEXT.format("Origin"),
        )


def test_too_many_tokens_a_minute_are_refused_and_it_says_when_to_come_back(channel, settings):
    settings.ACCESS_TOKENS_PER_MINUTE = 4

    responses = [ask_token(channel) for _ in range(9)]

    refused = [response for response in responses if response.status_code == 429]
    status, code, message = error(refused[0])
    # A fixed window: at most two of them meet during the test.
    assert 4 <= len(responses) - len(refused) <= 8
    assert (status, code) == (429, "RATE_LIMITED")
    assert message == f"Too many requests. Try again in {refused[0]['Retry-After']} seconds."


# ---- sessions ----


def test_a_session_is_a_conversation_that_begins_with_its_start(channel):
    token = token_of(channel)

    response = open_session(token)

    conversation = Conversation.objects.get()
    [start] = Event.objects.all()
    assert response.json() == {"session_id": str(conversation.session_id)}
    assert conversation.token_family == token_verify(token).family
    assert (conversation.state, conversation.environment) == ("created", "sandbox")
    assert (start.sequence, start.type) == (1, "SESSION_START")
    assert start.payload == {
        "capabilities": {
            "streaming": False,
            "max_message_size_bytes": 131072,
            "max_reconnect_attempts": 10,
            "heartbeat_interval_seconds": 30,
            "extensions": [
                "EVENT_TYPE_USER_CANCEL_HANDOFF",
                "EVENT_TYPE_USER_READ_MESSAGE",
                "EVENT_TYPE_USER_RECEIVED_MESSAGE",
                "EVENT_TYPE_USER_RETRY_MESSAGE",
            ],
            "attachments": {"max_bytes": 0, "mime": []},
        }
    }


def test_what_the_page_says_is_kept_with_the_conversation(channel):
    body = {
        "platform": "ios-web",
        "streaming_enabled": True,
        "variant_id": "VARIANT-1",
        "locale": "pt-BR",
        "page": {"url": "https://shop.example/cart", "title": "Cart", TEST_PANEL: "live"},
        "integration_attributes": {"cart": {"total": 12.5, "items": [1, 2]}},
    }

    assert open_session(token_of(channel), body).status_code == 200

    conversation = Conversation.objects.get()
    assert (conversation.variant_id, conversation.locale) == ("VARIANT-1", "pt-BR")
    # Nobody on a page makes a conversation one of the portal's own trials, which are not counted.
    assert conversation.page == {"url": "https://shop.example/cart", "title": "Cart"}
    assert conversation.integration_attributes == body["integration_attributes"]
    assert not conversation.end_user.is_verified


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        ("[" * 5000, "body"),
        ('{"page": ' + "[" * 5000, "page"),
        (
            '{"integration_attributes": {"a": ' + "[" * 70 + "]" * 70 + "}}",
            "integration_attributes",
        ),
        ('{"integration_attributes": {"a": [1e999]}}', "integration_attributes"),
        ('{"integration_attributes": {"a": NaN}}', "body"),
        ('{"locale": "\\ud800"}', "locale"),
        ('{"unheard_of": "\\u0000"}', "unheard_of"),
        ('{"platform": "\\udfff"}', "platform"),
        ('"\\ud800"', "body"),
        ('{"locale": ' + "9" * 5000 + "}", "body"),
        ("\x00", "body"),
    ],
    ids=lambda value: value[:40],
)
def test_json_that_nothing_could_keep_is_refused_by_the_name_of_its_field(
    channel, client, raw, field
):
    answer = client.post(
        "/api/v1/sessions",
        raw.encode(),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token_of(channel)}"},
    )

    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_REQUEST")
    assert answer.json()["error_message"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"platform": "fridge"}, "platform"),
        ({"streaming_enabled": "perhaps"}, "streaming_enabled"),
        ({"variant_id": "v" * 65}, "variant_id"),
        ({"locale": "l" * 36}, "locale"),
        ({"page": "https://shop.example"}, "page"),
        ({"page": {"url": "u" * 2001}}, "page"),
        ({"page": {"nul \x00": "x"}}, "page"),
        ({"page": {"url": "nul \x00"}}, "page"),
        ({"integration_attributes": [1]}, "integration_attributes"),
        ({"integration_attributes": {"a": ["nul \x00"]}}, "integration_attributes"),
        ({"integration_attributes": {"lone \ud800": 1}}, "integration_attributes"),
        ({"integration_attributes": {"big": "x" * 70_000}}, "integration_attributes"),
        ([1], "The body must be a JSON object."),
    ],
    ids=lambda value: str(value)[:40].encode("ascii", "replace").decode(),
)
def test_a_bad_body_names_the_field_at_fault_and_stores_nothing(channel, body, field):
    status, code, message = error(open_session(token_of(channel), body))

    assert (status, code) == (400, "INVALID_REQUEST")
    assert message == field or message.partition(": ")[0].partition(".")[0] == field
    assert not Conversation.objects.exists()


def test_a_body_that_is_no_json_is_answered_in_the_envelope(channel):
    authorization = f"Bearer {token_of(channel)}"
    client = Client(raise_request_exception=False)

    broken = client.post(
        SESSIONS,
        data="{not json",
        content_type="application/json",
        headers={"Authorization": authorization},
    )
    text = client.post(
        SESSIONS, data="x", content_type="text/plain", headers={"Authorization": authorization}
    )

    assert error(broken)[:2] == (400, "INVALID_REQUEST")
    assert error(text)[:2] == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("path", [TOKEN, SESSIONS])
def test_another_method_is_answered_in_the_envelope(path):
    assert error(Client().get(path))[:2] == (405, "METHOD_NOT_ALLOWED")


def test_too_many_sessions_a_minute_are_refused_and_it_says_when_to_come_back(channel, settings):
    settings.SESSIONS_PER_MINUTE = 4
    token = token_of(channel)

    responses = [open_session(token) for _ in range(9)]

    refused = [response for response in responses if response.status_code == 429]
    assert 4 <= len(responses) - len(refused) <= 8
    assert error(refused[0])[:2] == (429, "RATE_LIMITED")
    assert int(refused[0]["Retry-After"]) > 0


# ---- a server that holds the secret token ----


def test_a_trusted_server_names_the_end_user(channel):
    token = token_of(channel, X_Token=factories.secret_token(channel))
    user = {"external_id": "ines-4411", "name": "Ines Duarte", "email": "ines@example.org"}

    assert open_session(token, {"end_user": user}).status_code == 200
    assert open_session(token, {"end_user": {"external_id": "ines-4411"}}).status_code == 200

    [known] = EndUser.objects.all()
    assert known.is_verified
    assert (known.external_id, known.name, known.email) == tuple(user.values())
    assert {c.end_user for c in Conversation.objects.all()} == {known}


def test_a_page_cannot_name_the_end_user(channel):
    assert error(open_session(token_of(channel), {"end_user": {"external_id": "boss"}})) == (
        403,
        "FORBIDDEN",
        "end_user needs a token made with the secret connector token.",
    )
    assert not EndUser.objects.exists()


@pytest.mark.parametrize(
    "user", [{}, {"external_id": ""}, "ines", {"external_id": 1, "email": "x"}]
)
def test_a_bad_end_user_is_refused(channel, user):
    token = token_of(channel, X_Token=factories.secret_token(channel))

    assert error(open_session(token, {"end_user": user}))[:2] == (400, "INVALID_REQUEST")


def test_an_end_user_of_one_project_is_nobody_in_another(channel):
    other = factories.channel()
    for one in (channel, other):
        token = token_of(one, X_Token=factories.secret_token(one))
        open_session(token, {"end_user": {"external_id": "ines-4411"}})

    assert EndUser.objects.filter(external_id="ines-4411").count() == 2


# ---- browsers ----


OF_A_SESSION = [
    f"/{route.pattern}".replace("<uuid:session_id>", str(uuid.uuid4()))
    for route in urlpatterns
    if "<uuid:session_id>" in str(route.pattern)
]


@pytest.mark.parametrize("path", [TOKEN, SESSIONS, *OF_A_SESSION])
def test_a_browser_may_ask_from_any_page_whether_it_may_ask(path):
    response = Client().options(
        path,
        headers={
            "Origin": "https://shop.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,x-token,x-host",
        },
    )

    allowed = response["Access-Control-Allow-Headers"]
    assert response.status_code == 200
    assert response["Access-Control-Allow-Origin"] == "*"
    assert {"authorization", "content-type", "x-token", "x-host"} <= set(allowed.split(", "))
    assert "POST" in response["Access-Control-Allow-Methods"]
    assert "Access-Control-Allow-Credentials" not in response


def test_an_error_can_be_read_by_the_page_that_caused_it(channel):
    response = ask_token(channel, Origin="https://evil.test")

    assert response["Access-Control-Allow-Origin"] == "*"


def test_no_other_page_of_the_portal_is_open_to_other_origins():
    response = Client().get("/healthz", headers={"Origin": "https://shop.example"})

    assert "Access-Control-Allow-Origin" not in response
