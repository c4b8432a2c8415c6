"""Settings > Retention > Legal holds: what is on hold is neither deleted nor erased."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.contrib.auth import get_user
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.files.attachments import attachments_purge
from conversations.journal.holds import holds_in_force
from conversations.models import (
    Attachment,
    Conversation,
    EndUser,
    LegalHold,
    LogEntry,
    SmsOutbound,
    SmsThread,
)
from conversations.models.erasure import Erasure
from handoffs.clocks.reaping import clean_up_old
from handoffs.clocks.retention import (
    conversations_due,
    due_delete,
    lonely_delete,
    retention_run,
)
from handoffs.models import Handoff
from handoffs.portal.erasure import erasing
from handoffs.portal.erasure.erasing import all_blank, erasure_request, erasure_run
from handoffs.portal.erasure.hold_views import HoldForm
from handoffs.portal.erasure.holds import hold_set, state
from integrations.models import AuditEntry, Project, VendorCall
from integrations.projects.retention import Retention, retention_of, retention_set
from tests import factories
from tests.handoffs.test_erasure import MARK, end_conversation, talked
from tests.members import client_of_admin, client_of_reader, client_with

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(days=500)


@pytest.fixture
def project() -> Project:
    made = factories.project()
    retention_set(project=made, kept=Retention(conversation_days=30, log_days=30), actor=None)
    made.refresh_from_db()
    return made


def at(name: str, project: Project, *args: object) -> str:
    return reverse(name, args=[project.public_id, *args])


def hold(admin: Client, project: Project, held: str, **fields: str):
    return admin.post(at("holds", project), {"held": held, "reason": "Case 7", **fields})


def old_talk(project: Project) -> Handoff:
    """A talk whose every row is older than anything is kept."""
    handoff = talked(project)
    end_conversation(handoff.conversation)
    past = timezone.now() - LONG_AGO
    Conversation.objects.filter(pk=handoff.conversation_id).update(ended_at=past)
    LogEntry.objects.filter(conversation=handoff.conversation_id).update(at=past)
    Attachment.objects.filter(conversation=handoff.conversation_id).update(created_at=past)
    VendorCall.objects.filter(reference=handoff.pk).update(at=past)
    return handoff


def everything_deleted_that_may_be() -> None:
    retention_run()
    clean_up_old()
    attachments_purge()
    lonely_delete()


def kept_of(handoff: Handoff) -> list[bool]:
    conversation = handoff.conversation_id
    return [
        Conversation.objects.filter(pk=conversation).exists(),
        LogEntry.objects.filter(conversation=conversation).exists(),
        Attachment.objects.filter(conversation=conversation).exists(),
        VendorCall.objects.filter(reference=handoff.pk).exists(),
    ]


@pytest.mark.parametrize("by", ["conversation", "end user"])
def test_what_is_on_hold_outlives_retention_with_its_files_log_and_calls(project, admin, by):
    held, free = old_talk(project), old_talk(project)
    person = held.conversation.end_user
    EndUser.objects.filter(pk=person.pk).update(external_id="u-held")
    hold(admin, project, held.conversation_id if by == "conversation" else "u-held")

    everything_deleted_that_may_be()

    assert kept_of(held) == [True] * 4
    assert kept_of(free) == [False] * 4


def test_a_hold_that_is_set_while_retention_runs_counts(project, admin):
    held, free = old_talk(project), old_talk(project)
    due = conversations_due(project, retention_of(project))
    hold(admin, project, held.conversation_id)

    due_delete(due)

    assert sorted(due) == sorted([held.conversation_id, free.conversation_id])
    assert kept_of(held) == [True] * 4
    assert kept_of(free)[0] is False


def test_an_end_user_without_conversations_goes_unless_on_hold(project, admin):
    held, free = factories.end_user(project), factories.end_user(project)
    EndUser.objects.update(created_at=timezone.now() - LONG_AGO)
    hold(admin, project, held.external_id)

    lonely_delete()

    assert list(EndUser.objects.values_list("pk", flat=True)) == [held.pk]
    assert free.pk != held.pk


def test_texts_of_a_number_on_hold_stay(project, admin):
    sms = factories.integration(project, connector_key="twilio_sms", integration_key="twilio_sms")
    old = timezone.now() - LONG_AGO
    for number in ("+15550001", "+15550002"):
        factories.end_user(project, external_id=f"tel:{number}")
        SmsThread.objects.create(
            integration=sms, our_number="+1555", user_number=number, active_at=old
        )
    hold(admin, project, "tel:+15550001")

    retention_run()

    assert [row.user_number for row in SmsThread.objects.all()] == ["+15550001"]


def test_the_calls_that_texted_a_number_on_hold_stay(project, admin):
    sms = factories.integration(project, connector_key="twilio_sms", integration_key="twilio_sms")
    for number in ("+15550001", "+15550002"):
        factories.end_user(project, external_id=f"tel:{number}")
        thread = SmsThread.objects.create(
            integration=sms, our_number="+1555", user_number=number, active_at=timezone.now()
        )
        text = SmsOutbound.objects.create(
            thread=thread, source=number, place=1, encoding="GSM-7", segments=1
        )
        VendorCall.objects.create(
            integration=sms,
            reference=str(text.pk),
            operation=number,
            duration_ms=1,
            at=timezone.now() - LONG_AGO,
        )
    hold(admin, project, "tel:+15550001")

    clean_up_old()

    assert [row.operation for row in VendorCall.objects.all()] == ["+15550001"]


def test_an_erasure_waits_for_the_hold_and_says_so_and_goes_a_day_after_it(project, admin):
    handoff = talked(project)
    end_conversation(handoff.conversation)
    person = handoff.conversation.end_user
    hold(admin, project, handoff.conversation_id)
    by = AuditEntry.objects.filter(action="hold.set").get().actor
    erasure = erasure_request(project=project, end_user=person, reason="r", actor=by)

    erasure_run(erasure.pk)
    page = admin.get(at("erasure", project, erasure.pk)).content.decode()
    assert "A legal hold" in page
    assert EndUser.objects.get(pk=person.pk).name == MARK

    row = LegalHold.objects.get()
    admin.post(at("hold_lift", project, row.pk))
    erasure_run(erasure.pk)
    assert EndUser.objects.get(pk=person.pk).name == MARK

    LegalHold.objects.update(lifted_at=timezone.now() - timedelta(days=2))
    erasure_run(erasure.pk)
    assert EndUser.objects.get(pk=person.pk).name != MARK


def test_a_hold_that_is_set_while_an_erasure_runs_stops_it(project, admin):
    handoff = talked(project)
    end_conversation(handoff.conversation)
    person = handoff.conversation.end_user
    erasure = Erasure.objects.create(project=project, end_user_id=person.pk, reason="r")
    hold(admin, project, handoff.conversation_id)

    all_blank(erasure, person)

    erasure.refresh_from_db()
    assert (erasure.state, erasure.blanked) == (Erasure.State.WAITING, [])
    assert EndUser.objects.get(pk=person.pk).name == MARK


def test_erasures_on_hold_keep_no_other_waiting(project, admin, monkeypatch):
    monkeypatch.setattr(erasing, "AT_ONCE", 1)
    handoffs = [talked(project) for _ in range(3)]
    waiting = [
        Erasure.objects.create(
            project=project, end_user_id=handoff.conversation.end_user_id, reason="r"
        )
        for handoff in handoffs
    ]
    hold(admin, project, handoffs[0].conversation_id)
    hold_set(
        project=project,
        held=handoffs[1].conversation.end_user,
        reason="Case 8",
        until=None,
        actor=AuditEntry.objects.filter(action="hold.set").get().actor,
    )

    assert erasing.erasures_waiting() == [waiting[2].pk]
    on_hold = Erasure.objects.filter(waits_for=erasing.ON_HOLD)
    assert [row.pk for row in on_hold.order_by("requested_at")] == [one.pk for one in waiting[:2]]


def test_a_hold_ends_by_itself_after_its_last_day(project, admin):
    handoff = old_talk(project)
    today = timezone.now().date()
    hold(admin, project, handoff.conversation_id, until=today.isoformat())
    retention_run()
    assert kept_of(handoff)[0]

    LegalHold.objects.update(until=today - timedelta(days=3))
    retention_run()

    assert not kept_of(handoff)[0]


@pytest.mark.parametrize(
    ("zone", "now", "over_at"),
    [
        ("America/Los_Angeles", "2026-04-01T05:00:00+00:00", "2026-04-01T08:00:00+00:00"),
        ("Pacific/Auckland", "2026-03-31T10:00:00+00:00", "2026-03-31T11:00:00+00:00"),
        ("UTC", "2026-03-31T23:59:00+00:00", "2026-04-01T00:00:00+00:00"),
    ],
)
def test_a_holds_last_day_is_one_of_the_projects_zone(
    project, admin, monkeypatch, zone, now, over_at
):
    project.time_zone = zone
    project.save()
    handoff = old_talk(project)
    clock = {"now": datetime.fromisoformat(now)}
    monkeypatch.setattr(timezone, "now", lambda: clock["now"])

    form = HoldForm(
        {"held": handoff.conversation_id, "reason": "Case 7", "until": "2026-03-31"},
        project=project,
    )
    assert form.is_valid(), form.errors
    made = hold_set(
        project=project,
        held=handoff.conversation,
        reason="Case 7",
        until=form.cleaned_data["until"],
        actor=get_user(admin),
    )
    assert state(made) == "soon"

    clock["now"] = datetime.fromisoformat(over_at)
    assert state(made) == "over"
    clock["now"] += timedelta(hours=23, minutes=59)
    assert list(holds_in_force()) == [made]
    clock["now"] += timedelta(hours=27)
    assert not holds_in_force().exists()


def test_the_page_reviews_holds_and_the_audit_names_nobody(project, admin):
    handoff = talked(project)
    person = handoff.conversation.end_user
    soon = timezone.now().date() + timedelta(days=3)
    hold(admin, project, f"{MARK}@example.org", until=soon.isoformat())

    page = admin.get(at("holds", project)).content.decode()
    assert "Review these holds" in page
    assert "Case 7" in page
    assert f"{MARK}@example.org" in page
    shown = admin.get(at("person", project, person.pk)).content.decode()
    assert f"On legal hold until {soon:%Y-%m-%d}" in shown

    admin.post(at("hold_lift", project, LegalHold.objects.get().pk))
    assert "Nothing is on hold" in admin.get(at("holds", project)).content.decode()
    entries = AuditEntry.objects.filter(action__startswith="hold.").order_by("pk")
    assert [(one.action, one.actor_name) for one in entries] == [
        ("hold.set", entries[0].actor_name),
        ("hold.lifted", entries[0].actor_name),
    ]
    assert not any(MARK in f"{one.subject}{one.fields}" for one in entries)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"held": ""}, "Name the end user"),
        ({"held": "nobody"}, "Nobody here is known so"),
        ({"reason": ""}, "Write why"),
        ({"until": "2020-01-01"}, "this day is past"),
        ({"until": "soon"}, "enter a day"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(project, admin, fields, said):
    handoff = talked(project)

    answer = hold(admin, project, **{"held": handoff.conversation_id, **fields})

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not LegalHold.objects.exists()


def test_the_same_is_not_held_twice_and_not_lifted_twice(project, admin):
    handoff = talked(project)
    hold(admin, project, handoff.conversation_id)

    again = hold(admin, project, handoff.conversation_id)
    row = LegalHold.objects.get()
    lift = at("hold_lift", project, row.pk)
    admin.post(lift)
    twice = admin.post(lift, follow=True)

    assert "on hold already" in again.content.decode()
    assert "over already" in twice.content.decode()
    assert AuditEntry.objects.filter(action="hold.lifted").count() == 1


def test_a_reader_looks_without_names_and_other_projects_stay_apart(project, admin):
    handoff = talked(project)
    hold(admin, project, f"{MARK}@example.org")
    row = LegalHold.objects.get()
    stranger = client_of_admin(factories.project())
    looker = client_with(project, account=1)

    assert MARK not in looker.get(at("holds", project)).content.decode()
    assert looker.post(at("hold_lift", project, row.pk)).status_code == 403
    assert client_of_reader(project).post(at("holds", project)).status_code == 403
    assert stranger.post(at("hold_lift", project, row.pk)).status_code == 404
    other = factories.project()
    assert (
        "no conversation"
        in hold(client_of_admin(other), other, handoff.conversation_id).content.decode()
    )


def test_pages_and_lists_of_what_is_on_hold_bear_a_badge_and_say_until_when(admin, project):
    handoff = old_talk(project)
    paths = [
        at("conversation", project, handoff.conversation_id),
        at("handoff", project, handoff.pk),
        at("conversations", project),
        at("handoffs", project),
    ]
    before = [admin.get(path).content.decode() for path in paths]
    hold(admin, project, handoff.conversation_id, until="2999-12-31")

    after = [admin.get(path).content.decode() for path in paths]

    assert not any(">Legal hold</a>" in page or ">Legal hold</span>" in page for page in before)
    assert all(">Legal hold</a>" in page for page in after[:2])
    assert all(">Legal hold</span>" in page for page in after[2:])
    assert all("On legal hold until 31 Dec 2999: nothing of it is deleted" in p for p in after[:2])
    reader = client_with(project, conversations=1)
    assert ">Legal hold</span>" in reader.get(paths[0]).content.decode()


@pytest.mark.parametrize(
    ("days", "is_over", "words"),
    [
        (30, True, ", 30 days after its end."),
        (30, False, "30 days after its end."),
        (0, True, "For ever:"),
    ],
)
def test_pages_say_how_long_a_conversation_is_kept(admin, project, days, is_over, words):
    retention_set(project=project, kept=Retention(conversation_days=days), actor=None)
    handoff = talked(project)
    if is_over:
        end_conversation(handoff.conversation)

    for path in (
        at("conversation", project, handoff.conversation_id),
        at("handoff", project, handoff.pk),
    ):
        assert words in admin.get(path).content.decode()
