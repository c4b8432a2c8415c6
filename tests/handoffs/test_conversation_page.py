"""One conversation's page: the whole text, live, with notes, tags, rating and who may see what."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.journal.frames import EventType
from conversations.journal.services import (
    Visitor,
    conversation_lock,
    events_append,
    log_append,
    message_event,
)
from conversations.models import Conversation, ConversationTag, LogEntry, Note, Survey
from handoffs.portal.conversations.marks import note_update
from handoffs.portal.conversations.search_fill import search_catch_up
from handoffs.states import State
from integrations.models import Area, AuditEntry, Project
from tests import factories
from tests.members import client_of_admin, client_with

pytestmark = pytest.mark.django_db
MARK = "zygomorph"


@pytest.fixture
def with_human(project: Project) -> Conversation:
    visitor = Visitor(external_id=f"id-{MARK}", is_verified=True, name=f"Ines {MARK}")
    made = factories.conversation(factories.channel(project), visitor=visitor)
    factories.said(made, f"My parcel {MARK} is lost")
    log_append(made, LogEntry.Level.INFO, "Looked up the order", source="find_order")
    log_append(made, LogEntry.Level.INFO, MARK, source="find_order", is_pii=True)
    handoff = factories.handoff(made, state=State.ACTIVE)
    factories.apply(factories.lease_of(handoff), factories.spoke(f"I look for {MARK}"))
    search_catch_up()
    return made


def url(name: str, of: Conversation, **more: object) -> str:
    return reverse(name, args=[of.project.public_id, of.pk, *more.values()])


def page_of(client: Client, of: Conversation, name: str = "conversation") -> str:
    answer = client.get(url(name, of))
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_human_part_the_tools_and_who_came_are_one_text_in_order(admin, with_human):
    page = page_of(admin, with_human)

    found = [
        page.index(text)
        for text in (
            "Hello from Birch.",
            f"My parcel {MARK} is lost",
            "Looked up the order",
            "A live agent was asked for",
            "Noor Halvorsen joined from Salesforce",
            f"I look for {MARK}",
        )
    ]
    assert found == sorted(found)
    assert 'id="event-3"' in page


def test_a_line_appears_while_the_page_is_open_and_the_end_stops_it(admin, with_human):
    before = page_of(admin, with_human, "conversation_live")
    handoff = with_human.handoffs.get()
    factories.apply(factories.lease_of(handoff), factories.spoke("Found it"))

    after = page_of(admin, with_human, "conversation_live")

    assert "Found it" not in before
    assert "Found it" in after
    assert 'data-open="true"' in after


def test_a_marker_is_on_no_page_of_a_member_without_the_right(project, with_human, admin):
    admin.post(url("conversation_note", with_human), {"text": MARK})
    reader = client_with(project, **{Area.CONVERSATIONS: 1})
    search_catch_up()

    for name in ("conversation", "conversation_live", "conversation_text"):
        page = page_of(reader, with_human, name)
        assert MARK not in page
        assert "Hidden" in page
        assert MARK in page_of(admin, with_human, name)


def test_reading_is_in_the_audit_once_an_hour_for_each_member(admin, project, with_human):
    for _ in range(3):
        page_of(admin, with_human)
    page_of(client_with(project, sees_personal_data=True, conversations=1), with_human)
    page_of(client_with(project, conversations=1), with_human)

    reads = AuditEntry.objects.filter(action="conversation.read", subject=with_human.pk)
    assert reads.count() == 2


def test_a_note_is_written_corrected_by_its_author_for_five_minutes_and_found(admin, with_human):
    admin.post(url("conversation_note", with_human), {"text": "Called back, all is well"})
    note = Note.objects.get()
    edit = url("conversation_note_edit", with_human, note_id=note.pk)
    admin.post(edit, {"text": "Called back at ten"})
    client_of_admin(with_human.project).post(edit, {"text": "Not mine"})
    note.refresh_from_db()

    assert note.text == "Called back at ten" in page_of(admin, with_human)
    note.created_at = timezone.now() - timedelta(minutes=6)
    with pytest.raises(ValidationError):
        note_update(note=note, text="Too late", actor=note.author)
    listed = admin.get(
        reverse("conversations", args=[with_human.project.public_id]) + "?q=has:note"
    )
    assert len(listed.context["rows"]) == 1
    actions = AuditEntry.objects.filter(subject=with_human.pk).values_list("action", flat=True)
    assert {"note.added", "note.changed"} <= set(actions)


def test_a_tag_is_put_found_and_taken_away(admin, with_human):
    lists = reverse("conversations", args=[with_human.project.public_id])
    for _ in range(2):
        admin.post(url("conversation_tag", with_human), {"name": "  Lost  Parcel "})

    found = admin.get(lists, {"tag": "lost parcel"})
    assert [row.tags for row in found.context["rows"]] == [["lost parcel"]]
    assert ConversationTag.objects.count() == 1

    admin.post(url("conversation_tag_remove", with_human), {"name": "lost parcel"})
    assert admin.get(lists, {"tag": "lost parcel"}).context["rows"] == []


@pytest.mark.parametrize("name", ["", " ", "x" * 41, 'with "quotes"'])
def test_what_cannot_be_a_tag_is_refused_with_the_reason(admin, with_human, name):
    answer = admin.post(url("conversation_tag", with_human), {"name": name}, follow=True)

    assert "A tag has 1 to 40 printable characters" in answer.content.decode()
    assert not ConversationTag.objects.exists()


def test_a_member_who_may_only_read_writes_neither_notes_nor_tags(project, with_human):
    reader = client_with(project, sees_personal_data=True, conversations=1)

    for name, data in (("conversation_note", {"text": "x"}), ("conversation_tag", {"name": "x"})):
        assert reader.post(url(name, with_human), data).status_code == 403
        assert f'action="{url(name, with_human)}"' not in page_of(reader, with_human)


def test_a_long_conversation_is_read_in_parts(admin, project):
    made = factories.conversation(factories.channel(project))
    with transaction.atomic():
        lines = [message_event(EventType.USER_MESSAGE, f"Line {n:03}.") for n in range(520)]
        events_append(conversation_lock(made.pk), lines)

    newest = admin.get(url("conversation", made))
    earlier = admin.get(url("conversation", made), {"before": newest.context["earlier"]})

    assert "Line 519." in newest.content.decode() and "Line 000." not in newest.content.decode()
    assert "Line 000." in earlier.content.decode() and "Line 519." not in earlier.content.decode()


def test_the_rating_is_on_the_page_and_finds_the_conversation(admin, project):
    made = factories.conversation(factories.channel(project), state="ended")
    now = timezone.now()
    Survey.objects.create(
        conversation=made,
        subject="both",
        deadline_at=now,
        answered_at=now,
        bot_score=2,
        live_agent_score=5,
        comment=MARK,
    )
    search_catch_up()
    lists = reverse("conversations", args=[project.public_id])

    assert "AI agent: 2 of 5, Live agent: 5 of 5" in " ".join(page_of(admin, made).split())
    assert len(admin.get(lists, {"q": "rating:<3"}).context["rows"]) == 1
    assert admin.get(lists, {"rating": "3"}).context["rows"] == []
    hidden = page_of(client_with(project, conversations=1), made)
    assert MARK not in hidden and "A comment, hidden." in hidden


def test_a_foreign_conversation_is_nowhere(admin):
    foreign = factories.conversation()
    own = reverse("conversations", args=[foreign.project.public_id])

    assert admin.get(own).status_code == 404
    assert admin.get(url("conversation", foreign)).status_code == 404


def test_the_page_needs_few_statements(admin, with_human, django_assert_max_num_queries):
    page_of(admin, with_human)

    with django_assert_max_num_queries(13):
        page_of(admin, with_human)
