"""What a client is told whose socket was refused: whether there is a session to connect to."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from conversations.models import Conversation
from conversations.socket.responder import responder
from tests import factories
from tests.conversations.handshake_calls import error

pytestmark = pytest.mark.django_db
URL = "/api/v1/sessions/{}"


@pytest.fixture
def conversation() -> Conversation:
    return factories.conversation()


def ask(conversation, *, token=None, session_id=None, **headers):
    given = factories.access_token(conversation) if token is None else token
    return Client().get(
        URL.format(session_id or conversation.session_id),
        headers={"Authorization": f"Bearer {given}", **headers},
    )


def test_an_open_session_is_named(conversation):
    answer = ask(conversation, Origin="https://shop.example")

    assert answer.status_code == 200
    assert answer.json() == {"session_id": str(conversation.session_id)}
    assert answer["Access-Control-Allow-Origin"] == "*"


def test_a_session_that_has_ended_is_gone(conversation):
    responder().on_leave(conversation_id=conversation.pk, metadata=None)

    assert error(ask(conversation))[:2] == (410, "SESSION_ENDED")


def test_an_unknown_session_is_not_found(conversation):
    assert error(ask(conversation, session_id=uuid.uuid4()))[:2] == (404, "SESSION_NOT_FOUND")


def test_only_the_sessions_own_token_and_pages_are_answered(conversation):
    strangers = factories.access_token(factories.conversation())

    answers = [
        ask(conversation, token=""),
        ask(conversation, token="x.y.z"),
        ask(conversation, token=strangers),
        ask(conversation, Origin="https://evil.example"),
    ]

    assert [error(answer)[:2] for answer in answers] == [(401, "UNAUTHORIZED")] * 4


def test_asking_without_an_end_is_bounded_and_tells_when_to_ask_again(conversation):
    # Sixty in each minute: the tries may stand on both sides of a full one.
    statuses = []
    while 429 not in statuses and len(statuses) <= 121:
        statuses.append(ask(conversation).status_code)

    assert statuses[-1] == 429 and set(statuses[:-1]) == {200}
    assert 60 <= len(statuses) - 1 < 120
