"""start_function before the greeting, end_function once after the end; and what they may not do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.utils import timezone
from pydantic_monty import ResourceLimits

from conversations.ai_agent.lifetime.end import end_functions_lost
from conversations.ai_agent.lifetime.start import agent_begin
from conversations.ai_agent.sandbox.results import ToolError
from conversations.ai_agent.sandbox.workers import WORKERS
from conversations.journal.frames import SessionEnd
from conversations.journal.services import conversation_end, conversation_lock
from conversations.models import Conversation, Event, LogEntry
from conversations.tasks import end_function as task
from handoffs.responder import HandoffResponder
from handoffs.starting.agent_place import end_function
from handoffs.tasks import sweep
from integrations.models import Project
from tests import factories

pytestmark = pytest.mark.django_db
END = "def end_function(conv):\n    conv.state.n = (conv.state.n or 0) + 1\n"


@pytest.fixture
def project() -> Project:
    return factories.project(greeting="Good day.")


def begin(project: Project, body: str) -> tuple[Conversation, list[Event]]:
    factories.tool(project, f"def start_function(conv):\n    {body}", name="start_function")
    made = factories.conversation(factories.channel(project), state=Conversation.State.CREATED)
    events = agent_begin(made.pk)
    made.refresh_from_db()
    return made, events


def logged(conversation: Conversation) -> list[tuple[str, str]]:
    return list(LogEntry.objects.filter(conversation=conversation).values_list("code", "level"))


@pytest.mark.parametrize(
    ("body", "greeting"),
    [
        ("return ''", "Good day."),
        ("return None", "Good day."),
        ("return 'Hi, ' + conv.env", "Hi, sandbox"),
        ("return {'utterance': 'Welcome back'}", "Welcome back"),
    ],
)
def test_the_start_function_may_word_the_greeting(project, body, greeting):
    conversation, events = begin(project, f"conv.state.seen = 1; {body}")

    assert [event.type for event in events] == ["POLY_AGENT_JOINED", "POLY_AGENT_MESSAGE"]
    assert events[1].payload["text"] == greeting.replace("sandbox", conversation.environment)
    assert conversation.tool_state == {"seen": 1} and conversation.state == "bot"


def test_a_start_function_that_fails_costs_its_words_only_and_is_logged(project):
    conversation, events = begin(project, "conv.state.seen = 1; 1 / 0")

    assert events[1].payload["text"] == "Good day."
    assert conversation.tool_state == {}
    assert logged(conversation) == [("tool_runtime", "error")]


def test_a_start_function_asks_who_is_there(project):
    factories.integration(project, status="connected", environment="sandbox")
    source = (
        "def start_function(conv):\n    return str(conv.check_availability('salesforce').queue)"
    )
    factories.tool(project, source, name="start_function")
    made = factories.conversation(factories.channel(project), state=Conversation.State.CREATED)

    events = agent_begin(made.pk, HandoffResponder().tool_services)

    assert events[1].payload["text"] == "None", logged(made)


def test_a_start_function_hands_nobody_off(project):
    conversation, _ = begin(project, "return {'utterance': 'x', 'handoff': True}")

    assert conversation.state == "bot"
    assert logged(conversation) == [("returned", "warning")]


def ended(project: Project, source: str, **state: Any) -> Conversation:
    factories.tool(project, source, name="end_function")
    made = factories.conversation(factories.channel(project))
    Conversation.objects.filter(pk=made.pk).update(tool_state=state)
    conversation_end(conversation_lock(made.pk), SessionEnd.NATURAL_END)
    return made


def test_the_end_is_what_queues_the_end_function(project, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as queued:
        ended(project, END)

    names = [getattr(one, "keywords", {}).get("conversation_id") for one in queued]
    assert [name for name in names if name] == [Conversation.objects.get().pk]


def test_the_end_function_runs_once_and_sees_the_state(project):
    conversation = ended(project, END + "    conv.log.info('over', n=conv.state.n)", n=4)

    task(conversation.pk)
    end_function(conversation.pk)

    conversation.refresh_from_db()
    assert conversation.tool_state == {"n": 5}
    assert [entry.fields for entry in LogEntry.objects.all()] == [{"n": 5}]


def test_it_waits_for_the_end_and_says_nothing_after_it(project):
    factories.tool(project, END + "    return 'bye'", name="end_function")
    conversation = factories.conversation(factories.channel(project))
    end_function(conversation.pk)
    conversation.refresh_from_db()
    assert conversation.tool_state == {}

    conversation_end(conversation_lock(conversation.pk), SessionEnd.NATURAL_END)
    lines = Event.objects.count()
    end_function(conversation.pk)

    conversation.refresh_from_db()
    assert conversation.tool_state == {"n": 1}
    assert Event.objects.count() == lines


def test_an_end_function_that_fails_is_logged_and_not_run_again(project):
    conversation = ended(project, "def end_function(conv):\n    1 / 0")

    end_function(conversation.pk)
    end_function(conversation.pk)

    assert logged(conversation) == [("tool_runtime", "error")]


@contextmanager
def slots_taken(project: Project) -> Iterator[None]:
    """Hold all slots that the project may have."""
    workspace_key = project.workspace.public_id
    with ExitStack() as held:
        with suppress(ToolError):
            while True:
                session = WORKERS.session(
                    project.public_id, ResourceLimits(), workspace_key=workspace_key
                )
                held.enter_context(session)
        yield


def due_for(conversation: Conversation, **fields: Any) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(**fields)


def test_an_end_function_whose_message_was_lost_is_found_again_and_runs_once(project, redis_server):
    conversation = ended(project, END)
    due_for(conversation, end_function_due_at=timezone.now() - timedelta(minutes=1))

    sweep()
    with redis.Redis.from_url(redis_server.url) as broker:
        assert broker.llen("turns") == 1
    task(conversation.pk)
    task(conversation.pk)

    conversation.refresh_from_db()
    assert conversation.tool_state == {"n": 1}
    assert conversation.end_function_due_at is None
    assert end_functions_lost(timezone.now() + timedelta(days=1)) == []


def test_one_whose_worker_died_under_it_is_not_run_twice_and_the_log_says_so(project):
    conversation = ended(project, END)
    late = timezone.now() - timedelta(minutes=1)
    due_for(conversation, end_function_at=late, end_function_due_at=late)

    task(conversation.pk)
    task(conversation.pk)

    conversation.refresh_from_db()
    assert conversation.tool_state == {} and conversation.end_function_due_at is None
    assert logged(conversation) == [("end_function_lost", "error")]


def test_without_a_slot_it_stays_due(project, settings):
    conversation = ended(project, END)
    with slots_taken(project):
        task(conversation.pk)

    conversation.refresh_from_db()
    assert conversation.end_function_at is None and conversation.end_function_due_at is not None
    task(conversation.pk)
    conversation.refresh_from_db()
    assert conversation.tool_state == {"n": 1}
