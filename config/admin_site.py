"""Django's admin behind the portal's sign-in: throttled, and with the second factor."""

from __future__ import annotations

from typing import Any, cast

from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from integrations.entry.second_factor.services import factor_is_required
from integrations.entry.second_factor.signing_in import SignIn
from integrations.projects.proofs import factor_proved


class GuardedAdminSite(AdminSite):
    """Lets in whom Django's own site lets in, once they have shown what is asked of them."""

    def has_permission(self, request: HttpRequest) -> bool:
        """Refuse whose workspace asks for a second factor that this session has not shown."""
        return super().has_permission(request) and not _lacks_factor(request)

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show Django's form, whose password leads to the same page for the code."""
        if request.method == "GET" and super().has_permission(request):
            return redirect("second_factor" if _lacks_factor(request) else "admin:index")
        context = {
            **self.each_context(request),
            "title": "Log in",
            "subtitle": None,
            "app_path": request.get_full_path(),
            "username": request.user.get_username(),
            **(extra_context or {}),
        }
        index = reverse("admin:index", current_app=self.name)
        if "next" not in request.GET and "next" not in request.POST:
            context["next"] = index
        sign_in = SignIn.as_view(
            redirect_authenticated_user=False,
            authentication_form=self.login_form or AdminAuthenticationForm,
            template_name=self.login_template or "admin/login.html",
            next_page=index,
            extra_context=context,
        )
        request.current_app = self.name
        return cast(HttpResponse, sign_in(request))


def _lacks_factor(request: HttpRequest) -> bool:
    return not factor_proved(request.session) and factor_is_required(request.user)
