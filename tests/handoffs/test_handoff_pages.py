"""The Handoffs pages: the list with its filters, one handoff, and who may see what."""

import csv
import io
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.journal.frames import EventType
from handoffs.models import Handoff
from handoffs.portal.conversations.search_fill import search_catch_up
from handoffs.portal.one_handoff.outcomes import Outcome, handoff_outcome, outcome_is
from handoffs.portal.one_handoff.wording import FAILURES
from handoffs.states import EndReason, State
from integrations.models import AuditEntry, Project
from tests import factories
from tests.members import client_of_admin, client_with

pytestmark = pytest.mark.django_db


def made(project: Project, state: State = State.ACTIVE, **channel_fields: object) -> Handoff:
    channel = factories.channel(project, **channel_fields)
    return factories.handoff(factories.conversation(channel), state=state)


def url(name: str, project: Project, handoff: Handoff | None = None) -> str:
    more = {"handoff_id": handoff.pk} if handoff else {}
    return reverse(name, kwargs={"project_id": project.public_id, **more})


def listed(page: object) -> list[Handoff]:
    return [row.handoff for row in page.context["rows"]]


def test_an_empty_list_says_how_a_handoff_comes_about(admin, project):
    assert "No handoffs yet" in admin.get(url("handoffs", project)).content.decode()


def test_handoffs_come_newest_first_with_state_vendor_agent_and_outcome(admin, project):
    older, newer = made(project, State.FAILED), made(project, State.ACTIVE)
    made(factories.project())

    page = admin.get(url("handoffs", project))

    assert listed(page) == [newer, older]
    first, second = page.context["rows"]
    assert (first.badge.label, first.vendor) == ("With a live agent", "Salesforce")
    assert first.handoff.agent_name == "Noor Halvorsen"
    assert second.outcome == "Salesforce could not be reached"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?state=open", {State.QUEUED, State.ACTIVE}),
        ("?state=failed", {State.FAILED}),
        ("?state=ended", {State.ENDED}),
        ("?environment=live", set()),
        ("?environment=sandbox&state=active", {State.ACTIVE}),
        ("?state=nonsense&environment=nowhere", set(State) - {State.REQUESTED, State.CONNECTING}),
        ("?conversation=CONV-unknown", set()),
    ],
)
def test_filters_narrow_the_list(admin, project, query, expected):
    for state in (State.QUEUED, State.ACTIVE, State.ENDED, State.FAILED):
        made(project, state)

    page = admin.get(url("handoffs", project) + query)

    assert {State(handoff.state) for handoff in listed(page)} == expected


def test_a_list_of_many_has_pages_that_keep_the_filters(admin, project, settings):
    first = made(project, State.ENDED)
    Handoff.objects.bulk_create(
        Handoff(
            project=project,
            conversation=first.conversation,
            environment="sandbox",
            integration_key="salesforce_integration",
            tool_call_id=str(number),
            state="ended",
            end_reason="cancelled",
            routing={},
        )
        for number in range(50)
    )

    page = admin.get(url("handoffs", project) + "?state=ended")
    older = page.context["page"].older
    rest = admin.get(url("handoffs", project), {"state": "ended", "page": older})

    assert len(listed(page)) == 50
    assert f"?state=ended&amp;page={older}" in page.content.decode()
    assert str(page.context["count"]) == "51"
    assert listed(rest) == [first]


def test_a_longer_list_needs_no_more_queries(admin, project, django_assert_max_num_queries):
    for _ in range(8):
        made(project, State.ENDED)

    with django_assert_max_num_queries(12):
        admin.get(url("handoffs", project))


@pytest.mark.parametrize("state", list(State))
def test_a_handoff_in_any_state_has_a_page(admin, project, state):
    handoff = made(project, state)

    page = admin.get(url("handoff", project, handoff))

    assert page.status_code == 200
    assert page.context["headline"].sentence in page.content.decode().replace("&#x27;", "'")
    assert "<script>" not in page.content.decode()


def test_the_page_keeps_itself_fresh_only_while_the_handoff_is_open(admin, project):
    open_one = admin.get(url("handoff_live", project, made(project, State.QUEUED)))
    final = admin.get(url("handoff_live", project, made(project, State.ENDED)))

    assert 'data-open="true"' in open_one.content.decode()
    assert 'data-open="false"' in final.content.decode()
    assert open_one.headers["Cache-Control"] == "no-store"


def test_a_fresh_copy_shows_what_was_said_meanwhile(admin, project):
    handoff = made(project)
    before = admin.get(url("handoff_live", project, handoff)).content.decode()
    factories.said(handoff.conversation, "Anybody there?")

    after = admin.get(url("handoff_live", project, handoff)).content.decode()

    assert "Anybody there?" not in before
    assert "Anybody there?" in after


def test_the_filters_of_the_timeline_work_without_script(admin, project):
    handoff = made(project)
    factories.said(handoff.conversation, "Anybody there?")

    page = admin.get(url("handoff", project, handoff) + "?kind=handoff").content.decode()

    assert "Anybody there?" not in page
    assert "A live agent joined" in page


def test_text_is_shown_as_text_never_as_markup(admin, project):
    handoff = made(project)
    factories.said(handoff.conversation, "<b onclick=x>hi</b>", EventType.LIVE_AGENT_MESSAGE)

    page = admin.get(url("handoff", project, handoff)).content.decode()

    assert "<b onclick" not in page
    assert "&lt;b onclick" in page


def test_the_text_copy_is_plain_text_with_the_sentence_on_top(admin, project):
    handoff = made(project)

    answer = admin.get(url("handoff_text", project, handoff))

    assert answer.headers["Content-Type"].startswith("text/plain")
    lines = answer.content.decode().splitlines()
    assert lines[0] == f"Handoff {handoff.pk}"
    assert "Noor Halvorsen is in the conversation" in lines[2]


def test_the_page_of_one_that_waits_long_names_flow_queue_presence_and_capacity(admin, project):
    handoff = made(project, State.QUEUED)
    Handoff.objects.filter(pk=handoff.pk).update(accepted_at=timezone.now() - timedelta(minutes=2))

    page = admin.get(url("handoff", project, handoff)).content.decode()
    copied = admin.get(url("handoff_text", project, handoff)).content.decode()

    for cause in ("Omni-Channel flow", "channel is inactive", "presence status", "at capacity"):
        assert cause in page
        assert cause in copied


def test_without_the_right_to_personal_data_the_timeline_has_no_words(project):
    handoff = made(project)
    factories.said(handoff.conversation, "my private words")
    keeper = client_with(project, integrations=1)
    operator = client_with(project, conversations=2)
    trusted = client_with(project, conversations=1, sees_personal_data=True)

    for name in ("handoff", "handoff_live", "handoff_text"):
        for member in (keeper, operator):
            answer = member.get(url(name, project, handoff))
            assert answer.status_code == 200
            assert "my private words" not in answer.content.decode()
        assert "my private words" in trusted.get(url(name, project, handoff)).content.decode()


def test_members_with_neither_area_are_kept_out(project):
    handoff = made(project)
    other = client_with(project, knowledge=2, tools=2, widgets=2, account=2)

    assert other.get(url("handoffs", project)).status_code == 403
    for name in ("handoff", "handoff_live", "handoff_text"):
        assert other.get(url(name, project, handoff)).status_code == 403


def test_a_handoff_of_another_project_is_not_found_under_this_one(admin, project):
    foreign = made(factories.project())

    for name in ("handoff", "handoff_live", "handoff_text"):
        assert admin.get(url(name, project, foreign)).status_code == 404


def test_a_project_of_another_workspace_does_not_exist(project):
    handoff = made(project)
    stranger = client_of_admin(factories.project())

    assert stranger.get(url("handoffs", project)).status_code == 404
    assert stranger.get(url("handoff", project, handoff)).status_code == 404


def test_without_signing_in_the_pages_lead_to_the_login(project):
    answer = Client().get(url("handoffs", project))

    assert answer.status_code == 302
    assert answer.url.startswith(reverse("login"))


def test_the_encrypted_session_and_credentials_are_not_on_the_page(admin, project):
    handoff = made(project)

    page = admin.get(url("handoff", project, handoff)).content.decode()

    assert factories.ORG_ID not in page
    assert "vendor_session" not in page


def test_the_admin_shows_handoffs_without_routing_or_words_and_changes_none(admin_client, project):
    handoff = made(project)
    Handoff.objects.filter(pk=handoff.pk).update(utterance="I hand you over")
    address = reverse("admin:handoffs_handoff_change", args=[handoff.pk])

    page = admin_client.get(address)
    refused = admin_client.post(address, {"state": "ended"})

    assert page.status_code == 200
    assert "I hand you over" not in page.content.decode()
    assert "Vendor session" not in page.content.decode()
    assert refused.status_code == 403
    assert admin_client.get(reverse("admin:handoffs_handoff_changelist")).status_code == 200


def test_the_search_of_handoffs_looks_through_their_conversations(admin, project):
    wanted, other = made(project), made(project, State.FAILED)
    factories.said(wanted.conversation, "Quince jelly, zebra brand")
    search_catch_up()
    Handoff.objects.filter(pk=wanted.pk).update(queue="Parcels", topic="Jelly", reason="late")

    for query in (
        {"q": "zebra jelly"},
        {"q": wanted.vendor_conversation_id},
        {"queue": "parcels"},
        {"topic": "jelly"},
        {"agent": "noor"},
        {"reason": "late", "vendor": "salesforce"},
        {"outcome": "open"},
    ):
        assert listed(admin.get(url("handoffs", project), query)) == [wanted], query
    assert listed(admin.get(url("handoffs", project), {"outcome": "failed"})) == [other]
    assert listed(admin.get(url("handoffs", project), {"code": "cannot_connect"})) == [other]


def test_what_a_handoff_is_filtered_by_is_kept_when_it_is_asked_for(project):
    channel = factories.channel(project)
    conversation = factories.conversation(channel)
    conversation.dialog = {"topics": ["Greetings", "Lost parcel"]}
    conversation.save()

    handoff = factories.handoff(conversation, hints={"queue": "Parcels EMEA"})

    kept = (handoff.project, handoff.topic, handoff.queue, handoff.channel_kind)
    assert kept == (project, "Lost parcel", "Parcels EMEA", "webchat")


def test_each_outcome_is_found_by_the_filter_of_its_name(project):
    now = timezone.now()
    kinds = [
        *({"state": "ended", "end_reason": reason.value} for reason in EndReason),
        *({"state": "failed", "error_code": code} for code in FAILURES),
        {"state": "ended", "end_reason": "cancelled", "ended_at": now + timedelta(seconds=2)},
        {"state": "failed", "error_code": "no_default", "ended_at": now},
        {"state": "ended", "end_reason": "live_agent_ended", "joined_at": now},
        {"state": "failed", "error_code": "listener_lost", "joined_at": now},
        {"state": "queued", "ended_at": None},
    ]
    usual = {"requested_at": now, "ended_at": now + timedelta(seconds=60), "routing": {}}
    for number, kind in enumerate(kinds):
        conversation = factories.conversation(factories.channel(project))
        own = {"project": project, "conversation": conversation, "environment": "sandbox"}
        Handoff.objects.create(**{**own, "tool_call_id": str(number), **usual, **kind})

    for outcome in Outcome:
        found = set(Handoff.objects.filter(outcome_is(outcome)))
        assert found == {one for one in Handoff.objects.all() if handoff_outcome(one) == outcome}
    assert {handoff_outcome(one) for one in Handoff.objects.all()} == set(Outcome)


def test_an_export_of_handoffs_is_the_list(admin, project):
    rows = [made(project, State.ENDED), made(project, State.FAILED)]

    answer = admin.get(url("handoffs_export", project), {"format": "csv"})

    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    found = list(csv.DictReader(io.StringIO(text)))
    assert [row["handoff_id"] for row in found] == [row.pk for row in reversed(rows)]
    assert [row["outcome"] for row in found] == ["failed", "answered"]
    assert AuditEntry.objects.get(action="handoffs.exported").subject == "2 handoffs"


def test_a_handoffs_page_shows_its_phases_and_how_long_each_lasted(admin, project):
    going, over = made(project), made(project, State.FAILED)
    now = timezone.now()
    Handoff.objects.filter(pk=going.pk).update(
        requested_at=now - timedelta(seconds=130),
        accepted_at=now - timedelta(seconds=125),
        joined_at=now - timedelta(seconds=60),
    )
    Handoff.objects.filter(pk=over.pk).update(
        requested_at=now - timedelta(seconds=20),
        accepted_at=None,
        joined_at=None,
        ended_at=now - timedelta(seconds=10),
    )

    there, gone = (
        admin.get(url("handoff", project, one)).context["phases"] for one in (going, over)
    )

    assert [(one.label, one.is_now) for one in there] == [
        ("Connecting", False),
        ("Waiting", False),
        ("With a live agent", True),
    ]
    assert [one.lasted for one in there[:2]] == ["5 s", "1 min 5 s"]
    assert [(one.label, one.lasted) for one in gone] == [("Connecting", "10 s"), ("Failed", "")]
