"""Sessions of mobile SDKs: they come back with a new token and drop what they do not know."""

from __future__ import annotations

import uuid

import pytest
from django.conf import settings

from conversations.journal.frames import EventType, transient_frame
from conversations.journal.services import Visitor
from conversations.models import Conversation
from conversations.socket.client_extensions import frame_shown
from conversations.socket.handshake import HandshakeError, session_of_token
from conversations.widget.access_token import token_issue
from tests import factories
from tests.conversations.handshake_calls import open_session, token_of

pytestmark = pytest.mark.django_db
FILE = {
    "file_id": "f1",
    "title": "map.pdf",
    "content_url": "https://portal.example/files/x/map.pdf",
    "content_type": "ATTACHMENT_CONTENT_TYPE_FILE",
    "call_to_action_text": "",
}


def session(platform: str = "ios", *, allows_apps: bool = True) -> Conversation:
    channel = factories.channel()
    channel.allows_apps = allows_apps
    channel.save()
    return factories.conversation(channel, visitor=Visitor(platform=platform))


def is_reopened(
    conversation: Conversation, *, origin: str = "", of: Conversation | None = None
) -> bool:
    """Say whether a token that was never bound to the session opens it."""
    channel = (of or conversation).channel
    token = token_issue(channel, family=uuid.uuid4(), is_trusted=False)
    try:
        found = session_of_token(str(conversation.session_id), token, origin)
    except HandshakeError as error:
        assert error.status == 401
        return False
    return found == conversation


@pytest.mark.parametrize("platform", ["ios", "android"])
def test_a_new_token_of_the_key_reopens_an_apps_session(platform: str) -> None:
    assert is_reopened(session(platform))


@pytest.mark.parametrize("platform", ["web", "ios-web", "android-web", "custom", ""])
def test_a_new_token_reopens_no_pages_session(platform: str) -> None:
    assert not is_reopened(session(platform))


def test_a_page_another_key_and_a_key_without_apps_reopen_nothing() -> None:
    assert not is_reopened(session(), origin="https://shop.example")
    assert not is_reopened(session(), of=session())
    assert not is_reopened(session(allows_apps=False))


def test_the_platform_is_what_the_client_names() -> None:
    channel = factories.channel()

    answer = open_session(token_of(channel), {"platform": "android"})

    made = Conversation.objects.get(session_id=answer.json()["session_id"])
    assert (made.platform, made.is_app) == ("android", True)


def test_an_app_is_told_what_a_text_may_have() -> None:
    [start] = session("ios").events.filter(type="SESSION_START")

    said = start.payload["capabilities"]["max_message_size_bytes"]
    assert said == settings.MESSAGE_MAX_CHARACTERS


def test_a_file_reaches_an_app_as_an_address_with_a_call_to_action() -> None:
    frame = transient_frame(EventType.LIVE_AGENT_MESSAGE, {"text": "", "attachments": [FILE]})

    [shown] = frame_shown(frame, session("ios").extensions, "de")["payload"]["attachments"]
    [kept] = frame_shown(frame, session("web").extensions, "de")["payload"]["attachments"]

    assert shown["content_type"] == "ATTACHMENT_CONTENT_TYPE_URL"
    assert (shown["title"], shown["call_to_action_text"]) == ("map.pdf", "Datei öffnen")
    assert kept == FILE


@pytest.mark.parametrize("kind", ["ATTACHMENT_CONTENT_TYPE_VIDEO", "", None])
def test_what_an_app_would_drop_reaches_it_as_an_address_with_a_title(kind: str | None) -> None:
    video = {"content_type": kind, "content_url": "https://a.example/v.mp4", "file_name": "v.mp4"}
    picture = {
        "content_type": "ATTACHMENT_CONTENT_TYPE_IMAGE",
        "content_url": "https://a.example/p",
    }
    frame = transient_frame(EventType.POLY_AGENT_MESSAGE, {"attachments": [video, picture]})

    shown = frame_shown(frame, session("android").extensions, "en")["payload"]["attachments"]

    assert [one["content_type"] for one in shown] == [
        "ATTACHMENT_CONTENT_TYPE_URL",
        "ATTACHMENT_CONTENT_TYPE_IMAGE",
    ]
    assert (shown[0]["title"], shown[0]["call_to_action_text"]) == ("v.mp4", "Open the file")
