"""Ask again who somebody is before something dangerous, without losing what they sent."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.debug import sensitive_post_parameters

from integrations.entry.guesses import guess_bounded
from integrations.entry.second_factor.services import factor_of, factor_use
from integrations.projects.proofs import is_recently_confirmed, mark_confirmed

View = Callable[..., HttpResponseBase]
_FIELD = "confirm_secret"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def recently_confirmed(view: View) -> View:
    """Decorate a view that changes what is dangerous: asked again after five minutes.

    What was sent goes through the page that asks, and then on to the view.
    """

    @sensitive_post_parameters()
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method in _READING or is_recently_confirmed(request.session):
            return view(request, *args, **kwargs)
        secret = request.POST.get(_FIELD, "")
        if not secret:
            return _ask(request)
        answer = guess_bounded(
            request, request.user, "confirmation", lambda: _is_right(request.user, secret)
        )
        if isinstance(answer, HttpResponse):
            return answer
        if not answer:
            return _ask(request, problem="This is not it. Try again.")
        mark_confirmed(request.session)
        return view(request, *args, **kwargs)

    return cast(View, guarded)


def _is_right(user: Any, secret: str) -> bool:
    if user.has_usable_password() and user.check_password(secret):
        return True
    return bool(factor_use(user=user, code=secret))


def _ask(request: HttpRequest, problem: str = "") -> HttpResponse:
    """Answer with the page that asks; it carries what was sent, and is kept nowhere."""
    user: Any = request.user
    leave_out = {"csrfmiddlewaretoken", _FIELD}
    context = {
        "sent": [
            (name, value)
            for name, values in request.POST.lists()
            if name not in leave_out
            for value in values
        ],
        "problem": problem,
        "has_password": user.has_usable_password(),
        "has_factor": factor_of(user) is not None,
        "back": request.headers.get("referer", ""),
    }
    response = render(request, "account/confirm.html", context, status=403)
    add_never_cache_headers(response)
    return response
