"""What is on legal hold: neither retention nor an erasure touches it."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from conversations.models import Conversation, EndUser, LegalHold, SmsOutbound
from integrations.models import Project

# What was due goes a day after its hold is over, so that a slip can be taken back.
GRACE = timedelta(days=1)
# So much later than in UTC a day is over where the clocks are furthest behind.
_OVER_EVERYWHERE = timedelta(hours=12)


def holds_in_force() -> QuerySet[LegalHold]:
    """Return the holds that keep something now, those in their last day of grace too.

    A last day is over once it is over everywhere: one statement serves projects of all zones.
    """
    past = timezone.now() - GRACE
    not_lifted = Q(lifted_at__isnull=True) | Q(lifted_at__gt=past)
    not_over = Q(until__isnull=True) | Q(until__gte=(past - _OVER_EVERYWHERE).date())
    return LegalHold.objects.filter(not_lifted, not_over)


def people_held() -> QuerySet[EndUser]:
    """Return the end users who are on hold themselves."""
    holds = holds_in_force().filter(end_user__isnull=False)
    return EndUser.objects.filter(pk__in=holds.values("end_user"))


def conversations_held() -> QuerySet[Conversation]:
    """Return the conversations that are on hold, by themselves or by their end user."""
    holds = holds_in_force().filter(conversation__isnull=False)
    return Conversation.objects.filter(
        Q(pk__in=holds.values("conversation")) | Q(end_user__in=people_held())
    )


def held_until(conversation: str, end_user: str) -> Subquery:
    """Say of each row until when the conversation or the end user of these columns is on hold.

    None where nothing holds them, date.max where a hold has no last day.
    """
    theirs = Q(conversation=OuterRef(conversation)) | Q(end_user=OuterRef(end_user))
    last = Coalesce("until", Value(date.max))
    return Subquery(holds_in_force().filter(theirs).order_by(last.desc()).values_list(last)[:1])


def hold_on(end_user_id: int) -> LegalHold | None:
    """Return a hold on an end user, or on a conversation of theirs."""
    theirs = Q(end_user=end_user_id) | Q(conversation__end_user=end_user_id)
    return holds_in_force().filter(theirs).first()


def numbers_held(project: Project) -> set[str]:
    """Return the telephone numbers of whoever is on hold, as threads of texts have them."""
    people = EndUser.objects.filter(
        Q(pk__in=people_held().values("pk")) | Q(conversations__in=conversations_held()),
        project=project,
    )
    known_as = people.values_list("phone", "external_id")
    return {one.removeprefix("tel:") for pair in known_as for one in pair} - {""}


def texts_held() -> list[str]:
    """Return the ids of the texts to whoever is on hold, as the records of calls name them."""
    theirs = [
        SmsOutbound.objects.filter(
            thread__integration__project=project, thread__user_number__in=numbers_held(project)
        )
        for project in Project.objects.filter(pk__in=holds_in_force().values("project"))
    ]
    return [str(text_id) for rows in theirs for text_id in rows.values_list("pk", flat=True)]
