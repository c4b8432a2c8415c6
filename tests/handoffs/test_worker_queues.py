"""A real worker whose turns are all slow still serves the clock, and yesterday's tasks."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery import current_app
from django.conf import settings
from django.db import connection

from config.celery import WORKER_QUEUES, Queue
from config.demo.processes import ChildProcess, wait_until
from conversations.models import Conversation, Event
from handoffs.responder import message_accept
from integrations.telemetry.heartbeats import beat_age_seconds
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
# Two turns, and four threads for everything else.
THREADS = 6
SLOW = "import time\ndef tool(conv):\n    time.sleep(9)\n    return 'slow'"


def database_url() -> str:
    of = connection.settings_dict
    return f"postgres://{of['USER']}:{of['PASSWORD']}@{of['HOST']}:{of['PORT']}/{of['NAME']}"


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[ChildProcess]:
    options = f"-P threads -c {THREADS} -Q {','.join(WORKER_QUEUES)} -n queues"
    process = ChildProcess(
        "worker",
        [sys.executable, *["-m", "celery", "-q", "-A", "config", "worker"], *options.split()],
        log_path=tmp_path / "worker.log",
        environment={"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL},
    )
    process.start()
    yield process
    process.kill()


def ask(source: str = "") -> Conversation:
    """Write to the AI agent of a tenant of its own."""
    project = factories.project(no_match_text="I do not know.")
    if source:
        factories.topic(project, "Help", factories.tool(project, source))
    conversation = factories.conversation(factories.channel(project))
    message_accept(conversation_id=conversation.pk, text="Help", client_event_id="", metadata=None)
    return conversation


def is_answered(conversation: Conversation) -> bool:
    said = Event.objects.filter(conversation=conversation, type="POLY_AGENT_MESSAGE")
    return said.count() == 2


def turns_held() -> int:
    return Conversation.objects.filter(turn_id__isnull=False).count()


def test_slow_turns_hold_up_no_sweep_and_a_task_queued_by_yesterdays_version_runs(worker):
    yesterdays = ask()
    current_app.control.purge()
    current_app.send_task("handoffs.tasks.answer", args=[yesterdays.pk], queue=Queue.DEFAULT)
    assert wait_until(lambda: is_answered(yesterdays), seconds=60), worker.log_tail()

    slow = [ask(SLOW) for _ in range(THREADS * 2)]
    assert wait_until(lambda: turns_held() == 2, seconds=20), worker.log_tail()
    current_app.send_task("handoffs.tasks.sweep")

    assert wait_until(lambda: beat_age_seconds() is not None, seconds=6), worker.log_tail()
    assert turns_held() == 2
    assert not any(is_answered(one) for one in slow)
