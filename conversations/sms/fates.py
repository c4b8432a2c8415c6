"""What a text's fate means for those who wait for it: the live agent, the operator, the thread."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.utils import timezone

from conversations.journal.frames import EventType, Receipt
from conversations.journal.services import log_append
from conversations.models import Conversation, Event, LogEntry, SmsOutbound, SmsThread
from conversations.socket.responder import responder
from integrations.connections.carriers.reading import error_cause

Status = SmsOutbound.Status
OPTED_OUT = "opted_out"


def text_arrived(row: SmsOutbound) -> None:
    """Tell the live agent that their message is on the phone."""
    _receipt_tell(row, "delivered")


def text_lost(row: SmsOutbound, code: str, *, is_opted_out: bool = False) -> None:
    """Say that a text did not arrive: why in the conversation's log, and to the live agent."""
    _receipt_tell(row, "failed")
    conversation = _conversation(row)
    if conversation is not None:
        found = error_cause(row.thread.integration, code)
        cause = f"{found.cause} {found.cure}" if found else f"The carrier's code is {code}."
        log_append(
            conversation,
            LogEntry.Level.WARNING,
            f"A text did not reach the end user. {cause}",
            source="sms",
            code="text_not_delivered",
        )
    if is_opted_out:
        thread_opt_out(row.thread)


def thread_opt_out(thread: SmsThread) -> None:
    """Text nobody who wants no texts, and end what they have left by that."""
    rows = SmsThread.objects.filter(pk=thread.pk, opted_out_at=None)
    if rows.update(opted_out_at=timezone.now(), survey=None):
        waiting = thread.outbound.filter(status=Status.WAITING)
        waiting.update(status=Status.FAILED, error_code=OPTED_OUT, text="", media=[])
    if thread.conversation_id:
        transaction.on_commit(partial(responder().on_gone, conversation_id=thread.conversation_id))


def _receipt_tell(row: SmsOutbound, kind: Receipt) -> None:
    if row.event_id is None:
        return
    event = Event.objects.filter(pk=row.event_id, type=EventType.LIVE_AGENT_MESSAGE).first()
    if event is not None:
        transaction.on_commit(
            partial(
                responder().on_receipt,
                conversation_id=event.conversation_id,
                message_id=str(event.pk),
                kind=kind,
            )
        )


def _conversation(row: SmsOutbound) -> Conversation | None:
    """Return the conversation a text belongs to: its line's, or the one that the thread is in."""
    if row.event_id is not None:
        event = Event.objects.select_related("conversation").filter(pk=row.event_id).first()
        return event.conversation if event else None
    return row.thread.conversation
