"""Operate > Conversations: what a search finds, who may look for what, pages and exports."""

import csv
import io
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from conversations.journal.frames import EventType, SessionEnd
from conversations.journal.services import Visitor, conversation_end, conversation_lock
from conversations.models import Conversation, ConversationSearch
from handoffs.models import Handoff
from handoffs.portal.conversations.marks import tag_put
from handoffs.portal.conversations.search_fill import search_catch_up
from handoffs.states import State
from integrations.models import Area, AuditEntry, Project
from integrations.models.identifiers import handoff_id
from tests import factories
from tests.members import client_of_admin, client_with

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(project: Project) -> Client:
    """May read conversations, and not what is personal in them."""
    return client_with(project, **{Area.CONVERSATIONS: 1})


def talk(project: Project, *texts: str, visitor: Visitor | None = None) -> Conversation:
    made = factories.conversation(factories.channel(project), visitor=visitor)
    for text in texts:
        factories.said(made, text)
    return made


def ended(conversation: Conversation) -> Conversation:
    with transaction.atomic():
        conversation_end(conversation_lock(conversation.pk), SessionEnd.NATURAL_END)
    return conversation


def look(client: Client, project: Project, **given: str) -> list[Conversation]:
    page = client.get(f"{reverse('conversations', args=[project.public_id])}?{urlencode(given)}")
    assert page.status_code == 200
    return [row.conversation for row in page.context["rows"]]


def test_an_empty_list_says_what_to_do_first(admin, project):
    page = admin.get(reverse("conversations", args=[project.public_id]))

    assert "No conversation yet" in page.content.decode()


def test_conversations_come_newest_first_each_with_its_outcome_and_first_words(admin, project):
    older = ended(talk(project, "Where is my parcel?"))
    answered = factories.handoff(talk(project, "A human please"), state=State.ENDED)
    newer = talk(project, "Hello there")
    talk(factories.project(), "Not here")
    search_catch_up()

    page = admin.get(reverse("conversations", args=[project.public_id]))

    rows = page.context["rows"]
    assert [row.conversation for row in rows] == [newer, answered.conversation, older]
    assert [row.badge.label for row in rows] == [
        "With AI agent",
        "Answered by Noor Halvorsen",
        "Contained",
    ]
    assert "Where is my parcel?" in page.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "parcel",
        "PARCELS",
        "lost parc",
        '"parcels is lost"',
        "größe",
        "GRÖSSE",
        "订单",
        "https://shop.example/track",
        "agent:noor",
        'agent:"noor halvorsen"',
        "vendor:salesforce",
        "handoff:answered",
        "outcome:answered",
        "reason:billing",
        'queue:"Parcels EMEA"',
        "ines@birchline.example",
        "+49 151 2345678",
        "ines-4411",
        "channel:webchat parcel",
    ],
)
def test_a_conversation_is_found_by_what_one_remembers_of_it(admin, project, query):
    visitor = Visitor(
        external_id="ines-4411",
        is_verified=True,
        name="Ines",
        email="ines@birchline.example",
        phone="+49 (151) 234-5678",
    )
    wanted = talk(project, "One of my parcels is lost", "Die Größe, 我的订单", visitor=visitor)
    factories.said(wanted, "See https://shop.example/track", EventType.POLY_AGENT_MESSAGE)
    hints = {"queue": "Parcels EMEA", "reason": "billing"}
    factories.handoff(wanted, state=State.ENDED, hints=hints)
    Handoff.objects.update(reason="billing")
    talk(project, "Something else")
    search_catch_up()

    assert look(admin, project, q=query) == [wanted]


def test_any_id_leads_to_its_conversation(admin, project):
    wanted = factories.handoff(talk(project, "Hello"), state=State.ACTIVE)
    talk(project, "Other")
    search_catch_up()
    ids = (
        wanted.conversation_id,
        wanted.pk,
        wanted.vendor_conversation_id,
        str(wanted.conversation.session_id),
    )

    assert [look(admin, project, q=one) for one in ids] == [[wanted.conversation]] * 4


@pytest.mark.parametrize("query", ["parcel zebra", '"lost is"', "agent:mira", "handoff:failed"])
def test_a_search_finds_nothing_where_a_part_is_missing(admin, project, query):
    factories.handoff(talk(project, "My parcel is lost"), state=State.ACTIVE)
    search_catch_up()

    assert look(admin, project, q=query) == []


def test_an_unknown_filter_is_told_with_the_one_that_was_meant(admin, project):
    url = reverse("conversations", args=[project.public_id])

    page = admin.get(f"{url}?q=agnet:noor").content.decode()

    assert "There is no filter agnet:. Did you mean agent:?" in page
    assert "has: needs one of undelivered" in admin.get(f"{url}?q=has:nothing").content.decode()


@pytest.mark.parametrize("query", ["'", "a & b", "x:*", "(", '"', "\\", "😀", ":", "<->", "*"])
def test_whatever_is_typed_a_search_answers(admin, project, query):
    talk(project, "Hello")
    search_catch_up()

    url = reverse("conversations", args=[project.public_id])
    assert admin.get(url, {"q": query}).status_code == 200


def test_fields_narrow_as_their_filters_do_and_each_has_a_chip_that_takes_it_away(admin, project):
    old, young = talk(project, "Old"), talk(project, "Young")
    Conversation.objects.filter(pk=old.pk).update(started_at=timezone.now() - timedelta(days=40))
    search_catch_up()
    url = reverse("conversations", args=[project.public_id])

    page = admin.get(url, {"period": "7d", "environment": "sandbox", "channel": "webchat"})

    assert [row.conversation for row in page.context["rows"]] == [young]
    assert look(admin, project, to=str((timezone.now() - timedelta(days=30)).date())) == [old]
    assert look(admin, project, environment="live") == []
    chips = {chip.label: chip.query for chip in page.context["chips"]}
    assert chips["Started"] == "environment=sandbox&channel=webchat"


def test_rows_follow_what_is_said_and_what_ends_and_a_lost_tick_is_made_up(admin, project):
    wanted = talk(project, "Hello")
    search_catch_up()
    assert look(admin, project, q="zebra") == []

    factories.said(wanted, "A zebra now")
    ended(wanted)
    late = talk(project, "Two zebras")
    assert search_catch_up() == 2

    assert look(admin, project, q="zebr") == [late, wanted]
    assert search_catch_up() == 0


def test_a_mark_neither_hides_what_the_clock_has_not_come_to_nor_ends_its_work(project):
    admin = User.objects.create_user("mira")
    old, young = talk(project, "Old"), talk(project, "Young")
    Conversation.objects.filter(pk=old.pk).update(started_at=timezone.now() - timedelta(days=9))
    tag_put(conversation=young, name="vip", actor=admin)
    seen: list[str] = []

    search_catch_up(before=seen.extend)
    ended(young)
    tag_put(conversation=young, name="late", actor=admin)
    search_catch_up(before=seen.extend)

    assert seen == [old.pk, young.pk, young.pk]
    row = ConversationSearch.objects.get(conversation=young)
    assert (row.is_final, row.tags) == (True, ["late", "vip"])


def test_no_message_writes_more_than_before(project, django_assert_num_queries):
    wanted = talk(project, "Hello")
    search_catch_up()

    with django_assert_num_queries(6):
        factories.said(wanted, "Another line")

    assert ConversationSearch.objects.get(conversation=wanted).sequence < (
        Conversation.objects.get(pk=wanted.pk).last_sequence
    )


def test_who_may_not_see_personal_data_neither_reads_nor_finds_it(reader, admin, project):
    visitor = Visitor(external_id="u1", is_verified=True, name="Quillon", email="q@q.example")
    talk(
        project,
        "I am Quillon, my card is 4111 1111 1111 1111, write to q@q.example",
        visitor=visitor,
    )
    search_catch_up()

    assert look(reader, project, q="card") == look(admin, project, q="card") != []
    for secret in ("quillon", "4111", "q@q.example", "u1"):
        assert look(admin, project, q=secret) != []
        assert look(reader, project, q=secret) == []
    page = reader.get(reverse("conversations", args=[project.public_id])).content.decode()
    assert "Hidden" in page and "Quillon" not in page and "card" not in page


def test_pages_go_older_and_newer_again_and_the_count_is_that_of_all_of_them(admin, project):
    first = talk(project, "Hello")
    rows = [
        Conversation(
            project=project,
            channel=first.channel,
            end_user=first.end_user,
            environment="sandbox",
            state="ended",
            token_family=first.token_family,
        )
        for _ in range(60)
    ]
    Conversation.objects.bulk_create(rows)
    Conversation.objects.filter(project=project).update(started_at=first.started_at)
    url = reverse("conversations", args=[project.public_id])

    page = admin.get(url, {"environment": "sandbox"})
    older = admin.get(url, {"page": page.context["page"].older})
    newer = admin.get(url, {"page": older.context["page"].newer})

    shown = [[row.conversation.pk for row in one.context["rows"]] for one in (page, older, newer)]
    assert [len(ids) for ids in shown] == [50, 11, 50]
    assert len({*shown[0], *shown[1]}) == 61
    assert shown[2] == shown[0]
    assert str(page.context["count"]) == "61"
    assert not older.context["page"].older
    assert "environment=sandbox&amp;page=" in page.content.decode()


@pytest.mark.parametrize("days", [1, 300])
def test_handoffs_are_counted_by_words_however_old_their_conversation_is(admin, project, days):
    old = talk(project, "A pineapple")
    made = factories.handoff(old)
    talk(project, "Another pineapple")
    copies = [Handoff.objects.get(pk=made.pk) for _ in range(50)]
    for number, copy in enumerate(copies):
        copy.pk, copy.tool_call_id, copy.state = handoff_id(), f"copy {number}", "ended"
    Handoff.objects.bulk_create(copies)
    Conversation.objects.filter(pk=old.pk).update(started_at=old.started_at - timedelta(days=days))
    search_catch_up()

    url = reverse("handoffs", args=[project.public_id])
    counts = [admin.get(url, {"q": q}).context["count"] for q in ("pineapple", "A pineapple")]

    assert list(map(str, counts)) == ["51", "51"]


def test_a_longer_list_needs_no_more_statements(admin, project, django_assert_max_num_queries):
    for _ in range(6):
        talk(project, "Hello")
    search_catch_up()

    with django_assert_max_num_queries(10):
        admin.get(reverse("conversations", args=[project.public_id]))


def test_an_export_is_the_list_guarded_against_formulas_and_in_the_audit(admin, reader, project):
    talk(project, "=1+1 is a sum")
    talk(project, "Ordinary")
    search_catch_up()
    url = reverse("conversations_export", args=[project.public_id])

    answer = admin.get(url, {"format": "csv", "environment": "sandbox"})
    text = b"".join(answer.streaming_content).decode()
    lines = b"".join(admin.get(url, {"format": "ndjson"}).streaming_content).decode().splitlines()
    hidden = b"".join(reader.get(url).streaming_content).decode()

    assert text.startswith("\ufeff")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["first_words"] for row in rows] == ["Ordinary", "'=1+1 is a sum"]
    assert [row["conversation_id"] for row in rows] == [one.pk for one in look(admin, project)]
    assert [json.loads(line)["first_words"] for line in lines] == ["Ordinary", "=1+1 is a sum"]
    assert "Ordinary" not in hidden and "first_words" not in hidden
    audit = AuditEntry.objects.filter(action="conversations.exported").last()
    assert (audit.subject, audit.fields) == ("2 conversations", ["environment"])


def test_a_member_of_another_workspace_finds_no_list(project):
    stranger = client_of_admin(factories.project())

    for name in ("conversations", "conversations_export"):
        assert stranger.get(reverse(name, args=[project.public_id])).status_code == 404


@pytest.mark.parametrize(
    ("page", "bound"), [("conversations", "started_at"), ("handoffs", "conversation_id")]
)
def test_an_export_by_words_counts_within_the_days_of_the_list(admin, project, page, bound):
    url = reverse(f"{page}_export", args=[project.public_id])

    with CaptureQueriesContext(connection) as statements:
        admin.get(url, {"q": "pineapple"})

    counting = [one["sql"] for one in statements if "COUNT(*)" in one["sql"] and "@@" in one["sql"]]
    assert len(counting) == 1
    search = counting[0].partition('FROM "conversations_conversationsearch"')[2]
    assert '"project_id" = ' in search and f'"{bound}" >= ' in search
