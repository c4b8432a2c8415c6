"""A member's own page: second factor, where they are signed in, password."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import PasswordChangeView
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from integrations.entry.account.confirming import confirmation
from integrations.entry.guesses import guess_bounded
from integrations.entry.passkeys.relying_party import own_host, passkeys_problem
from integrations.entry.second_factor.services import (
    factor_is_required,
    factor_of,
    recovery_codes_left,
)
from integrations.entry.sessions.services import session_end, sessions_end_others, sessions_of
from integrations.models import PortalSession
from integrations.projects.access import own_zone_activate
from integrations.projects.audit import audit_person
from integrations.projects.frame.going_back import address_of_ours
from integrations.projects.proofs import mark_confirmed

_ADDRESSES = ("next", "back")


@never_cache
@require_GET
@login_required
def account(request: HttpRequest) -> HttpResponse:
    """Show how the member proves who they are, and where they are signed in."""
    user: Any = request.user
    own_zone_activate(user)
    context = {
        "factor": factor_of(user),
        "passkeys": [(row, row.host != own_host()) for row in user.passkeys.all()],
        "passkeys_problem": passkeys_problem(),
        "host": own_host(),
        "codes_left": recovery_codes_left(user),
        "is_required": factor_is_required(user),
        "sessions": [*sessions_of(user)],
        "own_key": request.session.session_key,
    }
    return render(request, "account/account.html", context)


@never_cache
@require_POST
@login_required
def confirm(request: HttpRequest) -> HttpResponse:
    """Take who it is, and lead on to the file that was asked for."""
    refused = confirmation(request)
    if refused is not None:
        return refused
    target, back = (address_of_ours(request, request.POST.get(name, "")) for name in _ADDRESSES)
    return render(request, "account/confirmed.html", {"target": target, "back": back})


@require_POST
@login_required
def own_session_end(request: HttpRequest, session_id: int) -> HttpResponse:
    """Sign out another browser of the member."""
    row = sessions_of(request.user).filter(pk=session_id).first()
    if row is None:
        raise Http404("No such session.")
    session_end(row=row, actor=request.user)
    messages.success(request, f"{row.device} is signed out.")
    return redirect("account")


@require_POST
@login_required
def own_sessions_end_others(request: HttpRequest) -> HttpResponse:
    """Sign the member out everywhere but here."""
    ended = sessions_end_others(user=request.user, session_key=request.session.session_key or "")
    messages.success(request, f"Signed out from {ended} other{'' if ended == 1 else 's'}.")
    return redirect("account")


@require_POST
def active(request: HttpRequest) -> HttpResponse:
    """Take a sign of life of somebody who writes in a form; 401 once they are signed out."""
    return HttpResponse(status=204 if request.user.is_authenticated else 401)


class PasswordChange(PasswordChangeView):
    """Django's own, bounded as the sign-in is; what is signed in elsewhere ends."""

    template_name = "account/password.html"
    success_url = reverse_lazy("account")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Look at the old password only so often."""
        form = self.get_form()
        answer = guess_bounded(
            request, request.user, "password", lambda: "old_password" not in form.errors
        )
        if isinstance(answer, HttpResponse):
            return answer
        return self.form_valid(form) if form.is_valid() else self.form_invalid(form)

    def form_valid(self, form: Any) -> HttpResponse:
        """Save it, and end the other sessions."""
        request = self.request
        before = request.session.session_key
        response = super().form_valid(form)
        # Django gives the session a new key with the new password.
        PortalSession.objects.filter(session_key=before).update(
            session_key=request.session.session_key
        )
        mark_confirmed(request.session)
        audit_person(user=request.user, actor=request.user, action="session.password_changed")
        sessions_end_others(user=request.user, session_key=request.session.session_key or "")
        messages.success(request, "The password is changed.")
        return response
