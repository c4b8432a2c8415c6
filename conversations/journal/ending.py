"""Have the project's end_function run, where it has one, once the end is in the database."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from conversations.models import Conversation, Tool
from conversations.releases.content import content_of
from conversations.responder import responder

END = "end_function"


def end_function_queue(conversation: Conversation) -> None:
    """Queue it on commit; a conversation without one costs a look at its tools."""
    if END in content_of(conversation).named(Tool, [END]):
        run = partial(responder().on_ended, conversation_id=conversation.pk)
        transaction.on_commit(run)
