"""Settings > Retention: one end user is erased whole, and what is over is deleted."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.journal.services import Visitor
from conversations.models import (
    Attachment,
    Conversation,
    ConversationFact,
    EndUser,
    Erasure,
    Event,
    LogEntry,
    Note,
    SmsThread,
    Survey,
)
from conversations.models.conversation import TEST_PANEL
from handoffs.clocks.retention import retention_run
from handoffs.models import Handoff, PastAttempt, VendorKey
from handoffs.portal.analytics.facts import facts_write
from handoffs.portal.conversations.search_fill import search_catch_up
from handoffs.portal.erasure.classes import kept_classes
from handoffs.portal.erasure.erasing import erasure_run, erasures_waiting
from handoffs.states import State
from integrations.models import AuditEntry, Project, VendorCall
from integrations.projects.retention import Retention, retention_of, retention_set
from tests import factories
from tests.members import client_with

pytestmark = pytest.mark.django_db
MARK = "Ottilie-Marker"
# Of a conversation: what holds words of the end user's, of a page's and of tools'.
_OBJECTS = ("tool_state", "flow", "dialog", "agent_session", "page", "integration_attributes")


def at(name: str, project: Project, *args: object) -> str:
    return reverse(name, args=[project.public_id, *args])


def talked(project: Project, state: State = State.ENDED) -> Handoff:
    """A person whose name stands everywhere it can."""
    conversation = factories.conversation(factories.channel(project))
    factories.said(conversation, f"I am {MARK}")
    handoff = factories.handoff(conversation, state=state)
    EndUser.objects.filter(pk=conversation.end_user_id).update(
        name=MARK, email=f"{MARK}@example.org", phone="+491701234567", memory={"name": MARK}
    )
    Conversation.objects.filter(pk=conversation.pk).update(
        **{name: {"name": MARK} for name in _OBJECTS},
        metrics=[{"name": "city", "value": MARK, "at": "2026-11-01T00:00:00+00:00"}],
        shared_id=MARK,
    )
    row = Handoff.objects.get(pk=handoff.pk)
    row.routing = {"reason": MARK}
    row.vendor_session, row.vendor_conversation_id = {"name": MARK}, "vendor-1"
    row.utterance = row.reason = row.error_detail = MARK
    row.context_data, row.early_changes = {"name": MARK}, {"m-1": {"text": MARK}}
    row.summary, row.shared_id = {"text": MARK, "by": "tool"}, MARK
    row.save()
    LogEntry.objects.create(
        project=project, conversation=conversation, level="info", content=MARK, fields={"n": MARK}
    )
    Note.objects.create(conversation=conversation, text=MARK)
    Survey.objects.create(
        conversation=conversation, subject="bot", deadline_at=timezone.now(), comment=MARK
    )
    VendorCall.objects.create(
        integration=handoff.integration,
        reference=handoff.pk,
        operation="send",
        method="POST",
        path="/",
        duration_ms=1,
        request_body={"text": MARK},
        at=timezone.now(),
    )
    attachment = Attachment(
        conversation=conversation,
        direction="from_end_user",
        name=f"{MARK}.txt",
        mime_type="text/plain",
        size_bytes=4,
        sha256="0" * 64,
    )
    attachment.file.save("x", ContentFile(MARK.encode()))
    return row


def rows_with(mark: str) -> list[str]:
    """Name every column of every table in which a text still stands."""
    found = []
    for model in apps.get_models():
        if model._meta.label == "conversations.ConversationSearch":
            continue
        for row in model._base_manager.all():
            for field in row._meta.concrete_fields:
                if mark in str(getattr(row, field.attname)):
                    found.append(f"{model._meta.label}.{field.name}")
    return sorted(set(found))


def erase(admin: Client, project: Project, person_id: int, **fields: str) -> Any:
    page = at("person", project, person_id)
    known_as = f"{MARK}@example.org"
    return admin.post(page, {"reason": "request 7", "confirm_name": known_as, **fields})


class TestErasing:
    def test_nothing_of_the_person_is_left_and_the_figures_stay(self, admin, project):
        handoff = talked(project)
        end_conversation(handoff.conversation)
        before = Event.objects.filter(conversation=handoff.conversation).count()
        path = Attachment.objects.get().file.path
        facts_write([handoff.conversation_id])
        assert len(rows_with(MARK)) > 20

        erase(admin, project, handoff.conversation.end_user_id)
        erasure_run(Erasure.objects.get().pk)
        search_catch_up(before=facts_write)

        assert rows_with(MARK) == []
        assert Event.objects.filter(conversation=handoff.conversation).count() == before
        kept = Handoff.objects.get(pk=handoff.pk)
        assert (kept.state, kept.requested_at) == (handoff.state, handoff.requested_at)
        assert not Path(path).exists()

    def test_a_trial_that_is_erased_is_counted_no_more_than_before(self, admin, project):
        handoff = talked(project)
        end_conversation(handoff.conversation)
        Conversation.objects.update(page={TEST_PANEL: "draft", "title": MARK})

        erase(admin, project, handoff.conversation.end_user_id)
        erasure_run(Erasure.objects.get().pk)
        search_catch_up(before=facts_write)

        assert rows_with(MARK) == []
        assert not ConversationFact.objects.exists()

    def test_the_report_counts_and_names_what_lies_with_vendors(self, admin, project):
        handoff = talked(project)
        end_conversation(handoff.conversation)

        erase(admin, project, handoff.conversation.end_user_id)
        row = Erasure.objects.get()
        erasure_run(row.pk)

        page = admin.get(at("erasure", project, row.pk)).content.decode()
        assert "vendor-1" in page
        assert "Salesforce" in page
        row.refresh_from_db()
        assert row.counts["files"] == row.counts["notes"] == row.counts["handoffs"] == 1

    def test_pages_of_what_was_erased_still_open(self, admin, project):
        handoff = talked(project)
        end_conversation(handoff.conversation)
        erase(admin, project, handoff.conversation.end_user_id)
        erasure_run(Erasure.objects.get().pk)

        for name, key in (("handoff", handoff.pk), ("conversation", handoff.conversation_id)):
            page = admin.get(at(name, project, key))
            assert page.status_code == 200
            assert "[erased]" in page.content.decode()

    def test_an_open_handoff_is_ended_first_and_the_vendor_waited_for(self, admin, project):
        handoff = talked(project, State.ACTIVE)

        erase(admin, project, handoff.conversation.end_user_id)
        row = Erasure.objects.get()
        erasure_run(row.pk)

        assert not Handoff.objects.get(pk=handoff.pk).is_open
        row.refresh_from_db()
        assert row.state == Erasure.State.WAITING
        assert "until the vendor has confirmed" in row.waits_for
        assert erasures_waiting() == [row.pk]

    def test_an_end_function_that_still_runs_is_waited_for_as_it_keeps_what_it_knows(
        self, admin, project
    ):
        handoff = talked(project)
        end_conversation(handoff.conversation)
        Conversation.objects.update(end_function_due_at=timezone.now() + timedelta(minutes=3))
        erase(admin, project, handoff.conversation.end_user_id)
        row = Erasure.objects.get()

        erasure_run(row.pk)
        row.refresh_from_db()
        assert row.state == Erasure.State.WAITING

        Conversation.objects.update(end_function_due_at=None)
        erasure_run(row.pk)
        assert rows_with(MARK) == []

    def test_a_vendor_that_never_confirms_is_waited_for_an_hour(self, admin, project):
        handoff = talked(project, State.ACTIVE)
        erase(admin, project, handoff.conversation.end_user_id)
        row = Erasure.objects.get()
        erasure_run(row.pk)
        Erasure.objects.update(requested_at=timezone.now() - timedelta(minutes=61))

        erasure_run(row.pk)

        assert rows_with(MARK) == []

    def test_erasing_twice_changes_nothing_more(self, admin, project):
        handoff = talked(project)
        end_conversation(handoff.conversation)
        erase(admin, project, handoff.conversation.end_user_id)
        again = erase(admin, project, handoff.conversation.end_user_id)
        erasure_run(Erasure.objects.get().pk)
        erasure_run(Erasure.objects.get().pk)

        assert again.status_code == 422
        assert Erasure.objects.get().state == Erasure.State.DONE

    def test_a_number_that_texts_went_to_is_erased_too(self, admin, project):
        handoff = talked(project)
        end_conversation(handoff.conversation)
        number = EndUser.objects.get(pk=handoff.conversation.end_user_id).phone
        thread = SmsThread.objects.create(
            integration=handoff.integration, our_number="+15550100", user_number=number
        )
        other = SmsThread.objects.create(
            integration=factories.integration(factories.project()),
            our_number="+15550100",
            user_number=number,
        )

        erase(admin, project, handoff.conversation.end_user_id)
        erasure_run(Erasure.objects.get().pk)

        thread.refresh_from_db()
        other.refresh_from_db()
        assert thread.user_number != number
        assert other.user_number == number

    def test_it_goes_on_where_a_lost_worker_stopped(self, admin, project):
        handoff = talked(project)
        end_conversation(handoff.conversation)
        person_id = handoff.conversation.end_user_id
        second = factories.conversation(handoff.conversation.channel)
        end_conversation(second)
        Conversation.objects.filter(pk=second.pk).update(end_user_id=person_id)
        erase(admin, project, person_id)
        Erasure.objects.update(blanked=[second.pk], counts={"conversations": 1})

        erasure_run(Erasure.objects.get().pk)

        row = Erasure.objects.get()
        assert row.counts["conversations"] == 2
        assert sorted(row.blanked) == sorted([second.pk, handoff.conversation_id])
        assert rows_with(MARK) == []

    def test_what_nobody_can_read_any_more_is_erased_too(self, admin, project, settings):
        handoff = talked(project)
        end_conversation(handoff.conversation)
        VendorKey.objects.create(integration=handoff.integration, key="k", handoff=handoff)
        PastAttempt.objects.create(
            handoff=handoff, number=1, integration=handoff.integration, vendor_session={"n": MARK}
        )
        erase(admin, project, handoff.conversation.end_user_id)
        settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

        erasure_run(Erasure.objects.get().pk)

        assert Erasure.objects.get().state == Erasure.State.DONE
        kept = Handoff.objects.get(pk=handoff.pk)
        assert (kept.routing, kept.vendor_session, kept.summary) == ({}, None, None)

    def test_who_comes_back_is_somebody_new(self, admin, project):
        handoff = talked(project)
        end_conversation(handoff.conversation)
        external_id = handoff.conversation.end_user.external_id
        erase(admin, project, handoff.conversation.end_user_id)
        erasure_run(Erasure.objects.get().pk)

        back = factories.conversation(
            handoff.conversation.channel, visitor=Visitor(external_id=external_id)
        )

        assert back.end_user_id != handoff.conversation.end_user_id

    @pytest.mark.parametrize("fields", [{"reason": ""}, {"confirm_name": "somebody"}])
    def test_what_is_not_meant_is_not_done(self, admin, project, fields):
        handoff = talked(project)

        answer = erase(admin, project, handoff.conversation.end_user_id, **fields)

        assert answer.status_code == 422
        assert not Erasure.objects.exists()

    def test_the_audit_says_who_erased_and_not_whom(self, admin, project):
        handoff = talked(project)

        erase(admin, project, handoff.conversation.end_user_id)

        entry = AuditEntry.objects.get(action="end_user.erased")
        assert entry.actor is not None
        assert MARK not in entry.subject


class TestFinding:
    @pytest.mark.parametrize("by", ["email", "phone", "external_id", "conversation"])
    def test_a_person_is_found_by_whatever_names_them(self, admin, project, by):
        handoff = talked(project)
        person = EndUser.objects.get(pk=handoff.conversation.end_user_id)
        wanted = handoff.conversation_id if by == "conversation" else getattr(person, by)

        answer = admin.post(at("person_find", project), {"person": wanted})

        assert answer["Location"] == at("person", project, person.pk)

    def test_somebody_of_another_project_is_nobody(self, admin, project):
        handoff = talked(factories.project())

        found = admin.post(at("person_find", project), {"person": f"{MARK}@example.org"})
        page = admin.get(at("person", project, handoff.conversation.end_user_id))

        assert "Nobody here is known so" in found.content.decode()
        assert page.status_code == 404

    def test_it_needs_account_and_the_right_to_personal_data(self, project):
        handoff = talked(project)
        page = at("person", project, handoff.conversation.end_user_id)

        assert client_with(project, account=2).get(page).status_code == 403
        assert (
            client_with(project, conversations=2, sees_personal_data=True).get(page).status_code
            == 403
        )
        reader = client_with(project, account=1, sees_personal_data=True)
        assert reader.get(page).status_code == 200
        assert reader.post(page, {}).status_code == 403

    def test_everything_kept_is_taken_away_as_a_file(self, admin, project):
        handoff = talked(project)
        page = at("person_export", project, handoff.conversation.end_user_id)

        rows = [json.loads(line) for line in admin.post(page, {"format": "ndjson"})]

        kinds = {"end_user", "conversation", "line", "survey", "file", "handoff", "log"}
        assert {row["kind"] for row in rows} == kinds
        assert any(MARK in json.dumps(row["data"]) for row in rows if row["kind"] == "line")
        assert AuditEntry.objects.filter(action="end_user.exported").exists()


class TestClasses:
    def test_the_page_says_of_each_class_how_long_it_is_kept_and_since_when_there_is_any(
        self, admin, project, settings, django_assert_num_queries
    ):
        settings.ATTACHMENT_KEEP_DAYS = 11
        retention_set(project=project, kept=Retention(conversation_days=0), actor=None)
        project.refresh_from_db()
        started = timezone.now() - timedelta(days=90)
        for conversation in (
            talked(project).conversation,
            talked(factories.project()).conversation,
        ):
            end_conversation(conversation)
            Conversation.objects.filter(pk=conversation.pk).update(started_at=started)
            started -= timedelta(days=9)

        with django_assert_num_queries(1):
            classes = {one.what: one for one in kept_classes(project)}
        page = admin.get(at("retention", project)).content.decode()

        assert (classes["Conversations"].days, classes["Files"].days) == (0, 11)
        oldest = timezone.now() - classes["Conversations"].oldest
        assert oldest.days == 90
        assert "11 days after they were sent" in page and "for ever" in page


class TestRetention:
    def test_conversations_that_ended_long_ago_go_whole(self, project):
        old, young = talked(project), talked(project)
        for handoff, days in ((old, 31), (young, 29)):
            end_conversation(handoff.conversation)
            ended_at = timezone.now() - timedelta(days=days)
            Conversation.objects.filter(pk=handoff.conversation_id).update(ended_at=ended_at)
        retention_set(project=project, kept=Retention(conversation_days=30), actor=None)

        retention_run()

        assert [one.pk for one in Handoff.objects.all()] == [young.pk]
        assert not VendorCall.objects.filter(reference=old.pk).exists()
        assert Attachment.objects.count() == 1

    def test_zero_keeps_for_ever_and_open_ones_stay(self, project):
        forever, open_one = talked(project), talked(factories.project(), State.ACTIVE)
        end_conversation(forever.conversation)
        Conversation.objects.filter(pk=forever.conversation_id).update(
            ended_at=timezone.now() - timedelta(days=5000)
        )
        Conversation.objects.filter(pk=open_one.conversation_id).update(
            started_at=timezone.now() - timedelta(days=5000)
        )
        retention_set(project=project, kept=Retention(conversation_days=0), actor=None)

        retention_run()

        assert Handoff.objects.count() == 2

    def test_old_lines_of_the_log_go(self, project):
        for days in (31, 1):
            row = LogEntry.objects.create(project=project, level="info", content=str(days))
            LogEntry.objects.filter(pk=row.pk).update(at=timezone.now() - timedelta(days=days))

        retention_run()

        assert [row.content for row in LogEntry.objects.all()] == ["1"]

    def test_the_page_says_what_would_go_and_takes_it_at_the_second_time(self, admin, project):
        handoff = talked(project)
        end_conversation(handoff.conversation)
        Conversation.objects.filter(pk=handoff.conversation_id).update(
            ended_at=timezone.now() - timedelta(days=10)
        )
        sent = {"conversation_days": "7", "log_days": "30"}

        first = admin.post(at("retention", project), sent)
        project.refresh_from_db()
        unchanged = retention_of(project)
        second = admin.post(at("retention", project), {**sent, "confirmed": "1"})
        project.refresh_from_db()

        assert first.status_code == 409
        assert "deletes 1 conversation " in first.content.decode()
        assert unchanged == Retention()
        assert second.status_code == 302
        assert retention_of(project).conversation_days == 7

    @pytest.mark.parametrize("days", ["", "-1", "soon", "99999"])
    def test_what_is_no_number_of_days_is_said(self, admin, project, days):
        sent = {"conversation_days": days, "log_days": "30"}

        answer = admin.post(at("retention", project), sent)

        assert answer.status_code == 422
        assert "Conversations: enter" in answer.content.decode()


def end_conversation(conversation: Conversation) -> None:
    Handoff.objects.filter(conversation=conversation).update(vendor_end_until=None)
    Conversation.objects.filter(pk=conversation.pk).update(state="ended", ended_at=timezone.now())
