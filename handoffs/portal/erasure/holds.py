"""Put an end user or a conversation on legal hold, lift it, and list what is held."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from conversations.models import Conversation, EndUser, LegalHold
from handoffs.portal.erasure.people import people_find
from integrations.models import Project
from integrations.projects.audit import audit_record

SHOWN_PAST = 50
# So many days before its last one, a hold asks whether it is still needed.
REVIEW_DAYS = 14
Held = EndUser | Conversation


class ShownHold(NamedTuple):
    """A hold with its state: holds, ends soon, over."""

    row: LegalHold
    state: str


def held_find(project: Project, wanted: str) -> Held:
    """Return the conversation or the one end user that is meant; raises ValidationError."""
    conversation = Conversation.objects.filter(project=project, pk=wanted).first()
    if conversation is not None:
        return conversation
    found = list(people_find(project, wanted)[:2])
    if len(found) > 1:
        raise ValidationError("Several end users are known so. Name a conversation of the one.")
    if not found:
        raise ValidationError("Nobody here is known so, and no conversation has this id.")
    return found[0]


@transaction.atomic
def hold_set(
    *, project: Project, held: Held, reason: str, until: date | None, actor: Any
) -> LegalHold:
    """Begin a hold; raises ValidationError where the same is held already."""
    names = {"end_user": held} if isinstance(held, EndUser) else {"conversation": held}
    same: QuerySet[LegalHold] = project.legal_holds.filter(**names)
    if any(state(row) != "over" for row in same):
        raise ValidationError("It is on hold already: lift that hold before you set another.")
    made = LegalHold.objects.create(
        project=project, reason=reason, until=until, set_by=actor.get_username(), **names
    )
    audit_record(
        project=project, actor=actor, action="hold.set", subject=str(made), fields=list(names)
    )
    return made


@transaction.atomic
def hold_lift(*, hold: LegalHold, actor: Any) -> None:
    """End a hold; what was due goes a day later. Raises ValidationError where it is over."""
    row = LegalHold.objects.select_for_update().get(pk=hold.pk)
    if state(row) == "over":
        raise ValidationError("This hold is over already; nothing was done.")
    row.lifted_at, row.lifted_by = timezone.now(), actor.get_username()
    row.save(update_fields=["lifted_at", "lifted_by"])
    audit_record(project=row.project, actor=actor, action="hold.lifted", subject=str(row))


def holds_shown(project: Project) -> tuple[list[ShownHold], list[ShownHold]]:
    """Return the holds in force, those that end first on top, and the newest that are over."""
    rows = project.legal_holds.select_related("project", "end_user", "conversation__end_user")
    shown = [ShownHold(row, state(row)) for row in rows]
    held = [one for one in shown if one.state != "over"]
    held.sort(key=lambda one: (one.row.until is None, one.row.until, one.row.pk))
    return held, [one for one in shown if one.state == "over"][:SHOWN_PAST]


def state(row: LegalHold) -> str:
    """Say whether it holds, ends soon and asks to be reviewed, or is over."""
    today = row.project.today
    if row.lifted_at is not None or (row.until is not None and row.until < today):
        return "over"
    is_soon = row.until is not None and row.until <= today + timedelta(days=REVIEW_DAYS)
    return "soon" if is_soon else "holds"
