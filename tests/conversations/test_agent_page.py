"""Build > AI agent: who answers, what is kept secret, and what a test turn tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from conversations.ai_agent.runtimes.kinds import signing_secrets
from conversations.models import OutsideAgent
from handoffs.portal.trials.agent_trial import TESTS_PER_MINUTE
from integrations.entry.rate_limit import retry_after
from integrations.models import AuditEntry, Project
from tests import factories
from tests.handoffs.outside import WebhookStandIn, webhook_agent
from tests.members import client_of_admin, client_of_reader

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def served() -> Iterator[WebhookStandIn]:
    with webhook_agent() as agent:
        yield agent


def url(name: str, project: Project) -> str:
    return reverse(name, kwargs={"project_id": project.public_id})


def values(**changed: Any) -> dict[str, Any]:
    return {
        "kind": "webhook",
        "url": "https://agent.example.com/turn",
        "first_seconds": "5",
        "whole_seconds": "20",
        "failure_text": "Our assistant is away.",
        **changed,
    }


def save(admin: Client, project: Project, **changed: Any) -> str:
    """Save a webhook agent and return the page that answers."""
    return admin.post(url("agent", project), values(**changed)).content.decode()


def test_a_project_begins_with_the_built_in_agent_and_may_return_to_it(
    admin: Client, project: Project
):
    assert "Answers now" in admin.get(url("agent", project)).content.decode()
    save(admin, project)

    admin.post(url("agent", project), {"kind": "builtin"})

    assert not OutsideAgent.objects.exists()
    assert AuditEntry.objects.filter(action="outside_agent.removed").exists()


def test_the_secret_is_shown_once_when_it_is_made_and_never_again(admin: Client, project: Project):
    page = save(admin, project)
    agent = OutsideAgent.objects.get(project=project)
    secret = agent.secrets["signing_secret"]
    assert secret in page
    assert agent.options == {
        "first_seconds": 5,
        "whole_seconds": 20,
        "failure_text": "Our assistant is away.",
        "escalates": False,
    }

    assert secret not in admin.get(url("agent", project)).content.decode()
    save(admin, project, first_seconds="6")
    agent.refresh_from_db()
    assert agent.secrets["signing_secret"] == secret, "saving the form makes no new one"

    page = admin.post(url("agent_secret", project)).content.decode()
    agent.refresh_from_db()
    assert agent.secrets["signing_secret"] in page
    assert agent.secrets["signing_secret"] != secret


def test_what_changed_is_audited_by_name_and_never_by_value(admin: Client, project: Project):
    save(admin, project)
    save(admin, project, url="https://other.example.com/turn")

    entries = AuditEntry.objects.filter(action="outside_agent.changed").order_by("pk")
    assert [entry.fields for entry in entries] == [["kind", "options", "secrets", "url"], ["url"]]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"url": ""}, "Address is missing."),
        ({"url": "agent"}, "This is not a web address."),
        ({"url": "http://agent.example.com"}, "does not start with https://"),
        ({"url": "https://10.0.0.8/turn"}, "inside a private network"),
        ({"url": "https://me:pw@agent.example.com"}, "user name or password"),
        ({"first_seconds": "0"}, "greater than or equal to 1"),
        ({"whole_seconds": "121"}, "less than or equal to 120"),
        ({"first_seconds": "30"}, "shorter than the wait for the first sign"),
    ],
)
def test_what_cannot_work_is_refused_beside_its_field(
    admin: Client, project: Project, wrong: dict[str, str], told: str
):
    answer = admin.post(url("agent", project), values(**wrong))

    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert not OutsideAgent.objects.exists()


@pytest.mark.parametrize("kind", ["nobody", "../webhook", ""])
def test_a_kind_that_there_is_not_is_refused(admin: Client, project: Project, kind: str):
    assert admin.post(url("agent", project), values(kind=kind)).status_code == 404


def test_an_agent_that_drives_by_rest_needs_no_address(admin: Client, project: Project):
    page = admin.get(url("agent", project) + "?kind=api").content.decode()
    assert "permission Chat, under <em>Settings &gt; API keys</em>" in page
    assert "/ws/agent" in page

    admin.post(url("agent", project), {"kind": "api"})

    assert OutsideAgent.objects.get(project=project).kind == "api"


def test_an_agent_that_drives_by_rest_has_a_time_to_answer_where_one_is_typed(
    admin: Client, project: Project
):
    page = admin.get(url("agent", project) + "?kind=api").content.decode()
    assert 'name="answer_seconds" value="120"' in page, "who sets it up is offered one"

    typed = {"kind": "api", "answer_seconds": "60", "failure_text": "Away.", "escalates": "on"}
    admin.post(url("agent", project), typed)
    agent = OutsideAgent.objects.get(project=project)
    assert agent.options == {
        "answer_seconds": 60,
        "failure_text": "Away.",
        "escalates": True,
        "sends_pieces": False,
    }
    assert 'name="answer_seconds" value="60"' in admin.get(url("agent", project)).content.decode()

    admin.post(url("agent", project), typed | {"answer_seconds": ""})
    agent.refresh_from_db()
    assert "answer_seconds" not in agent.options
    page = admin.get(url("agent", project)).content.decode()
    assert 'name="answer_seconds" value=' not in page, "what was emptied stays so"
    wrong = admin.post(url("agent", project), typed | {"answer_seconds": "0"})
    assert wrong.status_code == 422


def test_a_secret_is_replaced_with_an_overlap_or_at_once(admin: Client, project: Project):
    save(admin, project)
    agent = OutsideAgent.objects.get(project=project)
    before = agent.secrets["signing_secret"]

    page = admin.post(url("agent_secret", project), {"overlap": "yes"}).content.decode()
    agent.refresh_from_db()
    assert signing_secrets(agent) == (agent.secrets["signing_secret"], before)
    assert "The secret before signs as well, until" in page
    assert before not in page
    admin.post(url("agent", project), {"kind": "api"})
    assert "signs as well" not in save(admin, project), "a new agent has no secret before"

    page = admin.post(url("agent_secret", project)).content.decode()
    agent.refresh_from_db()
    assert signing_secrets(agent) == (agent.secrets["signing_secret"],)
    assert "signs as well" not in page


def test_a_reader_sees_the_agent_and_changes_nothing(project: Project):
    save(client_of_admin(project), project)
    reader = client_of_reader(project)

    assert "agent.example.com" in reader.get(url("agent", project)).content.decode()
    for name in ("agent", "agent_secret", "agent_test"):
        assert reader.post(url(name, project), values()).status_code == 403
    assert client_of_admin(factories.project()).get(url("agent", project)).status_code == 404


def test_a_test_turn_shows_what_came_back_and_how_long_it_took(
    admin: Client, project: Project, served: WebhookStandIn
):
    save(admin, project, url=served.url)
    served.answering = lambda turn: (
        200,
        {
            "utterance": "<b>Which order?</b>",
            "handoff": True,
            "response_suggestions": [{"message_text": "The last one"}],
        },
    )

    page = admin.post(url("agent_test", project), {"text": "Where is it?"}).content.decode()

    told = served.heard[-1].body
    assert (told["message"]["text"], told["conversation"]["is_test"]) == ("Where is it?", True)
    assert "&lt;b&gt;Which order?" in page
    assert "The last one" in page
    assert "&quot;handoff&quot;: true" in page
    assert " ms." in page


def test_a_failure_stands_on_the_page_until_the_agent_answers_again(
    admin: Client, project: Project, served: WebhookStandIn
):
    save(admin, project, url=served.url)
    served.answering = lambda turn: (401, {})

    page = admin.post(url("agent_test", project)).content.decode()
    assert "did not accept the key" in page
    agent = OutsideAgent.objects.get(project=project)
    failed_at = agent.error_at
    assert (agent.error_code, failed_at is not None) == ("agent_invalid_auth", True)

    admin.post(url("agent_test", project))
    agent.refresh_from_db()
    assert agent.error_at == failed_at, "the same failure again is no news"
    assert "The agent fails since" in admin.get(url("agent", project)).content.decode()

    served.answering = lambda turn: (200, {"utterance": "Here"})
    admin.post(url("agent_test", project))
    agent.refresh_from_db()
    assert (agent.error_code, agent.error_at) == ("", None)


def test_tests_are_bounded_and_need_something_to_ask(
    admin: Client, project: Project, served: WebhookStandIn
):
    assert "Nothing to test" in admin.post(url("agent_test", project), follow=True).content.decode()
    save(admin, project, url=served.url)
    served.answering = lambda turn: (200, {"utterance": "Here"})

    assert admin.post(url("agent_test", project)).status_code == 200

    for _ in range(2 * TESTS_PER_MINUTE):
        retry_after(f"agent-test:{project.public_id}", limit=TESTS_PER_MINUTE, window_seconds=60)

    assert admin.post(url("agent_test", project)).status_code == 302
