"""Bound the guesses at what only one member can know, once it is clear which member is meant."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from integrations.entry.attempts import Bound, attempt_give_back, attempt_take
from integrations.entry.lockout import lock_note, round_of
from integrations.entry.sign_in import refused_for_a_while
from integrations.projects.audit import audit_person

logger = logging.getLogger(__name__)
# Six digits are guessed sooner than passwords: the same tries count for longer.
_WINDOWS = 5


def guess_bounded(
    request: HttpRequest, user: Any, kind: str, is_right: Callable[[], bool]
) -> bool | HttpResponse:
    """Say whether a guess is right; a page that says when to come back after too many."""
    name = user.get_username()
    bound = Bound(
        name=kind,
        key=f"{user.pk}{round_of(name)}",
        limit=settings.SIGN_IN_TRIES,
        window_seconds=_WINDOWS * settings.SIGN_IN_WINDOW_SECONDS,
    )
    refusal = attempt_take([bound])
    if refusal is not None:
        lock_note(name, refusal.wait)
        if refusal.is_news:
            logger.warning("Guesses are refused for a while: %s", kind)
            audit_person(user=user, actor=None, action="sign_in.refused", fields=[kind])
        return refused_for_a_while(request, 429, refusal.wait)
    if not is_right():
        return False
    attempt_give_back([bound])
    return True
