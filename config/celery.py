"""The Celery application: its task queues, short tasks, and the sweeps."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import (
    beat_init,
    before_task_publish,
    setup_logging,
    task_prerun,
    worker_init,
    worker_ready,
    worker_shutting_down,
)

from conversations.event_loop.tuning import tune_for_messages
from integrations.telemetry.correlation import TASK_HEADER, correlation_begin, correlation_id

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class Queue:
    """Names of the task queues, written down once."""

    DEFAULT = "default"
    # The AI agent's.
    TURNS = "turns"
    # Sweeps and reminders.
    CLOCK = "clock"
    RELAY = "relay"


# What one worker of short jobs serves. Each queue may have workers of its own.
WORKER_QUEUES = (Queue.TURNS, Queue.DEFAULT, Queue.CLOCK)
# Turns may be slow: they never take the last threads of a worker, which serve the other queues.
THREADS_BESIDE_TURNS = 4
ROUTES = {
    "handoffs.tasks.open_handoff": Queue.RELAY,
    "handoffs.tasks.undelivered": Queue.RELAY,
    "handoffs.tasks.answer": Queue.TURNS,
    "conversations.tasks.end_function": Queue.TURNS,
    "handoffs.tasks.sweep": Queue.CLOCK,
    "handoffs.tasks.remind": Queue.CLOCK,
    "handoffs.tasks.reap": Queue.CLOCK,
    "handoffs.tasks.fill_search": Queue.CLOCK,
    "conversations.tasks.send_webhooks": Queue.CLOCK,
    "conversations.tasks.carry_texts": Queue.CLOCK,
    "conversations.tasks.watch_texts": Queue.CLOCK,
}


app = Celery("baton")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_default_queue=Queue.DEFAULT,
    task_routes={name: {"queue": queue} for name, queue in ROUTES.items()},
    task_ignore_result=True,
    task_time_limit=120,
    task_soft_time_limit=100,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": 300,
        "socket_timeout": 30,
        "socket_connect_timeout": 5,
        "health_check_interval": 25,
        # Publishing tries once: otherwise each message of an end user waits for a broker that is
        # away. Workers connect again by their own rule, without end.
        "max_retries": 0,
    },
    # A task that cannot be queued is queued again by a sweep: never keep an end user waiting.
    task_publish_retry=False,
    beat_schedule={
        "sweep": {"task": "handoffs.tasks.sweep", "schedule": 3.0, "options": {"expires": 3.0}},
        "remind": {
            "task": "handoffs.tasks.remind",
            "schedule": 3.0,
            "options": {"expires": 3.0},
        },
        "reap": {"task": "handoffs.tasks.reap", "schedule": 10.0, "options": {"expires": 10.0}},
        "fill_search": {
            "task": "handoffs.tasks.fill_search",
            "schedule": 15.0,
            "options": {"expires": 15.0},
        },
        "send_webhooks": {
            "task": "conversations.tasks.send_webhooks",
            "schedule": 3.0,
            "options": {"expires": 3.0},
        },
        "carry_texts": {
            "task": "conversations.tasks.carry_texts",
            "schedule": 3.0,
            "options": {"expires": 3.0},
        },
        "watch_texts": {
            "task": "conversations.tasks.watch_texts",
            "schedule": 60.0,
            "options": {"expires": 60.0},
        },
        "clean_up_webhooks": {
            "task": "conversations.tasks.clean_up_webhooks",
            "schedule": 3600.0,
        },
        "erase_waiting": {
            "task": "handoffs.tasks.erase_waiting",
            "schedule": 15.0,
            "options": {"expires": 15.0},
        },
        "export_waiting": {
            "task": "handoffs.tasks.export_waiting",
            "schedule": 60.0,
            "options": {"expires": 60.0},
        },
        "alert_people": {
            "task": "handoffs.tasks.alert_people",
            "schedule": 60.0,
            "options": {"expires": 60.0},
        },
        "keep_no_longer": {"task": "handoffs.tasks.keep_no_longer", "schedule": 600.0},
        "clean_up": {"task": "handoffs.tasks.clean_up", "schedule": 3600.0},
        "probe": {
            "task": "integrations.tasks.probe_all",
            "schedule": 900.0,
            "options": {"expires": 900.0},
        },
    },
)
app.autodiscover_tasks()


@setup_logging.connect
def use_our_logs(**kwargs: Any) -> None:
    """Keep Celery from setting up logs of its own: Django's settings have done it."""


@before_task_publish.connect
def pass_correlation_on(headers: dict[str, Any], **kwargs: Any) -> None:
    """Let a task's log lines bear the id of the request or socket that queued it."""
    if correlation_id.get():
        headers[TASK_HEADER] = correlation_id.get()


@task_prerun.connect
def take_correlation_on(task: Any, **kwargs: Any) -> None:
    """Begin each task with the id it was queued with, or one of its own."""
    correlation_begin(task.request.get(TASK_HEADER) or "")


@worker_init.connect
@beat_init.connect
def check_settings(**kwargs: Any) -> None:
    """Refuse to work with settings that a system check refuses."""
    from config.checks import refuse_unsafe_start

    refuse_unsafe_start()


@worker_init.connect
@beat_init.connect
def serve_metrics(**kwargs: Any) -> None:
    """Let Prometheus read this process, if a port is set."""
    from config.metrics import metrics_serve

    metrics_serve()


@worker_init.connect
def bound_turns(sender: Any, **kwargs: Any) -> None:
    """Keep threads for what is not the AI agent's turn."""
    from handoffs.starting.turns.claims import TURNS

    if isinstance(sender.concurrency, int):
        TURNS.bound(sender.concurrency - THREADS_BESIDE_TURNS)


@worker_ready.connect
def share_interpreter(**kwargs: Any) -> None:
    """Let a thread that has a short turn to take not wait for one that has much to compute."""
    tune_for_messages()


@worker_ready.connect
def start_relay(sender: Any, **kwargs: Any) -> None:
    """Give a worker of the relay queue its event loop."""
    if Queue.RELAY in sender.app.amqp.queues.consume_from:
        from handoffs.relay.worker import relay_start

        relay_start()


@worker_shutting_down.connect
def stop_relay(**kwargs: Any) -> None:
    """Give up the leases before the worker goes, so that another one takes over at once."""
    from conversations.ai_agent.sandbox.runner import sandbox_close
    from handoffs.relay.worker import relay_stop

    relay_stop()
    sandbox_close()
