"""Settings > API keys: make a key, see it once, revoke it."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from integrations.entry.account.confirming import recently_confirmed
from integrations.entry.keys import (
    ApiKeyUnknownError,
    api_key_create,
    api_key_revoke,
    api_key_rotate,
)
from integrations.models import ApiKey, Area, Project
from integrations.projects.access import may_edit, project_view
from integrations.projects.forms import ApiKeyForm

_view = project_view(Area.ACCOUNT)
# So long both keys work, for systems that are changed over one by one.
ROTATION_OVERLAP = timedelta(days=7)


@never_cache
@_view
@recently_confirmed
def api_keys(request: HttpRequest, project: Project) -> HttpResponse:
    """List the keys; a new one is in the answer to the form that made it, and nowhere else."""
    form = ApiKeyForm(request.POST or None)
    return _page(request, project, form)


@never_cache
@require_POST
@_view
@recently_confirmed
def api_key_renew(request: HttpRequest, project: Project, key_id: int) -> HttpResponse:
    """Make a key's successor and show it once; the old one works a while longer."""
    key = project.api_keys.filter(pk=key_id).first()
    if key is None:
        raise Http404("No such key.")
    try:
        _, new_key = api_key_rotate(key=key, actor=request.user, overlap=ROTATION_OVERLAP)
    except ApiKeyUnknownError as error:
        messages.error(request, str(error))
        return redirect("api_keys", project_id=project.public_id)
    return _page(request, project, ApiKeyForm(), new_key=new_key)


def _page(
    request: HttpRequest, project: Project, form: ApiKeyForm, *, new_key: str = ""
) -> HttpResponse:
    if not new_key and request.method == "POST" and form.is_valid():
        new_key = _create(request, project, form)
        form = ApiKeyForm()
    labels = dict(ApiKey.Permission.choices)
    rows = [
        (key, [labels.get(p, p) for p in key.permissions], f"revoke-{key.pk}")
        for key in project.api_keys.all()
    ]
    context = {
        "form": form,
        "keys": rows,
        "new_key": new_key,
        "now": timezone.now(),
        "may_edit_here": may_edit(request, Area.ACCOUNT),
    }
    return render(
        request, "integrations/api_keys.html", context, status=422 if form.errors else 200
    )


@require_POST
@_view
@recently_confirmed
def api_key_end(request: HttpRequest, project: Project, key_id: int) -> HttpResponse:
    """Revoke a key whose name was typed."""
    key = project.api_keys.filter(pk=key_id).first()
    if key is None:
        raise Http404("No such key.")
    if request.POST.get("confirm_name", "").strip() != key.name:
        messages.error(request, f"The name does not match. Type {key.name} to revoke the key.")
    else:
        api_key_revoke(key=key, actor=request.user)
        messages.success(request, f"{key.name} is revoked.")
    return redirect("api_keys", project_id=project.public_id)


def _create(request: HttpRequest, project: Project, form: ApiKeyForm) -> str:
    days = form.cleaned_data["expires_in_days"]
    _, raw = api_key_create(
        project=project,
        actor=request.user,
        name=form.cleaned_data["name"],
        permissions=form.cleaned_data["permissions"],
        expires_at=timezone.now() + timedelta(days=int(days)) if days else None,
    )
    return raw
