"""What operators do to a handoff by hand; each is in the audit with who did it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from conversations.journal import publish
from handoffs.lifecycle.locking import handoff_locked, handoff_save
from handoffs.lifecycle.queueing import queue_open_handoff
from handoffs.lifecycle.services import handoff_end
from handoffs.models import Delivery, Handoff, RelayWorker
from handoffs.portal.one_handoff.wording import BADGES, duration_text
from handoffs.relay.leases import UNFINISHED, worker_stop
from handoffs.sending.retry import message_retry
from handoffs.states import EndReason, State
from integrations.projects.audit import audit_record

# How long a note on an act may be.
ACT_NOTE_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAct:
    """Something an operator may do to an open handoff, in the words of its button."""

    label: str
    about: str
    done: str
    run: Callable[..., None]


def handoff_end_by_operator(*, handoff_id: str, actor: Any, seen: str = "") -> None:
    """End an open handoff: vendor and end user are told; raises ValidationError if it is over."""
    with _acting(handoff_id, actor, "handoff.ended_by_operator", seen) as handoff:
        handoff_end(handoff, EndReason.OPERATOR_ENDED)


def handoff_return_by_operator(*, handoff_id: str, actor: Any, seen: str = "") -> None:
    """End the human part, and let the AI agent go on with the end user.

    Raises ValidationError if it is over.
    """
    with _acting(handoff_id, actor, "handoff.returned_by_operator", seen) as handoff:
        handoff_end(handoff, EndReason.OPERATOR_ENDED, is_returned=True)


def deliveries_retry_by_operator(*, handoff_id: str, actor: Any, seen: str = "") -> None:
    """Send what was not delivered once more, in order, and at once what waits for its next try.

    Raises ValidationError where there is nothing to send.
    """
    with _acting(handoff_id, actor, "handoff.messages_retried", seen) as handoff:
        unsent = Delivery.objects.filter(handoff=handoff).order_by("sequence")
        failed = list(unsent.filter(status=Delivery.Status.FAILED).values_list("event_id"))
        waiting = unsent.filter(status=Delivery.Status.PENDING)
        if not waiting.update(next_attempt_at=timezone.now()) and not failed:
            raise ValidationError("Everything has been delivered.")
        for (event_id,) in failed:
            message_retry(handoff.conversation_id, event_id)
        publish.relay_wake(handoff.owner_id, handoff.pk)


def handoff_release(*, handoff_id: str, actor: Any, seen: str = "") -> None:
    """Take a handoff from its relay worker, so that another one, or the same anew, goes on.

    What the old session still writes is fenced off once the lease is claimed again. Raises
    ValidationError where nobody holds it.
    """
    with _acting(handoff_id, actor, "handoff.lease_released", seen, needs_open=False) as handoff:
        if handoff.owner_id is None:
            raise ValidationError("No relay worker holds it.")
        owner, handoff.owner_id = handoff.owner_id, None
        handoff.lease_epoch += 1
        handoff_save(handoff, ["owner_id", "lease_epoch"])
        publish.relay_wake(owner, handoff.pk)
        transaction.on_commit(partial(queue_open_handoff, handoff.pk))


@transaction.atomic
def worker_mark_dead(*, worker: RelayWorker, actor: Any) -> None:
    """Take all handoffs from a relay worker that hangs; it comes back with its next heartbeat."""
    owned = list(Handoff.objects.filter(UNFINISHED, owner=worker).values_list("pk", flat=True))
    worker_stop(worker.pk)
    audit_record(project=None, actor=actor, action="relay_worker.marked_dead", subject=worker.name)
    for handoff_id in owned:
        transaction.on_commit(partial(queue_open_handoff, handoff_id))


@contextmanager
def _acting(
    handoff_id: str, actor: Any, action: str, seen: str, *, needs_open: bool = True
) -> Iterator[Handoff]:
    """Lock a handoff that stands as the operator has seen it; audit what is done, and as what.

    Raises ValidationError where it has moved on meanwhile; without `seen` it need only be open.
    """
    with handoff_locked(handoff_id) as handoff:
        was = handoff.state
        if needs_open and not handoff.is_open:
            raise ValidationError(f"{_since_when(handoff)}; nothing was done.")
        if seen and was != seen:
            label = BADGES[State(was)].label
            raise ValidationError(f"It has moved on to {label.lower()}; nothing was done.")
        yield handoff
        audit_record(
            project=handoff.conversation.project,
            actor=actor,
            action=action,
            subject=handoff.pk,
            fields=[f"was {was}"],
        )


def _since_when(handoff: Handoff) -> str:
    if handoff.ended_at is None:
        return "It is over already"
    spent = duration_text((timezone.now() - handoff.ended_at).total_seconds())
    return f"It {handoff.state} {spent} ago"


ACTS = {
    "return": OperatorAct(
        label="Return to AI agent",
        about=(
            "The live agent's side is told that the conversation is over, and the AI agent "
            "answers the end user again."
        ),
        done="The AI agent answers again. The vendor is told.",
        run=handoff_return_by_operator,
    ),
    "end": OperatorAct(
        label="End conversation",
        about=("The live agent's side and the end user are told that the conversation is over."),
        done="Ended. The vendor and the end user are told.",
        run=handoff_end_by_operator,
    ),
    "retry": OperatorAct(
        label="Try again to deliver",
        about=("What the live agent has not received is sent once more, in order."),
        done="What was not delivered is sent again.",
        run=deliveries_retry_by_operator,
    ),
    "release": OperatorAct(
        label="Let another worker take it",
        about=(
            "Its relay worker lets go, and another one, or the same anew, goes on from where "
            "it stands. Nothing is lost."
        ),
        done="Released. A relay worker takes it within seconds.",
        run=handoff_release,
    ),
}
