"""The queue update API: what another system knows of the wait is what the end user is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from handoffs.models import Handoff
from handoffs.responder import HandoffResponder
from handoffs.states import State
from tests import factories

pytestmark = pytest.mark.django_db


def put(handoff: Handoff, body: Any, *, key: str = "", handoff_id: str = "") -> tuple[int, Any]:
    project = handoff.conversation.project
    path = f"/v1/{project.workspace.slug}/{project.slug}/handoffs/{handoff_id or handoff.pk}/queue"
    response = Client(raise_request_exception=False).put(
        path,
        json.dumps(body),
        content_type="application/json",
        headers={"x-api-key": key or factories.api_key(project)[1]},
    )
    return response.status_code, response.json()


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ({"unit": "position", "amount": 3}, {"position_in_queue": 3}),
        ({"unit": "time", "amount": 90}, {"estimated_wait_seconds": 90}),
        ({"unit": "unknown"}, {}),
        (
            {"unit": "time", "amount": 0, "queue_name": "Parcels"},
            {"estimated_wait_seconds": 0, "queue_name": "Parcels"},
        ),
    ],
)
def test_what_is_told_of_the_queue_is_shown_and_replaces_what_was(
    queued: Handoff, body: Any, shown: dict[str, Any]
):
    put(queued, {"unit": "position", "amount": 9})

    assert put(queued, body) == (200, shown)

    found = HandoffResponder().queue_status(conversation_id=queued.conversation_id)
    assert (found or {}) == shown


def test_the_banner_words_the_place_where_the_integration_shows_it():
    of = factories.integration(behaviour={"queue_messages": "position"})
    handoff = factories.handoff(state=State.QUEUED, of_integration=of)

    _, status = put(handoff, {"unit": "position", "amount": 4})

    assert "4" in status["display_message"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"unit": "people", "amount": 1},
        {"unit": "position"},
        {"unit": "time", "amount": -1},
        {"unit": "position", "amount": 0},
        {"unit": "time", "amount": "soon"},
    ],
)
def test_what_cannot_be_shown_is_refused_and_nothing_changes(queued: Handoff, body: Any):
    status, refused = put(queued, body)

    assert (status, refused["error_code"]) == (400, "INVALID_REQUEST")
    assert factories.fresh(queued).queue_status == {}


def test_nobody_waits_once_a_live_agent_has_joined(active: Handoff):
    status, refused = put(active, {"unit": "position", "amount": 1})

    assert (status, refused["error_code"]) == (409, "NOT_WAITING")


def test_another_projects_handoff_and_an_unknown_one_are_refused_alike(queued: Handoff):
    other = factories.handoff()
    body = {"unit": "unknown"}

    assert put(other, body, handoff_id=queued.pk)[0] == 404
    assert put(other, body, handoff_id="HOF-nobody")[0] == 404
    assert put(queued, body, key="wrong")[0] == 401
