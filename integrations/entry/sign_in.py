"""Guard the forms that take a password: how often, how many at once, and who is told.

A stranger's guesses must not lock anybody out for long: a user name is bounded only for addresses
from which it has not signed in before, and what is refused counts nowhere.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from redis.exceptions import RedisError

from integrations.entry.attempts import Bound, Refusal, attempt_give_back, attempt_take
from integrations.entry.client_address import client_address
from integrations.entry.lockout import folded, lock_note, mark, round_of
from integrations.entry.password_hashing import AT_ONCE
from integrations.entry.rate_limit import redis_client
from integrations.models import AuditEntry

logger = logging.getLogger(__name__)
# A user name is counted for longer than what tries it: its addresses may be many.
NAME_WINDOWS = 15
KNOWN_SECONDS = 90 * 24 * 3600
# Beyond those that are hashed at the moment; who is more is told so at once.
WAITING = 8
BUSY_SECONDS = 5
_places = threading.BoundedSemaphore(AT_ONCE + WAITING)
_SIGNED_IN = "baton_has_signed_in"

View = Callable[..., HttpResponseBase]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at a form; names and addresses are kept as marks that only this portal can make."""

    form: str
    user_name: str
    address: str

    @property
    def pair(self) -> str:
        """Return the mark of this user name at this address."""
        return mark(f"{self.address}\n{self.user_name}")

    def bounds(self) -> list[Bound]:
        """Return what counts this attempt; all but its own is no matter for a known pair."""
        tries, window = settings.SIGN_IN_TRIES, settings.SIGN_IN_WINDOW_SECONDS
        again = round_of(self.user_name)
        own = Bound(name="pair", key=f"{self.pair}{again}", limit=tries, window_seconds=window)
        if _is_known(self.pair):
            return [own]
        name = Bound(
            name="user name",
            key=f"{mark(self.user_name)}{again}",
            limit=settings.SIGN_IN_TRIES_PER_NAME,
            window_seconds=NAME_WINDOWS * window,
        )
        address = Bound(
            name="address",
            key=mark(self.address),
            limit=settings.SIGN_IN_TRIES_PER_ADDRESS,
            window_seconds=window,
        )
        return [own, name, address] if self.address else [own, name]


def sign_in_guarded(view: View, form: str) -> View:
    """Return the view behind the guard; `form` names it in the log and the audit."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        attempt = _attempt(request, form)
        if attempt is None:
            return view(request, *args, **kwargs)
        bounds = attempt.bounds()
        refusal = attempt_take(bounds)
        if refusal is not None:
            _tell(attempt, refusal)
            if refusal.bound != "address":
                lock_note(attempt.user_name, refusal.wait)
            return refused_for_a_while(request, 429, refusal.wait)
        if not _places.acquire(blocking=False):
            attempt_give_back(bounds)
            return refused_for_a_while(request, 503, BUSY_SECONDS)
        try:
            response = view(request, *args, **kwargs)
        finally:
            _places.release()
        if getattr(request, _SIGNED_IN, False):
            attempt_give_back(bounds)
            _remember(attempt.pair)
        else:
            logger.warning("A sign-in failed", extra=_marks(attempt))
        return response

    return guarded


def note_password_right(request: HttpRequest) -> None:
    """Note on the request that its password was right, whatever is asked for next."""
    setattr(request, _SIGNED_IN, True)


def note_signed_in(sender: object, request: HttpRequest, **more: Any) -> None:
    """Note the same once Django has signed somebody in."""
    note_password_right(request)


user_logged_in.connect(note_signed_in, dispatch_uid="sign_in")


def _attempt(request: HttpRequest, form: str) -> Attempt | None:
    name = request.POST.get("username", "") if request.method == "POST" else ""
    if not name.strip() or not request.POST.get("password"):
        return None
    return Attempt(form=form, user_name=folded(name), address=client_address(request))


def _marks(attempt: Attempt) -> dict[str, str]:
    return {"form": attempt.form, "address_mark": mark(attempt.address)[:12]}


def _is_known(pair: str) -> bool:
    try:
        return bool(redis_client().exists(f"baton:signed-in:{pair}"))
    except RedisError:
        return False


def _remember(pair: str) -> None:
    try:
        redis_client().set(f"baton:signed-in:{pair}", 1, ex=KNOWN_SECONDS)
    except RedisError:
        logger.warning("No Redis: this address is not remembered")


def _tell(attempt: Attempt, refusal: Refusal) -> None:
    """Write one line and one entry for each bound and window, however many tries there are."""
    if not refusal.is_news:
        return
    logger.warning("Sign-in is refused for a while: %s", refusal.bound, extra=_marks(attempt))
    user = get_user_model().objects.filter(username__iexact=attempt.user_name).first()
    who = f"user {user.pk}" if user else "an unknown user name"
    AuditEntry.objects.create(
        action="sign_in.refused", subject=f"{attempt.form}: {who}", fields=[refusal.bound]
    )


def refused_for_a_while(request: HttpRequest, status: int, seconds: int) -> HttpResponse:
    """Answer with the page that says when to try again."""
    at = timezone.now() + timedelta(seconds=seconds)
    context = {"seconds": seconds, "at": at, "is_busy": status == 503, "path": request.path}
    response = render(request, "registration/sign_in_later.html", context, status=status)
    response["Retry-After"] = str(seconds)
    return response
