"""The sign-in page, and the page after it that asks for a code."""

from __future__ import annotations

import logging
from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from integrations.entry.guesses import guess_bounded
from integrations.entry.second_factor.forms import CodeForm
from integrations.entry.second_factor.pending import (
    Pending,
    pending_end,
    pending_find,
)
from integrations.entry.second_factor.services import (
    RECOVERY,
    factor_of,
    factor_use,
    recovery_codes_left,
)
from integrations.projects.proofs import WAY, mark_factor

logger = logging.getLogger(__name__)


@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """Ask for the code of the app, or for a recovery code."""
    pending = pending_find(request.session)
    if pending is None:
        pending_end(request.session)
        return redirect("login")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        used: list[str] = []
        code = form.cleaned_data["code"]
        answer = guess_bounded(
            request, pending.user, "code", lambda: _used(pending.user, code, used)
        )
        if isinstance(answer, HttpResponse):
            return answer
        if answer:
            return _enter(request, pending, used[0])
        logger.warning("A second factor was refused")
        form.add_error("code", "This code is not good, or it was used before. Take the next one.")
    return render(
        request,
        "registration/sign_in_code.html",
        {"form": form, "who": pending.user.get_username()},
        status=422 if form.errors else 200,
    )


def _used(user: Any, code: str, used: list[str]) -> bool:
    kind = factor_use(user=user, code=code)
    used.append(kind)
    return bool(kind)


def _enter(request: HttpRequest, pending: Pending, kind: str) -> HttpResponse:
    pending_end(request.session)
    request.session[WAY] = f"password and {kind}"
    login(request, pending.user, backend=pending.backend)
    mark_factor(request.session)
    if kind == RECOVERY and (row := factor_of(pending.user)):
        left = recovery_codes_left(row)
        messages.warning(
            request,
            f"A recovery code was used: {left} left. Your account page makes new ones.",
        )
    return HttpResponseRedirect(pending.target)
