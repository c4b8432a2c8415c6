"""The sign-in page, and the page after it that asks for a code."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from integrations.entry.guesses import guess_bounded
from integrations.entry.passkeys.asking import (
    host_elsewhere,
    passkey_options,
    passkey_shown,
    refusal_words,
)
from integrations.entry.passkeys.challenges import SECOND
from integrations.entry.passkeys.refusals import PasskeyRefusedError
from integrations.entry.passkeys.relying_party import own_origin
from integrations.entry.second_factor.forms import CodeForm
from integrations.entry.second_factor.kinds import APP_KIND, factor_kinds
from integrations.entry.second_factor.pending import (
    Pending,
    pending_end,
    pending_find,
)
from integrations.entry.second_factor.services import (
    RECOVERY,
    factor_use,
    recovery_codes_left,
)
from integrations.projects.proofs import WAY, mark_factor

logger = logging.getLogger(__name__)


@never_cache
@require_http_methods(["GET", "POST"])
def sign_in_code(request: HttpRequest) -> HttpResponse:
    """Ask for the code of the app, a passkey, or a recovery code."""
    pending = pending_find(request.session)
    if pending is None:
        pending_end(request.session)
        return redirect("login")
    if request.POST.get("passkey_answer"):
        return _by_passkey(request, pending)
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        code = form.cleaned_data["code"]
        answer = _taken(request, pending, "code", lambda: factor_use(user=pending.user, code=code))
        if answer is not None:
            return answer
        form.add_error("code", "This code is not good, or it was used before. Take the next one.")
    return _page(request, pending, form)


def _by_passkey(request: HttpRequest, pending: Pending) -> HttpResponse:
    problems: list[str] = []

    def shown() -> str:
        answer = request.POST["passkey_answer"]
        try:
            return passkey_shown(request.session, SECOND, answer, user=pending.user).kind
        except PasskeyRefusedError as refusal:
            problems.append(refusal_words(refusal))
        return ""

    answer = _taken(request, pending, "passkey", shown)
    return answer or _page(request, pending, CodeForm(), problem=problems[0])


def _taken(
    request: HttpRequest, pending: Pending, kind: str, use: Callable[[], str]
) -> HttpResponse | None:
    """Use what was shown, which names its kind; None where it is not good."""
    used: list[str] = []

    def is_right() -> bool:
        used.append(use())
        return bool(used[0])

    answer = guess_bounded(request, pending.user, kind, is_right)
    if isinstance(answer, HttpResponse):
        return answer
    if answer:
        return _enter(request, pending, used[0])
    logger.warning("A second factor was refused")
    return None


def _page(
    request: HttpRequest, pending: Pending, form: CodeForm, problem: str = ""
) -> HttpResponse:
    user = pending.user
    options = passkey_options(request.session, SECOND, user)
    kinds = factor_kinds([user.pk]).get(user.pk, [])
    context = {
        "form": form,
        "problem": problem,
        "who": user.get_username(),
        "has_app": APP_KIND in kinds,
        "options": json.dumps(options) if options else "",
        "origin": own_origin(),
        "elsewhere": "" if options else host_elsewhere(user),
    }
    status = 422 if problem or form.errors else 200
    return render(request, "registration/sign_in_code.html", context, status=status)


def _enter(request: HttpRequest, pending: Pending, kind: str) -> HttpResponse:
    pending_end(request.session)
    request.session[WAY] = f"password and {kind}"
    login(request, pending.user, backend=pending.backend)
    mark_factor(request.session)
    if kind == RECOVERY:
        left = recovery_codes_left(pending.user)
        messages.warning(
            request,
            f"A recovery code was used: {left} left. Your account page makes new ones.",
        )
    return HttpResponseRedirect(pending.target)
