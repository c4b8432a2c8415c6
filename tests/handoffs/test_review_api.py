"""One conversation over REST with its notes and tags, and the list of handoffs, as on the pages."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse

from conversations.models import Conversation
from handoffs.models import Handoff
from handoffs.portal.conversations.search_fill import search_catch_up
from handoffs.states import State
from integrations.models import ApiKey, AuditEntry, Project
from tests import factories
from tests.members import client_of_admin

pytestmark = pytest.mark.django_db


class Caller:
    """Another system with a key of the project."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.key = factories.api_key(project, ApiKey.Permission.CONVERSATIONS)[1]

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Return the status and what was answered."""
        base = f"/v1/accounts/{self.project.workspace.slug}/projects/{self.project.slug}/"
        answer = Client().generic(
            method,
            base + path,
            "" if body is None else json.dumps(body),
            content_type="application/json",
            headers={"x-api-key": self.key},
            QUERY_STRING=urlencode(query),
        )
        return answer.status_code, answer.json()


@pytest.fixture
def call() -> Caller:
    return Caller(factories.project())


@pytest.fixture
def conversation(call: Caller) -> Conversation:
    made = factories.conversation(factories.channel(call.project))
    factories.said(made, "My zebra is lost")
    search_catch_up()
    return made


def test_a_conversation_is_read_whole_with_its_notes(call, conversation):
    call("POST", f"conversations/{conversation.pk}/notes", {"text": "Called back"})

    status, body = call("GET", f"conversations/{conversation.pk}")

    assert status == 200
    assert body["turns"][-1]["user_input"] == "My zebra is lost"
    assert [(note["author"], note["text"]) for note in body["notes"]] == [
        ("API key Desktop", "Called back")
    ]
    assert call("GET", f"conversations/{conversation.pk}/notes")[1]["notes"] == body["notes"]


def test_the_journal_is_read_in_parts_and_followed(call, conversation):
    path = f"conversations/{conversation.pk}/events"

    _, first = call("GET", path, limit=2)
    _, rest = call("GET", path, after=2)

    sequences = [line["sequence"] for line in [*first["events"], *rest["events"]]]
    assert sequences == list(range(1, first["last_sequence"] + 1))
    assert call("GET", path, after=-1)[0] == 400


def test_another_system_tags_what_it_knows_by_its_shared_id(call, conversation):
    Handoff.objects.filter(pk=factories.handoff(conversation).pk).update(shared_id="case-77")

    for _ in range(2):
        status, body = call("PUT", "conversations/case-77/tags/Solved")
    assert (status, body) == (200, {"tags": ["solved"]})

    lists = reverse("conversations", args=[call.project.public_id])
    page = client_of_admin(call.project).get(lists, {"tag": "solved"})
    assert [row.conversation for row in page.context["rows"]] == [conversation]
    assert AuditEntry.objects.get(action="tag.put").api_key is not None
    assert call("DELETE", "conversations/case-77/tags/solved")[1] == {"tags": []}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "notes", {"text": " "}), ("POST", "notes", {"text": 5}), ("PUT", "tags/%20", None)],
)
def test_what_cannot_be_written_is_refused_by_name(call, conversation, method, path, body):
    status, answer = call(method, f"conversations/{conversation.pk}/{path}", body)

    assert (status, answer["error_code"]) == (400, "INVALID_REQUEST")


def test_a_foreign_conversation_is_unknown(call):
    foreign = factories.conversation()

    for method, path in (("GET", ""), ("GET", "/events"), ("GET", "/notes"), ("PUT", "/tags/x")):
        assert call(method, f"conversations/{foreign.pk}{path}")[0] == 404


def test_the_list_of_handoffs_is_that_of_the_page(call, conversation):
    found = factories.handoff(conversation, state=State.ENDED)
    others = [
        factories.handoff(factories.conversation(factories.channel(call.project)), state=state)
        for state in (State.FAILED, State.ACTIVE)
    ]
    search_catch_up()
    admin = client_of_admin(call.project)

    for query in ({}, {"q": "zebra"}, {"outcome": "failed"}, {"state": "open"}, {"agent": "noor"}):
        _, body = call("GET", "handoffs", **query)
        page = admin.get(reverse("handoffs", args=[call.project.public_id]), query)
        ids = [one["id"] for one in body["handoffs"]]
        assert ids == [row.handoff.pk for row in page.context["rows"]], query
        assert ids
    first = call("GET", "handoffs", limit=1)[1]
    second = call("GET", "handoffs", limit=2, cursor=first["next_cursor"])[1]
    listed = [*first["handoffs"], *second["handoffs"]]
    assert [one["id"] for one in listed] == [*(one.pk for one in reversed(others)), found.pk]
    assert second["next_cursor"] is None
    assert listed[-1]["outcome"] == "answered"


@pytest.mark.parametrize(
    "query",
    [
        {"state": "x"},
        {"outcome": "x"},
        {"q": "agnet:x"},
        {"from": "soon"},
        {"cursor": "x"},
        {"limit": "00000100000"},
    ],
)
def test_a_parameter_that_means_nothing_is_refused(call, query):
    assert call("GET", "handoffs", **query)[0] == 400


def test_the_v3_listing_searches_as_the_page_does(call, conversation):
    other = factories.conversation(conversation.channel)
    search_catch_up()

    def ids(**query: str) -> list[str]:
        project = call.project
        answer = Client().get(
            f"/v3/{project.workspace.slug}/{project.slug}/conversations",
            {"client_env": "sandbox", **query},
            headers={"x-api-key": call.key},
        )
        found = answer.json().get("conversations")
        return ["refused"] if found is None else [item["id"] for item in found]

    assert ids(q="zebra") == [conversation.pk]
    assert ids(outcome="open") == [other.pk, conversation.pk]
    assert ids(outcome="contained") == []
    assert ids(outcome="nonsense") == ids(q="agnet:x") == ["refused"]
