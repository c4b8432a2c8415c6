"""Django's sign-in, after whose password the second factor is asked for."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.shortcuts import redirect

from integrations.entry.passkeys.relying_party import own_origin, passkeys_problem
from integrations.entry.second_factor.kinds import has_factor
from integrations.entry.second_factor.pending import pending_begin
from integrations.entry.sign_in import note_password_right
from integrations.projects.proofs import ENDED_AFTER, SIGNED_OUT


class SignIn(LoginView):
    """Django's sign-in; whoever has a second factor is asked for it before they are in."""

    redirect_authenticated_user = True
    is_password_refused = False

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Tell whose session ended by itself why they are here."""
        minutes = self.request.session.get(ENDED_AFTER)
        words = f"Nothing was done for {minutes} minutes." if minutes else ""
        context = super().get_context_data(ended_words=words)
        # Django's admin has a page of its own; it asks for passkeys after the password.
        if self.template_name == SignIn.template_name:
            context["passkey_origin"] = "" if passkeys_problem() else own_origin()
        if settings.SINGLE_SIGN_ON_ISSUER:
            context["is_signed_out"] = self.request.session.get(SIGNED_OUT, False)
            context["sign_on_name"] = settings.SINGLE_SIGN_ON_NAME
            context["is_sign_on_only"] = settings.SINGLE_SIGN_ON_ONLY
        return context | self._error_words() | more

    def _error_words(self) -> dict[str, str]:
        if self.is_password_refused:
            return {
                "error_title": f"Sign in with {settings.SINGLE_SIGN_ON_NAME}.",
                "error_detail": "Passwords are taken from superusers of this installation alone.",
            }
        return {
            "error_title": "User name and password do not match.",
            "error_detail": "Check both. Passwords distinguish capital letters.",
        }

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign in, or ask for the code."""
        user = form.get_user()
        note_password_right(self.request)
        if settings.SINGLE_SIGN_ON_ONLY and not user.is_superuser:
            self.is_password_refused = True
            form.add_error(None, "Passwords are taken from superusers alone.")
            return self.form_invalid(form)
        if not has_factor(user):
            return super().form_valid(form)
        pending_begin(self.request.session, user, self.get_success_url())
        return redirect("sign_in_code")
