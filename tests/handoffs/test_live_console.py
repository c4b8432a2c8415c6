"""The live console: who is stuck comes first, it follows what happens, and acts are audited."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth import get_user
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config.asgi import application
from conversations.event_loop.executor import run_sync
from conversations.journal.frames import EventType
from conversations.journal.services import NewEvent, events_append
from conversations.models import Conversation, EndUser, Event
from handoffs.models import Delivery, Handoff, RelayWorker
from handoffs.portal.conversations.marks import note_create
from handoffs.portal.live import drawer_views
from handoffs.portal.live.board import boards, picture, picture_change
from handoffs.portal.live.consumer import NO_ACCESS, OTHER_RIGHTS
from handoffs.portal.live.opened import MOMENTS, STUCK
from handoffs.portal.live.reading import SAID_MAX, LiveFilter, live_page
from handoffs.portal.live.rows import live_row
from handoffs.portal.live.silence import LOOK
from handoffs.states import State
from integrations.entry.members.roles import Rights
from integrations.entry.members.services import member_change, member_remove
from integrations.entry.sessions.services import session_end
from integrations.models import Access, Membership, PortalSession, Project
from tests import factories
from tests.bench.page_targets import PAGES
from tests.handoffs.opening import act, aged, audited, opened, unsent
from tests.members import client_of_admin, client_of_reader, client_with


def many_open(project: Project, number: int) -> str:
    """Make so many open handoffs in bulk; return the one that stands first."""
    seed = opened(project, State.QUEUED)
    talk = seed.conversation
    talks = Conversation.objects.bulk_create(
        Conversation(
            project=project,
            channel=talk.channel,
            end_user=talk.end_user,
            environment=talk.environment,
            state=talk.state,
            token_family=talk.token_family,
        )
        for _ in range(number - 1)
    )
    Handoff.objects.bulk_create(
        Handoff(
            project=project,
            conversation=one,
            environment=talk.environment,
            tool_call_id="t",
            routing={},
            state=State.QUEUED.value,
            owner=seed.owner,
        )
        for one in talks
    )
    aged(seed, "requested_at", seconds=90)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as PostgreSQL does by itself, after a while
    return str(seed.pk)


def read(project: Project, *, later: timedelta = timedelta(0), **wanted: str) -> Any:
    return live_page(project.pk, LiveFilter.read(wanted), now=timezone.now() + later)


def shown(project: Project, **wanted: str) -> list[Handoff]:
    return [Handoff(pk=row.id) for row in read(project, **wanted).handoffs]


def reasons(project: Project, *, later: timedelta = timedelta(0)) -> list[str]:
    return [row.why for row in read(project, later=later).handoffs]


@pytest.fixture(autouse=True)
def _workers_live(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine a test takes longer than a worker without heartbeat counts as alive."""
    monkeypatch.setitem(MOMENTS, "heartbeat", 600)


@pytest.mark.django_db
class TestReading:
    def test_a_handoff_that_goes_well_is_not_stuck(self, project):
        opened(project)

        page = read(project)

        assert [row.why for row in page.handoffs] == [""]
        assert page.counts == {
            "waiting": 0,
            "active": 1,
            "connecting": 0,
            "stuck": 0,
            "undelivered": 0,
        }

    def test_every_way_of_being_stuck_is_found(self, project):
        aged(opened(project, State.REQUESTED), "requested_at", seconds=8)
        aged(opened(project, State.CONNECTING), "requested_at", seconds=40)
        aged(opened(project, State.QUEUED), "requested_at", seconds=400)
        unsent(opened(project), seconds=20)
        silent = aged(opened(project), "joined_at", seconds=4000)
        silent.conversation.events.update(created_at=timezone.now() - timedelta(seconds=3000))
        ended = aged(opened(project, State.ENDED), "ended_at", seconds=90)
        later = timezone.now() + timedelta(hours=1)
        Handoff.objects.filter(pk=ended.pk).update(vendor_end_until=later)
        gone = opened(project)
        RelayWorker.objects.update(heartbeat_at=later)
        RelayWorker.objects.filter(pk=gone.owner_id).update(
            heartbeat_at=timezone.now() - timedelta(seconds=601)
        )

        assert sorted(reasons(project)) == sorted(STUCK)

    def test_who_is_stuck_comes_first_and_then_who_waits_longest(self, project):
        young = opened(project, State.QUEUED)
        old = aged(opened(project, State.QUEUED), "requested_at", seconds=100)
        stuck = opened(project)
        unsent(stuck, Delivery.Status.FAILED)

        assert shown(project) == [stuck, old, young]

    def test_it_is_put_into_the_order_that_the_address_names(self, project):
        stuck = opened(project)
        unsent(stuck, Delivery.Status.FAILED)
        talks = aged(opened(project), "requested_at", seconds=200)
        waits = aged(opened(project, State.QUEUED), "requested_at", seconds=100)

        assert shown(project, sort="wait") == [waits, talks, stuck]
        assert shown(project, sort="age") == [talks, waits, stuck]
        assert shown(project, sort="nonsense") == shown(project) == [stuck, talks, waits]

    def test_the_order_goes_before_what_there_is_room_for(self, project):
        unsent(opened(project), Delivery.Status.FAILED)
        talks = aged(opened(project), "requested_at", seconds=200)

        assert shown(project, sort="age", rows="1") == [talks]

    def test_what_was_said_last_is_read_by_right_alone_and_cut(self, project):
        handoff = opened(project)
        factories.said(handoff.conversation, "My parcel is lost " * 20)
        view = LiveFilter.read({}, shows_people=True)

        [trusted] = live_page(project.pk, view, now=timezone.now()).handoffs
        [other] = read(project).handoffs

        assert trusted.last_text == ("My parcel is lost " * 20)[:SAID_MAX]
        assert not other.last_text
        assert other.last_type == "USER_MESSAGE", "who has spoken is no secret"

    def test_of_a_message_that_was_taken_back_no_word_is_shown(self, project):
        handoff = opened(project)
        said = factories.said(handoff.conversation, "Secret", EventType.LIVE_AGENT_MESSAGE)
        gone = {"message_id": str(said.pk), "text": "", "is_deleted": True}
        line = NewEvent(type=EventType.LIVE_AGENT_MESSAGE_CHANGED, payload=gone)
        with transaction.atomic():
            events_append(factories.fresh(handoff).conversation, [line])
        view = LiveFilter.read({}, shows_people=True)

        [row] = live_page(project.pk, view, now=timezone.now()).handoffs

        assert not row.last_text

    def test_what_was_ended_is_ending_until_the_vendor_confirms_it(self, project):
        ended = opened(project, State.ENDED)
        later = timezone.now() + timedelta(hours=1)
        Handoff.objects.filter(pk=ended.pk).update(ended_at=timezone.now(), vendor_end_until=later)

        [row] = read(project).handoffs
        confirmed = Handoff.objects.filter(pk=ended.pk).update(vendor_end_until=None)

        assert (row.id, row.why) == (ended.pk, "")
        assert live_row(row, shows_people=False).badge.label == "Ending…"
        assert confirmed
        assert shown(project) == []

    def test_other_projects_and_what_is_over_are_not_there(self, project):
        opened(factories.project())
        opened(project, State.ENDED)

        assert shown(project) == []

    @pytest.mark.parametrize(
        ("wanted", "count"),
        [
            ({"state": "waiting"}, 1),
            ({"state": "stuck"}, 0),
            ({"environment": "live"}, 0),
            ({"vendor": "zendesk_integration"}, 0),
            ({"vendor": "salesforce_integration"}, 2),
            ({"state": "nonsense"}, 2),
            ({"rows": "1"}, 1),
        ],
    )
    def test_it_is_narrowed_by_what_the_address_says(self, project, wanted, count):
        opened(project, State.QUEUED)
        opened(project)

        assert len(shown(project, **wanted)) == count

    def test_a_page_takes_one_statement_however_many_are_open(
        self, project, django_assert_num_queries
    ):
        for _ in range(3):
            unsent(opened(project), seconds=20)
        read(project)

        with django_assert_num_queries(1):
            rows = read(project).handoffs

        assert {(row.undelivered, row.last_type) for row in rows} == {(1, "USER_MESSAGE")}

    def test_three_thousand_open_ones_cost_one_statement_and_a_hundred_rows(
        self, project, django_assert_num_queries
    ):
        changing = many_open(project, 3000)
        view = (project.pk, project.public_id, LiveFilter())

        picture(view)
        with django_assert_num_queries(1):
            first = picture(view)
        Handoff.objects.filter(pk=changing).update(queue_status={"queue_name": "Billing"})
        change = picture_change(first, picture(view))

        assert (len(first.rows), first.total) == (100, 3000)
        assert list(change["rows"]) == [changing]
        assert len(json.dumps(change)) < 12_000

    def test_who_falls_silent_is_looked_up_twice_a_minute(self, project, django_assert_num_queries):
        talks = [aged(opened(project), "joined_at", seconds=4000) for _ in "12"]
        for talk in talks:
            factories.said(talk.conversation, "Hello?")
        assert reasons(project) == ["", ""], "nobody is silent yet"
        Event.objects.filter(conversation=talks[0].conversation).update(
            created_at=timezone.now() - timedelta(seconds=MOMENTS["silence"])
        )

        with django_assert_num_queries(1):
            assert reasons(project) == ["", ""]
        with django_assert_num_queries(2):
            page = read(project, later=LOOK)

        assert [(row.id, row.why) for row in page.handoffs] == [
            (talks[0].pk, "silent"),
            (talks[1].pk, ""),
        ]

    def test_who_is_heard_again_is_not_silent_any_more(self, project):
        silent = aged(opened(project), "joined_at", seconds=4000)
        factories.said(silent.conversation, "Hello?")
        Event.objects.update(created_at=timezone.now() - timedelta(seconds=3000))
        before = reasons(project)
        factories.said(silent.conversation, "Are you there?")

        assert (before, reasons(project)) == (["silent"], [""]), "at once"

    def test_who_came_a_moment_ago_is_not_silent_for_what_was_said_before(self, project):
        fresh = opened(project)
        factories.said(fresh.conversation, "Hello?")
        Event.objects.update(created_at=timezone.now() - timedelta(seconds=3000))

        assert reasons(project) == [""]

    def test_it_says_when_no_relay_worker_is_running(self, project):
        aged(opened(project, State.REQUESTED), "requested_at", seconds=120)
        wanted = (project.pk, project.public_id, LiveFilter())

        before = picture(wanted)
        opened(project)
        after = picture(wanted)

        assert (before.unheld, after.unheld) == (1, 0)
        assert picture_change(before, after)["unheld"] == 0

    def test_it_is_narrowed_by_queue_live_agent_id_reason_and_wait(self, project):
        waiting = aged(opened(project, State.QUEUED), "requested_at", seconds=400)
        joined = opened(project)
        Handoff.objects.filter(pk=waiting.pk).update(
            queue="Billing", vendor_conversation_id="0MwX_1"
        )
        Handoff.objects.filter(pk=joined.pk).update(agent_name="Zoe Quill")
        aged(opened(project), "requested_at", seconds=400)

        assert shown(project, queue="Billing") == [waiting]
        assert shown(project, stuck="waiting") == [waiting]
        assert shown(project, over="5") == [waiting]
        assert shown(project, over="15") == []
        assert shown(project, agent="e qui") == [joined]
        assert shown(project, agent="e%i") == [], "a sign of the database's is a letter"
        assert shown(project, q="mwx_") == [waiting]
        assert shown(project, q=joined.conversation_id.lower()[-9:]) == [joined]

    def test_counters_follow_what_narrows_the_part_and_the_total_what_is_shown(self, project):
        waiting = opened(project, State.QUEUED)
        opened(project)
        Handoff.objects.filter(pk=waiting.pk).update(queue="Billing")

        page = read(project, queue="Billing")
        narrowed = read(project, state="active", rows="1")

        assert (page.counts["waiting"], page.counts["active"], page.total) == (1, 0, 1)
        assert (narrowed.counts["waiting"], narrowed.total) == (1, 1)

    def test_the_sentence_of_a_part_without_any_does_not_speak_of_the_whole(self, project):
        opened(project, State.QUEUED)

        asked = [LiveFilter.read(one) for one in ({"queue": "None"}, {"state": "active"})]
        said = [picture((project.pk, project.public_id, one)).sentence for one in asked]

        assert said[0] == "Nothing that is open fits these filters."
        assert said[1].startswith("1 open: 1 waiting.")

    def test_the_sentence_names_the_queue_of_who_waits_longest(self, project):
        old = aged(opened(project, State.QUEUED), "requested_at", seconds=100)
        opened(project, State.QUEUED)
        Handoff.objects.filter(pk=old.pk).update(queue="Billing")

        sentence = picture((project.pk, project.public_id, LiveFilter())).sentence

        assert re.search(r"Longest wait 1 min \d+ s in Billing\.$", sentence)


@pytest.mark.django_db
class TestPage:
    def test_it_says_how_things_stand_and_what_is_wrong(self, project):
        aged(opened(project, State.QUEUED), "requested_at", seconds=400)

        page = client_of_admin(project).get(reverse("live", args=[project.public_id]))

        text = page.content.decode()
        assert "1 open: 1 waiting, 1 stuck." in text
        assert STUCK["waiting"] in text

    def test_each_vendor_that_it_offers_narrows_it_to_its_own(self, project):
        handoff = opened(project)

        page = client_of_admin(project).get(reverse("live", args=[project.public_id]))

        fields = {field.name: field for field in page.context["filter_fields"]}
        assert fields["vendor"].options == [("salesforce_integration", "Salesforce")]
        assert shown(project, vendor=fields["vendor"].options[0][0]) == [handoff]

    def test_its_filters_are_kept_by_what_is_done_and_by_the_socket(self, project):
        handoff = opened(project)
        Handoff.objects.filter(pk=handoff.pk).update(queue="Billing & co")
        client = client_of_admin(project)
        path = reverse("live", args=[project.public_id])

        page = client.get(path, {"queue": "Billing & co", "stuck": "waiting"})
        done = client.post(
            reverse("live_act", args=[project.public_id]),
            {"act": "", "queue": "Billing & co", "stuck": "waiting"},
        )

        text = page.content.decode()
        query = "stuck=waiting&amp;queue=Billing+%26+co"
        assert f'/live?{query}&amp;rows=100"' in text
        assert [chip.value for chip in page.context["chips"]] == [STUCK["waiting"], "Billing & co"]
        assert '<option value="Billing &amp; co" selected>' in text
        assert done["Location"] == f"{path}?stuck=waiting&queue=Billing+%26+co"

    def test_who_is_called_the_same_on_live_as_on_the_page_of_the_conversation(self, project):
        handoff = opened(project)
        client = client_of_admin(project)
        name = f"Visitor {str(handoff.conversation.session_id)[:4]}"

        pages = [
            client.get(reverse("live", args=[project.public_id])),
            client.get(reverse("conversation", args=[project.public_id, handoff.conversation_id])),
        ]

        assert all(name in page.content.decode() for page in pages)

    def test_the_page_takes_no_more_statements_than_it_may(self, project):
        opened(project)
        client = client_of_admin(project)
        path = reverse("live", args=[project.public_id])
        client.get(path)

        with CaptureQueriesContext(connection) as statements:
            client.get(path)

        assert len(statements) <= PAGES["Live"].statements

    def test_an_empty_console_says_when_the_last_was_over(self, project):
        aged(opened(project, State.ENDED), "ended_at", seconds=720)

        page = client_of_admin(project).get(reverse("live", args=[project.public_id]))

        assert "The last handoff ended 12\xa0minutes ago." in page.content.decode()

    def test_an_empty_console_says_what_will_be_there(self, project):
        page = client_of_admin(project).get(reverse("live", args=[project.public_id]))

        assert "No handoff yet" in page.content.decode()

    def test_names_are_never_markup(self, project):
        handoff = opened(project)
        handoff.conversation.end_user.name = "<b>Ada</b>"
        handoff.conversation.end_user.save()

        page = client_of_admin(project).get(reverse("live", args=[project.public_id]))

        assert "&lt;b&gt;Ada&lt;/b&gt;" in page.content.decode()
        assert "<b>Ada" not in page.content.decode()

    def test_names_of_end_users_are_shown_by_right_alone(self, project):
        handoff = opened(project)
        EndUser.objects.filter(pk=handoff.conversation.end_user_id).update(name="Ada Quill")
        page = reverse("live", args=[project.public_id])

        operator = client_with(project, conversations=Access.EDIT)
        trusted = client_with(project, conversations=1, sees_personal_data=True)

        assert "Ada Quill" not in operator.get(page).content.decode()
        assert "Ada Quill" in trusted.get(page).content.decode()

    def test_who_may_not_see_conversations_is_refused(self, project):
        client = client_with(project, integrations=Access.EDIT)

        assert client.get(reverse("live", args=[project.public_id])).status_code == 403

    def test_a_reader_sees_no_button_and_may_not_act(self, project):
        handoff = opened(project)
        client = client_of_reader(project)

        page = client.get(reverse("live", args=[project.public_id]))
        answer = act(client, project, "end", handoff)

        assert "Do it" not in page.content.decode()
        assert answer.status_code == 403
        assert factories.fresh(handoff).is_open


@pytest.mark.django_db
class TestDrawer:
    def path(self, handoff: Handoff) -> str:
        return reverse("live_drawer", args=[handoff.project.public_id, handoff.pk])

    def test_it_shows_the_newest_lines_the_notes_and_what_can_be_done(self, project):
        handoff = opened(project)
        for number in range(drawer_views.LINES_SHOWN + 1):
            factories.said(handoff.conversation, f"Line {number}.")
        client = client_of_admin(project)
        note_create(conversation=handoff.conversation, text="A regular", actor=get_user(client))

        text = client.get(self.path(handoff)).content.decode()

        assert f"Line {drawer_views.LINES_SHOWN}." in text and "Line 0." not in text
        assert "Earlier lines" in text and "A regular" in text
        assert "You are watching. Nobody in the chat is told." in text
        assert "Return to AI agent?" in text and f'value="{handoff.pk} active"' in text

    def test_watching_is_reading_and_audited_once(self, project):
        handoff = opened(project)
        client = client_of_admin(project)

        for _ in range(2):
            client.get(self.path(handoff))

        assert audited() == ["conversation.read"]

    def test_a_reader_without_the_right_watches_without_words_and_without_buttons(self, project):
        handoff = opened(project)
        factories.said(handoff.conversation, "My card is 4111")
        EndUser.objects.filter(pk=handoff.conversation.end_user_id).update(name="Ada")
        admin = client_of_admin(project)
        note_create(conversation=handoff.conversation, text="Calls a lot", actor=get_user(admin))

        text = client_with(project, conversations=Access.READ).get(self.path(handoff))

        shown = text.content.decode()
        assert not [word for word in ("4111", "Ada", "Calls a lot", "<form") if word in shown]
        assert audited() == ["note.added"]

    @pytest.mark.parametrize("who", ["without the area", "of another project"])
    def test_nobody_else_watches(self, project, who):
        handoff = opened(project)
        client = (
            client_with(project, integrations=Access.EDIT)
            if who == "without the area"
            else client_of_admin(factories.project())
        )

        answer = client.get(self.path(handoff))

        assert answer.status_code == (403 if who == "without the area" else 404)

    def test_of_one_that_is_over_nothing_can_be_done(self, project):
        handoff = opened(project, State.ENDED)

        text = client_of_admin(project).get(self.path(handoff)).content.decode()

        assert 'data-open="false"' in text and "live/act" not in text


def console(client: Client, project: Project, *, origin: str = "http://testserver") -> Any:
    cookie = f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"
    headers = [(b"origin", origin.encode()), (b"cookie", cookie.encode())]
    return WebsocketCommunicator(application, f"/ws/portal/{project.public_id}/live", headers)


@pytest.mark.django_db(transaction=True)
class TestSocket:
    async def test_it_brings_everything_first_and_then_what_changes(self, project):
        client = await run_sync(client_of_admin, project)
        first = await run_sync(opened, project)
        socket = console(client, project)
        assert (await socket.connect(timeout=20))[0]

        everything = await socket.receive_json_from(timeout=20)
        second = await run_sync(transaction.atomic(opened), project, State.QUEUED)
        change = await socket.receive_json_from(timeout=20)
        await socket.disconnect()

        assert everything["order"] == [first.pk]
        assert first.pk in everything["rows"][first.pk]
        assert change["order"] == [first.pk, second.pk]
        assert list(change["rows"]) == [second.pk], "what stayed as it was is not sent again"
        assert change["counts"]["waiting"] == 1

    async def test_twenty_consoles_cost_what_one_costs(self, project):
        client = await run_sync(client_of_admin, project)
        sockets = [console(client, project) for _ in range(20)]
        for socket in sockets:
            assert (await socket.connect(timeout=20))[0]
        for socket in sockets:
            await socket.receive_json_from(timeout=20)

        views = list(boards()._boards)
        for socket in sockets:
            await socket.disconnect()

        assert len(views) == 1
        assert list(boards()._boards) == [], "what nobody watches is read no more"

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ("removed", NO_ACCESS),
            ("signed out", NO_ACCESS),
            ("session ended", NO_ACCESS),
            ("area taken", NO_ACCESS),
            ("personal data taken", OTHER_RIGHTS),
        ],
    )
    async def test_it_closes_at_once_when_its_member_may_not_go_on(self, project, change, code):
        client = await run_sync(client_with, project, **OPERATING)
        socket = console(client, project)
        assert (await socket.connect(timeout=20))[0]
        await socket.receive_json_from(timeout=20)

        await run_sync(_change, change, client, project)
        closed = await socket.receive_output(timeout=10)
        await socket.disconnect()

        assert (closed["type"], closed["code"]) == ("websocket.close", code)

    @pytest.mark.parametrize("who", ["stranger", "no_conversations", "evil_page", "inactive"])
    async def test_nobody_else_is_let_in(self, project, who):
        client = await run_sync(_visitor, project, who)
        origin = "https://evil.example" if who == "evil_page" else "http://testserver"

        is_connected, _ = await console(client, project, origin=origin).connect(timeout=20)

        assert not is_connected


OPERATING: dict[str, Any] = {"conversations": Access.EDIT, "sees_personal_data": True}


def _change(change: str, client: Client, project: Project) -> None:
    """Take from the member what the console rests on, as the portal's pages do."""
    row = Membership.objects.get(workspace=project.workspace)
    if change == "removed":
        member_remove(membership=row, actor=None)
    elif change == "signed out":
        client.post("/logout/")
    elif change == "session ended":
        session_end(row=PortalSession.objects.get(user=row.user), actor=None)
    else:
        areas = {} if change == "area taken" else row.areas
        rights = Rights(is_admin=False, areas=areas, sees_personal_data=False)
        member_change(membership=row, rights=rights, actor=None)


def _visitor(project: Project, who: str) -> Client:
    if who == "stranger":
        return client_of_admin(factories.project())
    if who == "no_conversations":
        return client_with(project, integrations=Access.EDIT)
    client = client_of_admin(project)
    if who == "inactive":
        Membership.objects.get(workspace=project.workspace).user.delete()
    return client
