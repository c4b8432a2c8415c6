"""Sign in by a passkey, in place of user name, password and code."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from integrations.entry.attempts import Bound, attempt_give_back, attempt_take
from integrations.entry.client_address import client_address
from integrations.entry.lockout import mark
from integrations.entry.passkeys.asking import passkey_options, passkey_shown, refusal_words
from integrations.entry.passkeys.challenges import SIGN_IN
from integrations.entry.passkeys.refusals import PasskeyRefusedError
from integrations.entry.rate_limit import retry_after
from integrations.entry.second_factor.signing_in import SignIn
from integrations.entry.sign_in import refused_for_a_while
from integrations.entry.user_names import BACKEND
from integrations.models import AuditEntry, Passkey
from integrations.projects.audit import audit_person
from integrations.projects.proofs import WAY, mark_factor

logger = logging.getLogger(__name__)
# For each address; each makes a session that nobody may ever come back for.
CHALLENGES_PER_MINUTE = 60


@never_cache
@require_POST
def passkey_challenge(request: HttpRequest) -> JsonResponse:
    """Return what the browser is to be asked."""
    key = f"passkeys:{mark(client_address(request))}"
    wait = retry_after(key, limit=CHALLENGES_PER_MINUTE, window_seconds=60)
    if wait:
        return JsonResponse({}, status=429, headers={"Retry-After": str(wait)})
    options = passkey_options(request.session, SIGN_IN)
    return JsonResponse(options or {}, status=200 if options else 404)


class PasskeySignIn(SignIn):
    """The sign-in page, for what its button for passkeys sends."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Lead whoever loads the address again to the sign-in page."""
        return redirect("login")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Sign in whose passkey it is; wrong ones count for the address, as passwords do."""
        bounds = [_bound(request)]
        refusal = attempt_take(bounds)
        if refusal is not None:
            return refused_for_a_while(request, 429, refusal.wait)
        try:
            row = passkey_shown(request.session, SIGN_IN, request.POST.get("passkey_answer", ""))
            _check_may_enter(row.user)
        except PasskeyRefusedError as error:
            return self._refused(error)
        attempt_give_back(bounds)
        return self._enter(row)

    def _enter(self, row: Passkey) -> HttpResponse:
        session = self.request.session
        session[WAY] = row.kind
        login(self.request, row.user, backend=BACKEND)
        mark_factor(session)
        audit_person(user=row.user, actor=row.user, action="passkey.signed_in", fields=[row.name])
        return HttpResponseRedirect(self.get_success_url())

    def _refused(self, refusal: PasskeyRefusedError) -> HttpResponse:
        logger.warning("A passkey was refused: %s", refusal.code)
        if refusal.code != "late":
            AuditEntry.objects.create(
                action="sign_in.refused", subject="passkey", fields=[refusal.code]
            )
        context = self.get_context_data(
            form=self.get_form_class()(self.request),
            error_title="The passkey was not taken.",
            error_detail=refusal_words(refusal),
            is_refused=True,
        )
        return self.render_to_response(context, status=422)


def _bound(request: HttpRequest) -> Bound:
    return Bound(
        name="address",
        key=mark(client_address(request)),
        limit=settings.SIGN_IN_TRIES_PER_ADDRESS,
        window_seconds=settings.SIGN_IN_WINDOW_SECONDS,
    )


def _check_may_enter(user: Any) -> None:
    """Refuse whom nobody lets in any more, and whom the provider of single sign-on lets in."""
    if not user.is_active:
        raise PasskeyRefusedError("unknown")
    is_providers = settings.SINGLE_SIGN_ON_ONLY or (
        settings.SINGLE_SIGN_ON_ISSUER and not user.has_usable_password()
    )
    if is_providers and not user.is_superuser:
        raise PasskeyRefusedError("sign_on")
