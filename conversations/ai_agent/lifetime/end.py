"""Run the project's end_function once a conversation is over, the human part included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from conversations.ai_agent.conv.effects import effects_apply, turn_logs_append
from conversations.ai_agent.conv.parts import TurnLog
from conversations.ai_agent.conv.place import HandoffView, conv_place, tool_use
from conversations.ai_agent.course import error_log, tool_log
from conversations.ai_agent.sandbox.host import Service
from conversations.ai_agent.sandbox.results import ToolError
from conversations.journal.ending import END
from conversations.journal.services import conversation_lock
from conversations.models import Conversation, Tool
from conversations.releases.content import content_of

# A task may take two minutes at most: after so long nobody runs it any more.
RUN_MAX = timedelta(minutes=3)
# So many at a time; the next sweep goes on.
WAKE_UPS = 50


def end_function_run(
    conversation_id: str,
    handoff_view: HandoffView | None = None,
    services: Mapping[str, Service] | None = None,
) -> None:
    """Run it once, however often this is called; what it returns is ignored.

    Where no slot is free it has not run, and the clock asks again. One whose worker died under it
    may have run: it is not run again, and the project's log says so.
    """
    conversation = Conversation.objects.select_related(
        "project__workspace", "end_user", "channel"
    ).get(pk=conversation_id)
    tool = content_of(conversation).named(Tool, [END]).get(END)
    if tool is None:
        _settle(conversation)
        return
    if not _claim(conversation):
        _note_lost(conversation)
        return
    place = conv_place(conversation, handoff_view=handoff_view, services=services)
    try:
        outcome = tool_use(place, tool)
    except ToolError as error:
        if error.code == "busy":
            _release(conversation)
            return
        turn_logs_append(conversation, [error_log(tool, error)])
        _settle(conversation)
        return
    with transaction.atomic():
        locked = conversation_lock(conversation_id)
        locked.tool_state = outcome.state
        locked.end_function_due_at = None
        locked.save(update_fields=["tool_state", "end_function_due_at"])
        # Nothing can be said or changed any more; figures and memory are still written.
        effects_apply(locked, replace(outcome.effects, done=[]), tool.name)
        turn_logs_append(locked, [tool_log(tool, entry) for entry in outcome.logs])


def end_functions_lost(since: datetime) -> list[str]:
    """Return conversations whose end_function was due before that."""
    due = Conversation.objects.filter(end_function_due_at__lt=since)
    found = due.order_by("end_function_due_at").values_list("pk", flat=True)
    return list(found[:WAKE_UPS])


def _claim(conversation: Conversation) -> bool:
    """Take the run; from now on nobody else does, and it must be over by a time."""
    now = timezone.now()
    rows = Conversation.objects.filter(pk=conversation.pk, end_function_at=None)
    return bool(
        rows.filter(state=Conversation.State.ENDED).update(
            end_function_at=now, end_function_due_at=now + RUN_MAX
        )
    )


def _release(conversation: Conversation) -> None:
    rows = Conversation.objects.filter(pk=conversation.pk)
    rows.update(end_function_at=None, end_function_due_at=timezone.now())


def _settle(conversation: Conversation) -> bool:
    """Have nobody look for it again; returns whether somebody would have."""
    rows = Conversation.objects.filter(pk=conversation.pk, end_function_due_at__isnull=False)
    return bool(rows.update(end_function_due_at=None))


def _note_lost(conversation: Conversation) -> None:
    """Give up a run whose worker died: what it has done already cannot be known."""
    due_at = conversation.end_function_due_at
    if conversation.end_function_at is None or due_at is None or due_at > timezone.now():
        return
    if _settle(conversation):
        content = "The end_function was begun and its worker died: it is not run again."
        log = TurnLog(level="error", content=content, source=END, code="end_function_lost")
        turn_logs_append(conversation, [log])
