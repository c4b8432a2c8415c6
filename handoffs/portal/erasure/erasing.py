"""Erase one end user: end what is open, then blank journal, handoffs, calls and the person.

It goes on from where it stopped, by the clock if a worker is lost; each step may be repeated.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

from celery import current_app
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from kombu.exceptions import OperationalError

from conversations.journal.erasing import ERASED, conversation_blank, end_user_blank
from conversations.journal.frames import SessionEnd
from conversations.journal.holds import conversations_held, hold_on, people_held
from conversations.journal.services import conversation_end, conversation_lock
from conversations.models import Conversation, EndUser
from conversations.models.erasure import Erasure
from handoffs.models import (
    Delivery,
    Handoff,
    HandoffTransition,
    Offer,
    PastAttempt,
    StoredWebhook,
    TranscriptLink,
    VendorEvent,
    VendorKey,
)
from handoffs.portal.lists.long_exports import exports_remove
from handoffs.portal.operators import handoff_end_by_operator
from integrations.contract.integration_keys import vendor_name
from integrations.models import ListExport, Project, VendorCall
from integrations.projects.audit import audit_record

logger = logging.getLogger(__name__)
TASK = "handoffs.tasks.erase"
ON_HOLD = "A legal hold: what was said is erased a day after the hold is over."
# A vendor that cannot be told of an end keeps nobody's words with us for longer.
PATIENCE = timedelta(hours=1)
# So many at a time; the next sweep goes on.
AT_ONCE = 100
# Encrypted: to be emptied, and not to be read. With its key gone none could be erased any more.
_ENCRYPTED = ("routing", "vendor_session", "summary")


@transaction.atomic
def erasure_request(*, project: Project, end_user: EndUser, reason: str, actor: Any) -> Erasure:
    """Note that an end user is to be erased, and begin; raises ValidationError if it is under way.

    Who asked and when stays, and that somebody was erased; never who it was.
    """
    EndUser.objects.select_for_update().get(pk=end_user.pk)
    earlier = Erasure.objects.filter(project=project, end_user_id=end_user.pk)
    if earlier.filter(state=Erasure.State.WAITING).exists():
        raise ValidationError("This end user is being erased already.")
    erasure = Erasure.objects.create(
        project=project,
        end_user_id=end_user.pk,
        reason=reason,
        actor_label=actor.get_username(),
    )
    audit_record(
        project=project, actor=actor, action="end_user.erased", subject=f"erasure {erasure.pk}"
    )
    transaction.on_commit(partial(erasure_queue, erasure.pk))
    return erasure


def erasure_queue(erasure_id: uuid.UUID) -> None:
    """Ask a worker; where that is lost, the clock finds it."""
    try:
        current_app.send_task(TASK, args=[str(erasure_id)], retry=False)
    except OperationalError as error:
        logger.warning("Not queued, the clock will: %s (%s)", TASK, type(error).__name__)


def erasure_resume(erasure: Erasure, actor: Any) -> None:
    """Go on with an erasure at once; raises ValidationError where it is done."""
    if erasure.state == Erasure.State.DONE:
        raise ValidationError("This erasure is done; nothing was begun.")
    audit_record(
        project=erasure.project,
        actor=actor,
        action="erasure.resumed",
        subject=f"erasure {erasure.pk}",
    )
    erasure_queue(erasure.pk)


def erasures_waiting() -> list[uuid.UUID]:
    """Return those that are not done, the oldest first; what is on hold keeps no other waiting."""
    waiting = Erasure.objects.filter(state=Erasure.State.WAITING)
    on_hold = Q(end_user_id__in=people_held().values("pk"))
    on_hold |= Q(end_user_id__in=conversations_held().values("end_user"))
    waiting.filter(on_hold).exclude(waits_for=ON_HOLD).update(waits_for=ON_HOLD)
    free = waiting.exclude(on_hold).order_by("requested_at")
    return list(free.values_list("pk", flat=True)[:AT_ONCE])


def erasure_run(erasure_id: uuid.UUID | str) -> None:
    """Erase as far as it can be done now; what is still open at a vendor is waited for."""
    erasure = Erasure.objects.filter(pk=erasure_id, state=Erasure.State.WAITING).first()
    if erasure is None or _is_held(erasure):
        return
    person = EndUser.objects.filter(pk=erasure.end_user_id).first()
    open_ones = 0
    for conversation in Conversation.objects.filter(end_user_id=erasure.end_user_id):
        _end(conversation)
        if _is_open(conversation.pk, erasure):
            open_ones += 1
    if open_ones:
        ends = "its end" if open_ones == 1 else "their ends"
        waits = f"{open_ones} of the conversations until the vendor has confirmed {ends}"
        Erasure.objects.filter(pk=erasure.pk).update(waits_for=waits)
        return
    all_blank(erasure, person)


def _is_held(erasure: Erasure) -> bool:
    """Say whether a legal hold keeps it from beginning or going on, and note so."""
    if hold_on(erasure.end_user_id) is None:
        return False
    Erasure.objects.filter(pk=erasure.pk).update(waits_for=ON_HOLD)
    return True


def _end(conversation: Conversation) -> None:
    """End an open handoff and an open conversation."""
    for handoff in _handoffs(conversation):
        if handoff.is_open:
            try:
                handoff_end_by_operator(handoff_id=handoff.pk, actor=None)
            except ValidationError:
                logger.info("A handoff ended by itself meanwhile: %s", handoff.pk)
    with transaction.atomic():
        locked = conversation_lock(conversation.pk)
        if not locked.is_over:
            conversation_end(locked, SessionEnd.NATURAL_END)


def _is_open(conversation_id: str, erasure: Erasure) -> bool:
    """Say whether something of it still has to happen: at a vendor, or in its end_function."""
    if timezone.now() - erasure.requested_at > PATIENCE:
        return False
    over = Conversation.objects.filter(pk=conversation_id, state="ended", end_function_due_at=None)
    if not over.exists():
        return True
    waiting = Handoff.objects.filter(conversation_id=conversation_id)
    return waiting.filter(vendor_end_until__gt=timezone.now()).exists()


def all_blank(erasure: Erasure, person: EndUser | None) -> None:
    """Blank one conversation after the other; what a lost worker has done stays done."""
    theirs = Conversation.objects.filter(end_user_id=erasure.end_user_id)
    for conversation in theirs.exclude(pk__in=erasure.blanked):
        if _is_held(erasure):  # since it began
            return
        with transaction.atomic():
            _blank(erasure, conversation)
    # Files that were written before hold who it was.
    exports_remove(ListExport.objects.filter(project=erasure.project))
    with transaction.atomic():
        if person is not None:
            erasure.counts = dict(Counter(erasure.counts) + end_user_blank(person))
        erasure.state, erasure.waits_for = Erasure.State.DONE, ""
        erasure.done_at = timezone.now()
        erasure.save(update_fields=["state", "waits_for", "done_at", "counts"])


def _blank(erasure: Erasure, conversation: Conversation) -> None:
    counts = Counter(erasure.counts) + conversation_blank(conversation)
    for handoff in _handoffs(conversation):
        erasure.elsewhere = [*erasure.elsewhere, *_at_vendor(handoff)]
        counts += Counter({"handoffs": 1, "vendor calls": _handoff_blank(handoff)})
    erasure.counts = dict(counts)
    erasure.blanked = [*erasure.blanked, conversation.pk]
    erasure.save(update_fields=["counts", "elsewhere", "blanked"])


def _handoffs(conversation: Conversation) -> QuerySet[Handoff]:
    return Handoff.objects.filter(conversation=conversation).defer(*_ENCRYPTED)


def _at_vendor(handoff: Handoff) -> list[dict[str, str]]:
    """Return what the vendor keeps, for whoever has it deleted there."""
    if not handoff.vendor_conversation_id:
        return []
    ended = handoff.ended_at or handoff.requested_at
    return [
        {
            "vendor": vendor_name(handoff.integration_key),
            "conversation": handoff.vendor_conversation_id,
            "from": handoff.requested_at.isoformat(),
            "to": ended.isoformat(),
        }
    ]


def _handoff_blank(handoff: Handoff) -> int:
    """Blank one handoff and everything that came and went in it; return how many calls."""
    Handoff.objects.filter(pk=handoff.pk).update(
        utterance="",
        reason="" if handoff.reason_code else (ERASED if handoff.reason else ""),
        error_detail="",
        context_data={},
        shared_id="",
        early_changes={},
        open_offer=None,
    )
    # Encrypted columns are written by their own field.
    handoff.routing, handoff.vendor_session, handoff.summary = {}, None, None
    handoff.save(update_fields=_ENCRYPTED)
    for past in PastAttempt.objects.filter(handoff=handoff).defer("vendor_session"):
        past.vendor_session = None
        past.save(update_fields=["vendor_session"])
    Offer.objects.filter(handoff=handoff).delete()
    TranscriptLink.objects.filter(handoff=handoff).delete()
    HandoffTransition.objects.filter(handoff=handoff).update(detail="")
    Delivery.objects.filter(handoff=handoff).update(error_detail="")
    VendorEvent.objects.filter(handoff=handoff).update(notes=None)
    for key in VendorKey.objects.filter(handoff=handoff):
        StoredWebhook.objects.filter(integration_id=key.integration_id, key=key.key).delete()
    calls = VendorCall.objects.filter(reference=handoff.pk)
    return calls.update(request_body=None, response_body=None)
