"""Django's sign-in, after whose password the second factor is asked for."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.views import LoginView
from django.http import HttpResponse
from django.shortcuts import redirect

from integrations.entry.second_factor.pending import pending_begin
from integrations.entry.second_factor.services import factor_of
from integrations.entry.sign_in import note_password_right
from integrations.projects.proofs import ENDED_AFTER


class SignIn(LoginView):
    """Django's sign-in; whoever has a second factor is asked for it before they are in."""

    redirect_authenticated_user = True

    def get_context_data(self, **more: Any) -> dict[str, Any]:
        """Tell whose session ended by itself why they are here."""
        minutes = self.request.session.get(ENDED_AFTER)
        words = f"Nothing was done for {minutes} minutes." if minutes else ""
        return super().get_context_data(**more, ended_words=words)

    def form_valid(self, form: Any) -> HttpResponse:
        """Sign in, or ask for the code."""
        user = form.get_user()
        note_password_right(self.request)
        if factor_of(user) is None:
            return super().form_valid(form)
        pending_begin(self.request.session, user, self.get_success_url())
        return redirect("sign_in_code")
