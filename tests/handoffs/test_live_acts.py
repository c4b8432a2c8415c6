"""What an operator does to handoffs from Live: each on its own, and all of it in the audit."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from conversations.models import Conversation
from handoffs.models import Delivery
from handoffs.states import State
from integrations.models import AuditEntry
from tests import factories
from tests.handoffs.opening import act, aged, audited, opened, unsent
from tests.members import client_of_admin


@pytest.mark.django_db
class TestActs:
    def test_a_returned_handoff_is_with_the_ai_agent_again(self, project):
        handoff = opened(project)

        act(client_of_admin(project), project, "return", handoff)

        after = factories.fresh(handoff)
        assert (after.state, after.end_reason) == ("ended", "operator_ended")
        assert after.conversation.state == Conversation.State.BOT
        assert after.vendor_end_until is not None, "the vendor is told"
        assert audited() == ["handoff.returned_by_operator"]

    def test_an_ended_one_ends_the_conversation(self, project):
        handoff = opened(project)

        act(client_of_admin(project), project, "end", handoff)

        assert factories.fresh(handoff).conversation.is_over
        assert audited() == ["handoff.ended_by_operator"]

    def test_what_was_not_delivered_goes_once_more_in_order(self, project):
        handoff = opened(project)
        lost = [unsent(handoff, Delivery.Status.FAILED) for _ in range(2)]
        waits = unsent(handoff)
        Delivery.objects.filter(pk=waits.pk).update(
            next_attempt_at=timezone.now() + timedelta(minutes=5)
        )

        act(client_of_admin(project), project, "retry", handoff)

        rows = Delivery.objects.filter(handoff=handoff).order_by("sequence")
        assert [row.pk for row in rows] == [waits.pk, *(row.pk for row in lost)]
        assert {row.status for row in rows} == {"pending"}
        assert all(row.next_attempt_at <= timezone.now() for row in rows)

    def test_another_worker_may_take_it(self, project):
        handoff = opened(project)

        act(client_of_admin(project), project, "release", handoff)

        assert factories.fresh(handoff).owner_id is None

    def test_what_cannot_be_done_is_said_for_each_and_the_rest_is_done(self, project):
        over, going = opened(project, State.ENDED), opened(project)

        page = act(client_of_admin(project), project, "end", over, going).content.decode()

        assert re.search(rf"{over.pk}: It ended \d+ s ago; nothing was done.", page)
        assert not factories.fresh(going).is_open

    @pytest.mark.parametrize(
        ("name", "said"), [("", "Choose what to do"), ("end", "Choose at least one handoff")]
    )
    def test_nothing_chosen_is_named(self, project, name, said):
        assert said in act(client_of_admin(project), project, name).content.decode()

    def test_a_handoff_of_another_project_does_not_exist_here(self, project):
        foreign = opened(factories.project())

        page = act(client_of_admin(project), project, "end", foreign).content.decode()

        assert "not in this project" in page
        assert factories.fresh(foreign).is_open

    def test_the_handoffs_own_page_offers_the_same_while_it_is_open(self, project):
        client = client_of_admin(project)
        going, over = opened(project), opened(project, State.FAILED)

        pages = [
            client.get(reverse("handoff", args=[project.public_id, handoff.pk])).content.decode()
            for handoff in (going, over)
        ]

        assert ["Return to AI agent?" in page for page in pages] == [True, False]

    def test_what_has_moved_on_since_it_was_seen_is_left_alone_and_says_how_it_stands(
        self, project
    ):
        joined, over = opened(project), aged(opened(project, State.ENDED), "ended_at", seconds=3)
        client = client_of_admin(project)
        seen = [f"{joined.pk} queued", f"{over.pk} active"]

        page = client.post(
            reverse("live_act", args=[project.public_id]),
            {"act": "end", "handoff": seen},
            follow=True,
        ).content.decode()

        assert f"{joined.pk}: It has moved on to with a live agent; nothing was done." in page
        assert re.search(rf"{over.pk}: It ended \d+ s ago; nothing was done.", page)
        assert factories.fresh(joined).is_open
        refused = AuditEntry.objects.filter(action="handoff.act_refused")
        assert {entry.subject: entry.fields for entry in refused} == {
            joined.pk: ["End conversation, seen as queued"],
            over.pk: ["End conversation, seen as active"],
        }
        assert set(audited()) == {"handoff.act_refused"}, "nothing was done"

    def test_a_note_stays_with_the_conversation_and_the_audit_says_how_it_stood(self, project):
        handoff = opened(project)

        client_of_admin(project).post(
            reverse("live_act", args=[project.public_id]),
            {"act": "end", "handoff": f"{handoff.pk} active", "note": "Called back by phone"},
        )

        assert [note.text for note in handoff.conversation.notes.all()] == [
            "End conversation: Called back by phone"
        ]
        entry = AuditEntry.objects.get(action="handoff.ended_by_operator")
        assert entry.fields == ["was active"]

    def test_a_row_is_chosen_as_it_was_seen(self, project):
        handoff = opened(project)

        page = client_of_admin(project).get(reverse("live", args=[project.public_id]))

        assert f'name="handoff" value="{handoff.pk} active"' in page.content.decode()
