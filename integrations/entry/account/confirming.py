"""Ask again who somebody is before something dangerous, without losing what they sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import add_never_cache_headers
from django.views.decorators.debug import sensitive_post_parameters

from integrations.entry.guesses import guess_bounded
from integrations.entry.passkeys.asking import passkey_options, passkey_shown, refusal_words
from integrations.entry.passkeys.challenges import CONFIRM
from integrations.entry.passkeys.refusals import PasskeyRefusedError
from integrations.entry.passkeys.relying_party import own_origin
from integrations.entry.second_factor.kinds import has_factor
from integrations.entry.second_factor.services import factor_use
from integrations.projects.frame.going_back import address_of_ours
from integrations.projects.proofs import is_recently_confirmed, mark_confirmed

View = Callable[..., HttpResponseBase]
_FIELD, _PASSKEY = "confirm_secret", "passkey_answer"
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
        refused = confirmation(request)
        if refused is not None:
            return refused
        return view(request, *args, **kwargs)

    return cast(View, guarded)


def asked_before_export(request: HttpRequest) -> HttpResponse | None:
    """Return the page that asks, and then leads to the file that was asked for by its address.

    Nothing for whoever showed a few minutes ago who they are.
    """
    if is_recently_confirmed(request.session):
        return None
    own = [("next", request.get_full_path()), ("back", _referer(request))]
    return _page(request, own, action=reverse("confirm"), back=own[1][1])


def confirmation(request: HttpRequest) -> HttpResponse | None:
    """Take what was sent to show who it is; return the page that asks where that is not enough."""
    if not (request.POST.get(_FIELD) or request.POST.get(_PASSKEY)):
        return _ask(request)
    problems = ["This is not it. Try again."]
    answer = guess_bounded(
        request, request.user, "confirmation", lambda: _is_right(request, problems)
    )
    if isinstance(answer, HttpResponse):
        return answer
    if not answer:
        return _ask(request, problem=problems[-1])
    mark_confirmed(request.session)
    return None


def _is_right(request: HttpRequest, problems: list[str]) -> bool:
    """Judge it; what is wrong with a passkey is added to the problems."""
    user: Any = request.user
    if shown := request.POST.get(_PASSKEY):
        try:
            passkey_shown(request.session, CONFIRM, shown, user=user)
        except PasskeyRefusedError as refusal:
            problems.append(refusal_words(refusal))
            return False
        return True
    secret = request.POST[_FIELD]
    if user.has_usable_password() and user.check_password(secret):
        return True
    return bool(factor_use(user=user, code=secret))


def _ask(request: HttpRequest, problem: str = "") -> HttpResponse:
    """Answer with the page that asks; it carries what was sent."""
    leave_out = {"csrfmiddlewaretoken", _FIELD, _PASSKEY}
    sent = [
        (name, value)
        for name, values in request.POST.lists()
        if name not in leave_out
        for value in values
    ]
    return _page(request, sent, problem=problem, back=_referer(request))


def _page(
    request: HttpRequest,
    sent: list[tuple[str, str]],
    *,
    problem: str = "",
    action: str = "",
    back: str,
) -> HttpResponse:
    user: Any = request.user
    options = passkey_options(request.session, CONFIRM, user)
    context = {
        "sent": sent,
        "action": action,
        "problem": problem,
        "has_password": user.has_usable_password(),
        "has_codes": has_factor(user),
        "options": json.dumps(options) if options else "",
        "origin": own_origin(),
        "back": back,
    }
    response = render(request, "account/confirm.html", context, status=403)
    add_never_cache_headers(response)
    return response


def _referer(request: HttpRequest) -> str:
    """Return the page of ours that was left for this one."""
    return address_of_ours(request, request.headers.get("referer", ""), "")
