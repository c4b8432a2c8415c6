"""Thin Celery tasks: take ids, call one service; each may be lost or run twice."""

from __future__ import annotations

import logging

from celery import shared_task

from conversations.ai_agent.lifetime.end import end_functions_lost
from conversations.journal.ending import end_function_queue
from handoffs.clocks.overdue import overdue_reap
from handoffs.clocks.presence import presence_note_all
from handoffs.clocks.reaping import clean_up_old, reap_all
from handoffs.clocks.reminders import reminders_send
from handoffs.clocks.retention import lonely_delete, retention_run
from handoffs.clocks.sweeping import answers_lost, each, handoffs_unowned, promises_broken
from handoffs.clocks.waiting_flows import waiting_flow_speak
from handoffs.lifecycle.deadlines import LOST_WAKE_UP
from handoffs.lifecycle.queueing import queue_answer, queue_open_handoff
from handoffs.portal.alerts.telling import alerts_run
from handoffs.portal.analytics.facts import facts_write
from handoffs.portal.analytics.totals.clock import totals_catch_up, totals_renew
from handoffs.portal.conversations.search_fill import search_catch_up
from handoffs.portal.erasure.erasing import erasure_run, erasures_waiting
from handoffs.portal.lists.long_exports import (
    export_run,
    exports_clean_up,
    exports_give_up,
    exports_waiting,
)
from handoffs.relay.leases import workers_alive
from handoffs.relay.worker import relay_current
from handoffs.starting.turns.agent_news import agent_tell, agent_tell_joined
from handoffs.starting.turns.answers import answer_all
from handoffs.starting.turns.promises import promise_broken
from integrations.telemetry.heartbeats import beat_note

logger = logging.getLogger(__name__)


@shared_task
def open_handoff(handoff_id: str) -> None:
    """Hand a handoff to the relay loop of this worker process."""
    relay = relay_current()
    if relay is None:
        logger.error("No relay loop here: start this worker with -P threads -Q relay")
        return
    relay.adopt(handoff_id)


@shared_task
def undelivered(handoff_id: str) -> None:
    """Have the relay loop of this worker process tell a vendor what nobody can get any more."""
    relay = relay_current()
    if relay is not None:
        relay.tell_undelivered(handoff_id)


@shared_task
def answer(conversation_id: str) -> None:
    """Let the AI agent answer what it owes in a conversation."""
    answer_all(conversation_id)


@shared_task
def waiting_flow(handoff_id: str, event_id: str) -> None:
    """Let the flow of the queue speak to who waits, and answer what they said."""
    waiting_flow_speak(handoff_id, event_id)


@shared_task
def agent_joined_news(handoff_id: str) -> None:
    """Tell an outside AI agent that a live agent has joined."""
    agent_tell_joined(handoff_id)


@shared_task
def agent_news(handoff_id: str, tries: int) -> None:
    """Tell an outside AI agent that it is in charge again, and what the human has said."""
    agent_tell(handoff_id, tries)


@shared_task
def sweep() -> None:
    """Queue again what was lost between a commit and its task; tell what was promised in vain."""
    beat_note()
    # Without a relay worker they would only pile up in Redis; one that starts claims by itself.
    if workers_alive().exists():
        for handoff_id in handoffs_unowned():
            queue_open_handoff(handoff_id)
    for conversation_id in answers_lost():
        queue_answer(conversation_id)
    each(promise_broken, promises_broken())
    for conversation_id in end_functions_lost(LOST_WAKE_UP.past()):
        end_function_queue(conversation_id=conversation_id)


@shared_task
def reap() -> None:
    """End what has passed its deadline."""
    reap_all()
    overdue_reap()


@shared_task
def remind() -> None:
    """Tell end users what is due, and live agents who is away."""
    reminders_send()
    presence_note_all()


@shared_task
def clean_up() -> None:
    """Delete what is kept for days only, and people of whom nothing is left; count days again."""
    clean_up_old()
    lonely_delete()
    exports_clean_up()
    totals_renew()


@shared_task
def fill_search() -> None:
    """Write facts, search rows and daily totals of what is new, went on or ended."""
    search_catch_up(before=facts_write)
    totals_catch_up()


@shared_task
def export_list(export_id: str) -> None:
    """Write a long export."""
    export_run(export_id)


@shared_task
def export_waiting() -> None:
    """Write the exports that were lost on the way to a worker, or with one, for an hour."""
    exports_give_up()
    for export_id in exports_waiting():
        export_run(export_id)


@shared_task
def erase(erasure_id: str) -> None:
    """Erase an end user as far as it can be done now."""
    erasure_run(erasure_id)


@shared_task
def erase_waiting() -> None:
    """Go on with what waited for a vendor, or was lost."""
    each(erasure_run, map(str, erasures_waiting()))


@shared_task
def keep_no_longer() -> None:
    """Delete what projects keep no longer."""
    retention_run()


@shared_task
def alert_people() -> None:
    """Tell people what is wrong, and what is over."""
    alerts_run()
