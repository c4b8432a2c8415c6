"""A member's own passkeys: add one, give it a name, remove it."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from integrations.entry.account.confirming import recently_confirmed
from integrations.entry.account.factor_views import codes_page
from integrations.entry.passkeys.asking import refusal_words
from integrations.entry.passkeys.refusals import PasskeyRefusedError
from integrations.entry.passkeys.relying_party import own_host, own_origin, passkeys_problem
from integrations.entry.second_factor.kinds import has_factor
from integrations.entry.second_factor.passkey_adding import passkey_add, passkey_ask
from integrations.entry.second_factor.passkey_keeping import passkey_remove, passkey_rename
from integrations.entry.sessions.devices import device_words
from integrations.entry.sessions.services import sessions_end_others
from integrations.models import Passkey
from integrations.projects.access import own_zone_activate
from integrations.projects.proofs import mark_factor


class NameForm(forms.Form):
    """By what its owner tells a passkey from the others."""

    name = forms.CharField(
        label="Name",
        max_length=60,
        help_text="Such as the device, or the password manager, that keeps it.",
        error_messages={"required": "Name is missing. Enter what you will recognise it by."},
    )


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
@recently_confirmed
def passkey_new(request: HttpRequest) -> HttpResponse:
    """Show the page on which the browser makes a passkey."""
    if request.method == "GET" or passkeys_problem():
        return redirect("account")
    name = device_words(request.META.get("HTTP_USER_AGENT", ""))
    return _new_page(request, NameForm(initial={"name": name}))


@never_cache
@login_required
@require_POST
def passkey_save(request: HttpRequest) -> HttpResponse:
    """Take what the browser made; show recovery codes where it is the first factor."""
    form = NameForm(request.POST)
    if not form.is_valid():
        return _new_page(request, form)
    name = form.cleaned_data["name"]
    try:
        codes = passkey_add(
            session=request.session,
            user=request.user,
            name=name,
            text=request.POST.get("passkey_answer", ""),
        )
    except PasskeyRefusedError as refusal:
        return _new_page(request, form, problem=refusal_words(refusal))
    mark_factor(request.session)
    if codes:
        sessions_end_others(user=request.user, session_key=request.session.session_key or "")
        return codes_page(request, codes, is_new=True)
    messages.success(request, f"{name} is added.")
    return redirect("account")


@never_cache
@login_required
@require_http_methods(["GET", "POST"])
@recently_confirmed
def passkey(request: HttpRequest, passkey_id: int) -> HttpResponse:
    """Show one passkey, and give it another name."""
    row = _own(request, passkey_id)
    own_zone_activate(request.user)
    form = NameForm(request.POST or None, initial={"name": row.name})
    if request.method == "POST" and form.is_valid():
        passkey_rename(row=row, name=form.cleaned_data["name"])
        messages.success(request, "The name is saved.")
        return redirect("account")
    context = {"row": row, "form": form, "is_elsewhere": row.host != own_host()}
    status = 422 if form.errors else 200
    return render(request, "account/passkey.html", context, status=status)


@login_required
@require_POST
@recently_confirmed
def passkey_end(request: HttpRequest, passkey_id: int) -> HttpResponse:
    """Remove a passkey."""
    row = _own(request, passkey_id)
    passkey_remove(row=row)
    if not has_factor(request.user):
        mark_factor(request.session, is_proved=False)
    messages.success(request, f"{row.name} is removed.")
    return redirect("account")


def _new_page(request: HttpRequest, form: NameForm, problem: str = "") -> HttpResponse:
    user: Any = request.user
    context = {
        "form": form,
        "problem": problem,
        "options": json.dumps(passkey_ask(request.session, user)),
        "host": own_host(),
        "origin": own_origin(),
        "is_first": not has_factor(user),
    }
    status = 422 if problem or form.errors else 200
    return render(request, "account/passkey_new.html", context, status=status)


def _own(request: HttpRequest, passkey_id: int) -> Passkey:
    user: Any = request.user
    row = Passkey.objects.select_related("user").filter(user=user, pk=passkey_id).first()
    if row is None:
        raise Http404("No such passkey.")
    return row
