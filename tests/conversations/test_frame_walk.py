"""Frames of every type with whatever fields clients read, walked at random: none is a failure."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from conversations.api.events import FRAMES_PER_REQUEST
from conversations.journal.frames import EventType
from conversations.models import Event
from tests import factories
from tests.documented_frames import frame_checked

pytestmark = pytest.mark.django_db(transaction=True)
SOURCES = [
    Path(__file__).resolve().parents[2] / "conversations" / place
    for place in ("socket/client_frames.py", "socket/client_payloads.py", "survey/reading.py")
]
# Every name that the code looks for in a frame.
FIELDS = sorted(
    {name for path in SOURCES for name in re.findall(r'"([a-z_]{2,24})"', path.read_text())}
    | {"client_event_id", "local_id", "custom", "values"}
)
LIKELY = (
    *("", " ", "x", "\x00", "\ud800", "TYPING_STATE_STARTED", "TYPING_STATE_STOPPED", "a" * 70),
    *("0d5d2a3e-9b7e-4c1c-8d0f-2f7f0a5b6c7d", "c1", "null", "9" * 25, "\u202e", "😀" * 9),
)
scalars = st.one_of(
    st.sampled_from(LIKELY),
    st.text(st.characters(codec=None), max_size=12),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.booleans(),
    st.none(),
)
names = st.one_of(st.sampled_from(FIELDS), st.text(max_size=6))
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=8,
)
payloads = st.dictionaries(st.sampled_from(FIELDS), values, max_size=4)
frames = st.one_of(
    st.fixed_dictionaries(
        {"type": st.sampled_from([f"EVENT_TYPE_{kind}" for kind in EventType])},
        optional={
            "payload": payloads | values,
            "metadata": st.fixed_dictionaries({"custom": payloads}) | values,
        },
    ),
    values,
)
requests = st.lists(frames, min_size=FRAMES_PER_REQUEST, max_size=FRAMES_PER_REQUEST)


def walk(conversation_of: Any, given_frames: list[Any]) -> None:
    """Send frames to a new conversation; each answer is one that is documented."""
    conversation = conversation_of()
    token = factories.access_token(conversation)
    answer = Client(raise_request_exception=False).post(
        f"/api/v1/sessions/{conversation.session_id}/events",
        json.dumps({"frames": given_frames}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )

    # What no JSON holds (NaN, half a character) is refused whole, with the reason.
    assert answer.status_code in (200, 400), answer.content
    if answer.status_code == 200:
        for frame in answer.json()["events"]:
            frame_checked(frame)
    else:
        assert answer.json()["error_code"] == "INVALID_REQUEST"
    lines = [*Event.objects.filter(conversation=conversation).order_by("sequence")]
    assert [line.sequence for line in lines] == list(range(1, len(lines) + 1))


@pytest.mark.parametrize("requests_sent", [12, pytest.param(1000, marks=pytest.mark.long)])
def test_no_frame_is_a_failure_and_the_journal_stays_whole(requests_sent: int, settings: Any):
    settings.SOCKET_FRAMES_PER_SECOND = 0
    channel = factories.channel()

    @_settings(requests_sent)
    @given(requests)
    def walked(sent: list[Any]) -> None:
        walk(lambda: factories.conversation(channel), sent)

    walked()


def _settings(number: int) -> Any:
    return hypothesis_settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
