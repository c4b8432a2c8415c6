"""The page behind an invitation's link: join as who you are, or make an account."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from integrations.entry.members.forms import AccountForm
from integrations.entry.members.invitations import (
    invitation_accept,
    invitation_find,
    user_with_email,
)
from integrations.entry.user_names import BACKEND
from integrations.models import Invitation


@never_cache
@require_http_methods(["GET", "POST"])
def invitation_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show an invitation, and take its acceptance."""
    invitation = invitation_find(token)
    if invitation is None:
        return _over(request, "This link is no invitation of this portal. Copy it whole.", 404)
    state = invitation.state(timezone.now())
    if state != "waiting":
        return _over(request, f"This invitation is {state}.", 410)
    if request.user.is_authenticated:
        return _join(request, invitation)
    if user_with_email(invitation.email) is not None or settings.SINGLE_SIGN_ON_ONLY:
        back = urlencode({"next": reverse("invitation_accept", args=[token])})
        return redirect(f"{reverse('login')}?{back}")
    return _new_account(request, invitation)


def _join(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    problem = ""
    if request.method == "POST":
        try:
            invitation_accept(invitation=invitation, user=request.user)
            return redirect("home")
        except ValidationError as error:
            problem = " ".join(error.messages)
    own = (getattr(request.user, "email", "") or "").casefold()
    context = {
        "invitation": invitation,
        "problem": problem,
        "is_another": own != invitation.email.casefold(),
    }
    status = 409 if problem else 200
    return render(request, "integrations/invitation_join.html", context, status=status)


def _new_account(request: HttpRequest, invitation: Invitation) -> HttpResponse:
    form = AccountForm(request.POST or None, initial={"username": invitation.email})
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                user = form.save(commit=False)
                user.email = invitation.email
                user.save()
                invitation_accept(invitation=invitation, user=user)
        except (ValidationError, IntegrityError):
            # Sent twice: the other one has made the account.
            return _over(request, "This invitation was accepted just now. Sign in.", 409)
        login(request, user, backend=BACKEND)
        return redirect("home")
    context = {"invitation": invitation, "form": form}
    status = 422 if form.errors else 200
    return render(request, "integrations/invitation_account.html", context, status=status)


def _over(request: HttpRequest, reason: str, status: int) -> HttpResponse:
    return render(request, "integrations/invitation_over.html", {"reason": reason}, status=status)
