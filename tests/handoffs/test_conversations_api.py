"""The Conversations API lists what was said and where it went, page by page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.journal.frames import EventType
from conversations.journal.services import Visitor
from conversations.models import Channel, Conversation, Variant
from handoffs.lifecycle.locking import handoff_leased
from handoffs.lifecycle.services import handoff_end
from handoffs.states import EndReason, State
from integrations.models import ApiKey, Project
from tests import factories

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


class Reader:
    """A system with a key that reads a project's conversations of the sandbox."""

    def __init__(self, channel: Channel) -> None:
        self.channel, self.project = channel, channel.project
        self.key = factories.api_key(self.project, ApiKey.Permission.CONVERSATIONS)[1]

    def get(self, *, of: Project | None = None, key: str = "", **query: Any) -> tuple[int, Any]:
        project = of or self.project
        path = f"/v3/{project.workspace.slug}/{project.public_id}/conversations"
        asked = {"client_env": "sandbox", **query}
        response = Client(raise_request_exception=False).get(
            path, asked, headers={"x-api-key": key or self.key}
        )
        return response.status_code, response.json()

    def ids(self, **query: Any) -> list[str]:
        status, body = self.get(**query)
        assert status == 200, body
        return [item["id"] for item in body["conversations"]]

    def conversation(self, *, hours: int = 0, **fields: Any) -> Conversation:
        """Make one that started so many hours ago."""
        visitor = Visitor(api_channel=fields.pop("api_channel", ""))
        made = factories.conversation(self.channel, visitor=visitor)
        fields["started_at"] = timezone.now() - hours * HOUR
        Conversation.objects.filter(pk=made.pk).update(**fields)
        made.refresh_from_db()
        return made


@pytest.fixture
def reader() -> Reader:
    return Reader(factories.channel())


def test_an_item_has_the_turns_of_both_parts_and_the_handoff_flat_and_whole(reader: Reader):
    conversation = reader.conversation(tool_state={"tier": "gold"}, variant_id="VARIANT-1", hours=0)
    factories.said(conversation, "My parcel is lost")
    factories.said(conversation, "I'll transfer you.", EventType.POLY_AGENT_MESSAGE)
    factories.said(conversation, "One moment.", EventType.POLY_AGENT_MESSAGE)
    handoff = factories.handoff(
        conversation, state=State.ACTIVE, hints={"queue": "Parcels", "reason": "lost"}
    )
    lease = factories.lease_of(handoff)
    factories.apply(lease, factories.spoke("Hello, I am Noor."))
    factories.said(conversation, "Where is it?")
    factories.apply(lease, factories.spoke("In Leeds."))
    factories.apply(lease, factories.spoke("It comes tomorrow."))
    with handoff_leased(lease) as locked:
        handoff_end(locked, EndReason.LIVE_AGENT_ENDED, lease=lease)

    [item] = reader.get()[1]["conversations"]

    assert [(t["user_input"], t["agent_response"]) for t in item["turns"]] == [
        ("", "Hello from Birch."),
        ("My parcel is lost", "I'll transfer you.\nOne moment."),
    ]
    assert item["turns"][0]["user_input_datetime"] is None
    assert item["turns"][1]["latency"] >= 0
    assert [
        (t["user_input"], t["agent_response"], t["agent_name"]) for t in item["live_agent_turns"]
    ] == [
        ("", "Hello, I am Noor.", "Noor Halvorsen"),
        ("Where is it?", "In Leeds.", "Noor Halvorsen"),
        ("", "It comes tomorrow.", "Noor Halvorsen"),
    ]
    flat = ("handoff", "handoff_reason", "handoff_destination", "num_turns", "in_progress")
    assert [item[name] for name in flat] == [True, "lost", "Parcels", 2, False]
    [whole] = item["handoffs"]
    assert (whole["id"], whole["status"], whole["end_reason"]) == (
        handoff.pk,
        "handoff_completed",
        "live_agent_ended",
    )
    assert (item["state"], item["variant_id"], item["channel"]) == (
        {"tier": "gold"},
        "VARIANT-1",
        "WEBCHAT",
    )
    assert item["environment"] == "sandbox"
    assert 0 <= item["bot_duration"] == item["polyai_duration"] <= item["total_duration"]


def test_a_conversation_without_a_handoff_has_empty_texts_and_no_null(reader: Reader):
    reader.conversation()

    [item] = reader.get()[1]["conversations"]

    assert item["handoff"] is False
    assert (item["handoff_reason"], item["handoff_destination"], item["handoffs"]) == ("", "", [])
    assert (item["from_number"], item["to_number"], item["variant_name"]) == ("", "", "")


def test_a_variant_has_its_id_and_its_name_and_is_found_by_both(reader: Reader):
    variant = Variant.objects.create(project=reader.project, name="Northern brand")
    Variant.objects.create(project=factories.project(), name="Northern brand")
    conversation = reader.conversation(variant_id=variant.public_id)
    reader.conversation(variant_id="VARIANT-gone")

    [item] = reader.get(variant_name="Northern brand")[1]["conversations"]

    assert (item["variant_id"], item["variant_name"]) == (variant.public_id, "Northern brand")
    assert reader.ids(variant_id=variant.public_id) == [conversation.pk]
    assert reader.ids(variant_name="Southern brand") == []


def test_each_filter_narrows_the_list(reader: Reader):
    old = reader.conversation(hours=5, variant_id="VARIANT-1")
    app = reader.conversation(hours=3, api_channel="whatsapp")
    chat = reader.conversation(hours=2, api_channel="api", state="ended")
    live = reader.conversation(hours=1, environment="live")

    def at(hours: float) -> str:
        return (timezone.now() - hours * HOUR).isoformat()

    assert reader.ids() == [chat.pk, app.pk, old.pk]
    assert reader.ids(start_time=at(4)) == [chat.pk, app.pk]
    assert reader.ids(end_time=at(4)) == [old.pk]
    assert reader.ids(start_time=at(4), end_time=at(2.5)) == [app.pk]
    assert reader.ids(client_env="") == [live.pk], "live unless another is named"
    assert reader.ids(channel="WEBCHAT") == [old.pk]
    assert reader.ids(channel=["CHAT", "whatsapp"]) == [chat.pk, app.pk]
    assert reader.ids(variant_id="VARIANT-1") == reader.ids(variant_name="VARIANT-1") == [old.pk]
    assert reader.ids(in_progress="true") == [app.pk, old.pk]
    assert reader.ids(in_progress="false") == [chat.pk]


def test_a_cursor_goes_on_where_the_page_ended_though_new_ones_have_begun(reader: Reader):
    made = [reader.conversation(hours=hours).pk for hours in range(1, 8)]

    _, first = reader.get(limit=3)
    reader.conversation()
    _, second = reader.get(limit=3, cursor=first["next_cursor"], offset=1)
    _, third = reader.get(limit=3, cursor=second["next_cursor"])

    pages = [[item["id"] for item in page["conversations"]] for page in (first, second, third)]
    assert pages == [made[:3], made[3:6], made[6:]]
    assert third["next_cursor"] is None
    assert reader.ids(limit=2, offset=6) == made[5:7]


def test_two_that_started_at_the_same_moment_are_on_one_page_each(reader: Reader):
    at = timezone.now() - HOUR
    made = {reader.conversation().pk for _ in range(4)}
    Conversation.objects.update(started_at=at)

    seen, cursor = [], ""
    while cursor is not None:
        _, page = reader.get(limit=1, cursor=cursor)
        seen += [item["id"] for item in page["conversations"]]
        cursor = page["next_cursor"]

    assert len(seen) == 4
    assert set(seen) == made


def test_five_are_listed_unless_another_limit_is_named(reader: Reader):
    for _ in range(6):
        reader.conversation()

    assert len(reader.ids()) == 5
    assert len(reader.ids(limit=5000)) == 6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cursor", "nonsense"),
        ("cursor", "WzEsMl0"),
        ("cursor", "é"),
        ("cursor", "eyJhIjoxfQ=="),
        ("limit", "0"),
        ("limit", "5001"),
        ("limit", "many"),
        ("limit", "0000000000010000000000"),
        ("limit", "9" * 5000),
        ("offset", "-1"),
        ("start_time", "yesterday"),
        ("start_time", "0001-01-01T00:00:00+14:00"),
        ("end_time", "9999-12-31T23:59:59-14:00"),
        ("end_time", "2026-13-40T00:00:00Z"),
        ("client_env", "production"),
        ("channel", "FAX"),
        ("in_progress", "perhaps"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(reader: Reader, name: str, value: str):
    status, body = reader.get(**{name: value})

    assert (status, name in body["error_message"]) == (400, True)
    assert body["error_code"] == ("INVALID_CURSOR" if name == "cursor" else "INVALID_REQUEST")


def test_a_page_of_many_costs_as_many_statements_as_one_of_few(reader: Reader):
    def statements(number: int) -> int:
        for _ in range(number):
            conversation = reader.conversation()
            factories.said(conversation, "My parcel is lost")
            factories.handoff(conversation, state=State.FAILED)
        reader.get(limit=100)
        with CaptureQueriesContext(
            connection,
        ) as asked:
            status, body = reader.get(limit=100)
        assert (status, len(body["conversations"])) == (200, Conversation.objects.count())
        return len(asked)

    assert statements(1) == statements(6)


def test_only_a_key_with_the_permission_reads_its_own_project(reader: Reader):
    conversation = reader.conversation()
    other = Reader(factories.channel())
    chat_key = factories.api_key(reader.project, ApiKey.Permission.CHAT)[1]

    assert reader.ids() == [conversation.pk]
    assert reader.get(key="wrong")[0] == 401
    assert reader.get(key=chat_key)[0] == 403
    assert other.ids() == []
    assert other.get(of=reader.project)[0] == 403
