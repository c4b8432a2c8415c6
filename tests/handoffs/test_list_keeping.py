"""Lists: views that are kept, acts on many rows, long exports, the narrowest filter."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.models import Conversation, ConversationTag
from handoffs.models import Handoff
from handoffs.portal.erasure.erasing import erasure_request, erasure_run
from handoffs.portal.lists.long_exports import (
    export_claim,
    export_run,
    export_write,
    exports_clean_up,
    exports_give_up,
    exports_remove,
    exports_waiting,
)
from handoffs.portal.lists.pages import PAGES
from integrations.models import Area, AuditEntry, ListExport, Project, SavedView
from integrations.projects.lists.paging import Count
from tests import factories
from tests.members import client_of_admin, client_with

pytestmark = pytest.mark.django_db
READ, EDIT = 1, 2


@pytest.fixture
def made() -> Handoff:
    return factories.handoff()


@pytest.fixture
def project(made: Handoff) -> Project:
    assert made.integration is not None
    return made.integration.project


def url(project: Project, name: str, *args: object) -> str:
    return reverse(name, args=[project.public_id, *args])


def page(client: Client, project: Project, name: str, **query: str) -> str:
    answer = client.get(url(project, name), query)
    assert answer.status_code == 200
    return str(answer.content.decode())


# ---- addresses ----


@pytest.mark.parametrize("name", ["handoffs", "conversations", "project_log", "audit"])
def test_what_of_an_address_narrows_nothing_is_said(project, admin, name):
    query = {"from": "2026-99-99", "sort": "x", "page": "-1", "period": "ever"}

    text = page(admin, project, name, **query)

    said = text.split("data-ignored>")[1].split("</div></div>")[0]
    assert "“2026-99-99” is ignored: from takes a day such as 2026-11-29." in said
    assert "There is no filter “sort”." in said and "“ever” is ignored: period takes" in said
    assert "There is no such page of the list" in said
    assert "2026-99-99" not in text.split("data-ignored>")[1].split("</div></div>")[1]
    assert "data-ignored" not in page(
        admin, project, name, period="7d", q="Hello"[: name != "audit"]
    )


def test_days_that_end_before_they_begin_and_days_beside_a_period_are_said(project, admin):
    days = {"from": "2026-02-02", "to": "2026-02-01"}

    assert "the last day is before the first" in page(admin, project, "handoffs", **days)
    assert "From and to are ignored: 7 days" in page(
        admin, project, "handoffs", period="7d", **days
    )


def test_views_and_exports_of_the_audit_are_for_those_who_may_read_it(project):
    auditor, operator = (
        client_with(project, **{area: READ}) for area in ("audit", "conversations")
    )
    for client in (auditor, operator):
        client.post(url(project, "saved_view_add", "audit"), {"name": "Keys", "query": "who=a"})
        client.post(url(project, "list_export_start", "audit"), {"query": "who=a"})
    export_run(ListExport.objects.get().pk)
    taken = url(project, "list_export_file", ListExport.objects.get().pk)

    assert SavedView.objects.get().owner_id == ListExport.objects.get().member_id
    assert auditor.get(taken).status_code == 200
    assert "Keys" in page(auditor, project, "audit")
    assert page(auditor, project, "list_exports") and page(operator, project, "list_exports")
    assert operator.get(taken).status_code == 404
    assert auditor.post(url(project, "list_act", "audit"), {"act": "export"}).status_code == 403


def test_nothing_is_done_to_the_rows_of_the_log(project, admin):
    answer = admin.post(url(project, "list_act", "log"), {"act": "export", "row": ["1"]})

    assert answer.status_code == 404


# ---- views ----


def test_a_view_keeps_its_filters_and_is_the_members_own(project, admin):
    kept = {"name": "  Failed   ones ", "query": "state=failed&page=abc&nonsense=1"}
    admin.post(url(project, "saved_view_add", "handoffs"), kept)

    view = SavedView.objects.get()
    assert (view.name, view.query, view.is_shared) == ("Failed ones", "state=failed", False)
    assert "Failed ones" in page(admin, project, "handoffs")
    assert "Failed ones" not in page(admin, project, "conversations")
    assert "Failed ones" not in page(client_of_admin(project), project, "handoffs")


def test_a_shared_view_is_everybodys_and_needs_edit(project, admin):
    reader = client_with(project, **{Area.CONVERSATIONS: READ})
    for client, name in ((reader, "Mine alone"), (admin, "Ours")):
        shared = {"name": name, "query": "state=open", "is_shared": "1"}
        client.post(url(project, "saved_view_add", "handoffs"), shared)

    assert not SavedView.objects.get(name="Mine alone").is_shared
    assert "Ours" in page(reader, project, "handoffs")
    assert AuditEntry.objects.filter(action="list_view.shared").count() == 1


def test_a_view_is_removed_by_its_owner_or_an_editor_alone(project, admin):
    admin.post(
        url(project, "saved_view_add", "handoffs"),
        {"name": "Ours", "query": "state=open", "is_shared": "1"},
    )
    view = SavedView.objects.get()
    remove = url(project, "saved_view_remove", view.pk)

    client_with(project, **{Area.CONVERSATIONS: READ}).post(remove)
    assert SavedView.objects.exists()
    client_of_admin(project).post(remove)
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    ("name", "query"), [("", "state=open"), (" ", ""), ("Search", "q=colour:red")]
)
def test_what_cannot_be_a_view_is_refused_with_a_reason(project, admin, name, query):
    answer = admin.post(
        url(project, "saved_view_add", "handoffs"), {"name": name, "query": query}, follow=True
    )

    assert not SavedView.objects.exists()
    assert [str(message) for message in answer.context["messages"]] != []


# ---- nothing fits ----


def test_the_narrowest_filter_is_named_where_nothing_fits(project, admin):
    text = page(admin, project, "handoffs", state="open", queue="Nowhere")

    assert "Without <strong>Queue: Nowhere</strong> there is 1" in text
    assert "state=open" in text.split("Take Queue away")[0].rsplit("href", 1)[1]


def test_no_filter_is_blamed_where_none_helps_alone(project, admin):
    assert "none of the filters" in page(admin, project, "handoffs", queue="a", topic="b")


# ---- acts ----


def act(client: Client, project: Project, name: str, **given: object) -> object:
    return client.post(url(project, "list_act", name), given, follow=True)


def test_tagging_asks_once_and_tags_each_chosen_conversation(project, admin, made):
    other = factories.conversation(made.conversation.channel)
    given = {"act": "tag", "tag": "refund", "row": [made.conversation_id, other.pk]}

    asked = admin.post(url(project, "list_act", "conversations"), given)
    assert "Tag 2 conversations?" in asked.content.decode()
    assert not ConversationTag.objects.exists()
    act(admin, project, "conversations", **given, confirm="yes")

    assert ConversationTag.objects.filter(tag__name="refund").count() == 2
    assert AuditEntry.objects.filter(action__startswith="tag").count() == 2


def test_ending_many_ends_handoffs_as_an_operator_would_and_names_those_over(project, admin, made):
    talk = factories.conversation(made.conversation.channel)
    over = factories.conversation(made.conversation.channel, state="ended")
    rows = [made.conversation_id, talk.pk, over.pk]

    answer = act(admin, project, "conversations", act="close", row=rows, confirm="yes")

    said = [str(message) for message in answer.context["messages"]]
    made.refresh_from_db()
    talk.refresh_from_db()
    assert (made.is_open, talk.state) == (False, Conversation.State.ENDED)
    assert any("Ended: 2." in one for one in said) and any(over.pk in one for one in said)
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"handoff.ended_by_operator", "conversation.ended_by_operator"} <= actions


def test_the_list_of_handoffs_has_the_same_acts(project, admin, made):
    act(admin, project, "handoffs", act="close", row=[made.pk], confirm="yes")

    made.refresh_from_db()
    assert not made.is_open


def test_a_reader_may_export_what_is_chosen_and_change_nothing(project, made):
    reader = client_with(project, **{Area.CONVERSATIONS: READ})
    act(reader, project, "handoffs", act="close", row=[made.pk], confirm="yes")
    answer = reader.post(
        url(project, "list_act", "handoffs"), {"act": "export", "row": [made.pk, "HOF-none"]}
    )

    made.refresh_from_db()
    assert made.is_open
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 2 and made.pk in lines[1]


def test_rows_of_another_project_are_not_acted_on(made):
    foreign = factories.project(name="Elsewhere")
    client = client_of_admin(foreign)

    act(client, foreign, "handoffs", act="close", row=[made.pk], confirm="yes")

    made.refresh_from_db()
    assert made.is_open


# ---- long exports ----


@pytest.fixture
def export(project: Project, admin: Client) -> ListExport:
    admin.post(
        url(project, "list_export_start", "handoffs"), {"query": "state=open", "format": "csv"}
    )
    return ListExport.objects.get()


def test_a_long_export_is_written_by_the_task_and_taken_by_its_member(project, admin, export):
    assert exports_waiting() == [export.pk]
    export_run(export.pk)
    export.refresh_from_db()

    text = b"".join(admin.get(url(project, "list_export_file", export.pk)).streaming_content)
    assert len(text.decode("utf-8-sig").splitlines()) == 2
    assert (export.rows, export.state) == (1, ListExport.State.READY)
    assert export.expires_at - export.ready_at == timedelta(days=7)
    other = client_of_admin(project)
    assert other.get(url(project, "list_export_file", export.pk)).status_code == 404
    assert "Download" in page(admin, project, "list_exports")
    assert "Download" not in page(other, project, "list_exports")


def test_an_export_is_written_once_though_two_workers_come(export):
    ListExport.objects.update(busy_until=timezone.now() + timedelta(minutes=1))
    export_run(export.pk)
    assert exports_waiting() == []

    ListExport.objects.update(busy_until=timezone.now() - timedelta(minutes=1))
    export_run(export.pk)
    export.refresh_from_db()
    assert export.state == ListExport.State.READY


def test_an_export_that_cannot_be_written_is_called_failed_after_an_hour(project, admin, export):
    ListExport.objects.update(requested_at=timezone.now() - timedelta(minutes=59))
    assert exports_give_up() == 0

    ListExport.objects.update(requested_at=timezone.now() - timedelta(minutes=61))
    assert exports_give_up() == 1

    assert "Failed; ask for it again" in page(admin, project, "list_exports")
    assert exports_waiting() == []


def test_after_seven_days_the_link_and_the_file_are_gone(project, admin, export):
    export_run(export.pk)
    ListExport.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    export.refresh_from_db()
    storage, name = export.file.storage, export.file.name

    assert admin.get(url(project, "list_export_file", export.pk)).status_code == 404
    assert exports_clean_up() == 1
    assert not storage.exists(name)


def test_who_loses_the_right_to_personal_data_loses_the_file(project, made):
    member = client_with(project, sees_personal_data=True, **{Area.CONVERSATIONS: READ})
    member.post(url(project, "list_export_start", "conversations"), {"format": "ndjson"})
    export = ListExport.objects.get()
    export_run(export.pk)
    address = url(project, "list_export_file", export.pk)
    assert member.get(address).status_code == 200

    project.workspace.members.update(sees_personal_data=False)

    assert member.get(address).status_code == 404
    exports_remove(ListExport.objects.all())


def test_a_list_of_more_rows_than_an_answer_holds_offers_the_task(project, admin):
    assert "format=csv" in page(admin, project, "handoffs")

    context = {"project": project, "list_page": PAGES["handoffs"], "query": "state=open"}
    text = render_to_string("components/list_bar.html", context | {"count": Count(10_000, True)})

    assert url(project, "list_export_start", "handoffs") in text and "format=csv" not in text


def test_an_erasure_deletes_what_was_exported_before(project, admin, made, export):
    export_run(export.pk)
    user = get_user_model().objects.filter(memberships__workspace=project.workspace).first()
    Handoff.objects.filter(pk=made.pk).update(state="ended", ended_at=timezone.now())
    Conversation.objects.filter(pk=made.conversation_id).update(state="ended")
    person = made.conversation.end_user
    erasure = erasure_request(project=project, end_user=person, reason="asked", actor=user)
    erasure_run(erasure.pk)

    assert not ListExport.objects.exists()


def test_an_export_that_is_deleted_while_it_is_written_leaves_no_file(project, made, export):
    claimed = export_claim(export.pk)
    assert export_claim(export.pk) is None
    exports_remove(ListExport.objects.all())

    export_write(claimed)

    assert not ListExport._meta.get_field("file").storage.exists(f"exports/{claimed.pk}")
