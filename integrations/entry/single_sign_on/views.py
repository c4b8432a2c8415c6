"""The way to the OpenID provider, and back."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.views import LogoutView
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from integrations.entry.members.selectors import installation_admins
from integrations.entry.single_sign_on.going import (
    address_back,
    address_there,
    going_begin,
    going_take,
)
from integrations.entry.single_sign_on.identity import identity_read
from integrations.entry.single_sign_on.people import user_for
from integrations.entry.single_sign_on.provider import is_set_up, provider_get, tokens_for
from integrations.entry.single_sign_on.refusals import SignOnRefusedError
from integrations.entry.user_names import BACKEND
from integrations.models import AuditEntry
from integrations.projects.frame.going_back import address_of_ours
from integrations.projects.proofs import SIGNED_OUT, WAY, mark_factor

logger = logging.getLogger(__name__)
SINGLE_SIGN_ON = "single sign-on"


@never_cache
@require_GET
def single_sign_on(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider."""
    if not is_set_up():
        raise Http404("No single sign-on is set up.")
    try:
        provider = provider_get()
    except SignOnRefusedError as refusal:
        return _refused(request, refusal)
    target = address_of_ours(request, request.GET.get("next", ""))
    going = going_begin(request.session, target)
    return HttpResponseRedirect(address_there(provider, going))


@never_cache
@require_GET
def single_sign_on_back(request: HttpRequest) -> HttpResponse:
    """Take the provider's answer, and sign in whom it is about."""
    if not is_set_up():
        raise Http404("No single sign-on is set up.")
    try:
        going = going_take(request.session, request.GET.get("state", ""))
        provider = provider_get()
        if "error" in request.GET or "code" not in request.GET:
            raise SignOnRefusedError("cancelled")
        # A provider that says who answers must be the one that was asked (RFC 9207).
        if request.GET.get("iss", provider.issuer) != provider.issuer:
            raise SignOnRefusedError("audience")
        tokens = tokens_for(
            provider, code=request.GET["code"], verifier=going.verifier, back=address_back()
        )
        user = user_for(identity_read(provider, tokens, going.nonce))
    except SignOnRefusedError as refusal:
        return _refused(request, refusal)
    request.session[WAY] = SINGLE_SIGN_ON
    login(request, user, backend=BACKEND)
    # The provider has its own second factor, and its own rules for whom it asks for one.
    mark_factor(request.session)
    return HttpResponseRedirect(going.target)


class SignOut(LogoutView):
    """Django's own; whoever came by the provider is led to its sign-out too."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign out here, and offer the rest."""
        came_by_provider = request.session.get(WAY) == SINGLE_SIGN_ON
        response = super().post(request, *args, **kwargs)
        if came_by_provider and _sign_out_there():
            request.session[SIGNED_OUT] = True
        return response


@never_cache
@require_GET
def sign_out_there(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider's own sign-out."""
    address = _sign_out_there()
    request.session.pop(SIGNED_OUT, None)
    return HttpResponseRedirect(address or "/login/")


def _sign_out_there() -> str:
    try:
        there = provider_get().end_session_endpoint if is_set_up() else ""
    except SignOnRefusedError:
        return ""
    asked = {
        "client_id": settings.SINGLE_SIGN_ON_CLIENT_ID,
        "post_logout_redirect_uri": f"{settings.PUBLIC_URL}/login/",
    }
    return f"{there}{'&' if '?' in there else '?'}{urlencode(asked)}" if there else ""


def _refused(request: HttpRequest, refusal: SignOnRefusedError) -> HttpResponse:
    logger.warning("A single sign-on was refused: %s", refusal.code)
    AuditEntry.objects.create(
        action="sign_in.refused", subject=SINGLE_SIGN_ON, fields=[refusal.code]
    )
    happened, cure = refusal.words(settings.SINGLE_SIGN_ON_NAME)
    is_own = bool(refusal.email and settings.SINGLE_SIGN_ON_DOMAINS)
    context = {
        "happened": happened,
        "cure": cure,
        "email": refusal.email,
        "is_unknown": refusal.code == "unknown",
        # Names are for people of the operator's own domains alone.
        "admins": installation_admins() if is_own else [],
        "name": settings.SINGLE_SIGN_ON_NAME,
    }
    return render(request, "registration/single_sign_on.html", context, status=403)
