"""A member's own second factor: set it up, make new recovery codes, turn it off."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from integrations.entry.account.confirming import recently_confirmed
from integrations.entry.guesses import guess_bounded
from integrations.entry.second_factor import codes
from integrations.entry.second_factor.forms import CodeForm
from integrations.entry.second_factor.kinds import has_factor
from integrations.entry.second_factor.services import (
    app_remove,
    factor_begin,
    factor_begun,
    factor_confirm,
    factor_is_required,
    factor_of,
    recovery_codes_renew,
)
from integrations.entry.sessions.services import sessions_end_others
from integrations.models import SecondFactor
from integrations.projects.proofs import is_recently_confirmed, mark_factor


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
@recently_confirmed
def factor_set_up(request: HttpRequest) -> HttpResponse:
    """Begin the set-up with a POST; show the key until it is confirmed."""
    if factor_of(request.user) is not None:
        return redirect("account")
    if request.method == "POST":
        factor_begin(user=request.user)
        return redirect("second_factor")
    # What was begun long ago shows its key to nobody who has only found the browser open.
    row = factor_begun(request.user) if is_recently_confirmed(request.session) else None
    return _set_up_page(request, row, CodeForm())


@never_cache
@login_required
@require_POST
@recently_confirmed
def factor_confirmed(request: HttpRequest) -> HttpResponse:
    """Take the app's first code; show the recovery codes, this once."""
    row = factor_begun(request.user)
    form = CodeForm(request.POST)
    if row is None:
        return redirect("account")
    if not form.is_valid():
        return _set_up_page(request, row, form)
    made: list[str] = []

    def is_right() -> bool:
        try:
            made.extend(factor_confirm(user=request.user, code=form.cleaned_data["code"]))
        except ValidationError as error:
            form.add_error("code", error)
        return bool(made)

    answer = guess_bounded(request, request.user, "code", is_right)
    if isinstance(answer, HttpResponse):
        return answer
    if not answer:
        return _set_up_page(request, row, form)
    mark_factor(request.session)
    sessions_end_others(user=request.user, session_key=request.session.session_key or "")
    return codes_page(request, made, is_new=True)


@never_cache
@login_required
@require_POST
@recently_confirmed
def factor_codes(request: HttpRequest) -> HttpResponse:
    """Make new recovery codes, and show them this once."""
    made = recovery_codes_renew(user=request.user)
    return codes_page(request, made, is_new=False) if made else redirect("account")


@login_required
@require_POST
@recently_confirmed
def factor_off(request: HttpRequest) -> HttpResponse:
    """Turn the app off."""
    if app_remove(user=request.user):
        mark_factor(request.session, is_proved=has_factor(request.user))
        messages.success(request, "The app is off.")
    return redirect("account")


def _set_up_page(request: HttpRequest, row: SecondFactor | None, form: CodeForm) -> HttpResponse:
    context: dict[str, object] = {
        "form": form,
        "is_begun": row is not None,
        "is_required": factor_is_required(request.user),
    }
    if row is not None:
        key = row.secrets["key"]
        account = request.user.get_username()
        context |= {"key": codes.key_in_groups(key), "qr": codes.qr_code(key, account)}
    status = 422 if form.errors else 200
    return render(request, "account/second_factor.html", context, status=status)


def codes_page(request: HttpRequest, made: list[str], *, is_new: bool) -> HttpResponse:
    """Show recovery codes, this once."""
    context = {"codes": "\n".join(made), "is_new": is_new}
    return render(request, "account/recovery_codes.html", context)
