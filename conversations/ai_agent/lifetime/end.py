"""Run the project's end_function once a conversation is over, the human part included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils import timezone

from conversations.ai_agent.conv.effects import effects_apply, turn_logs_append
from conversations.ai_agent.conv.place import conv_place, tool_use
from conversations.ai_agent.course import error_log, tool_log
from conversations.ai_agent.sandbox.host import Service
from conversations.ai_agent.sandbox.results import ToolError
from conversations.journal.ending import END
from conversations.journal.services import conversation_lock
from conversations.models import Conversation, Tool
from conversations.releases.content import content_of


def end_function_run(
    conversation_id: str,
    handoff_view: Mapping[str, Any] | None = None,
    services: Mapping[str, Service] | None = None,
) -> None:
    """Run it once, however often this is called; what it returns is ignored.

    Raises ToolError `busy`, and then it has not run and may be tried again.
    """
    conversation = Conversation.objects.select_related(
        "project__workspace", "end_user", "channel"
    ).get(pk=conversation_id)
    tool = content_of(conversation).named(Tool, [END]).get(END)
    if tool is None or not _claim(conversation):
        return
    place = conv_place(conversation, handoff_view=handoff_view, services=services)
    try:
        outcome = tool_use(place, tool)
    except ToolError as error:
        if error.code == "busy":
            _release(conversation)
            raise
        turn_logs_append(conversation, [error_log(tool, error)])
        return
    with transaction.atomic():
        locked = conversation_lock(conversation_id)
        locked.tool_state = outcome.state
        locked.save(update_fields=["tool_state"])
        # Nothing can be said or changed any more; figures and memory are still written.
        effects_apply(locked, replace(outcome.effects, done=[]), tool.name)
        turn_logs_append(locked, [tool_log(tool, entry) for entry in outcome.logs])


def _claim(conversation: Conversation) -> bool:
    rows = Conversation.objects.filter(pk=conversation.pk, end_function_at=None)
    return bool(rows.filter(state=Conversation.State.ENDED).update(end_function_at=timezone.now()))


def _release(conversation: Conversation) -> None:
    Conversation.objects.filter(pk=conversation.pk).update(end_function_at=None)
